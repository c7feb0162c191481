"""One suite over every store: in memory, in a SQLite file, in a real etcd, and in the simulation's ledger."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.faults import FaultyStore
from tests.simulation.store import open_memory
from tests.support.etcd import EtcdServer
from tradegame.infra.embedded.store import open_sqlite
from tradegame.infra.etcd import EtcdSettings, open_etcd
from tradegame.infra.kv.games import KvGameStateRepository
from tradegame.infra.kv.port import KeyValueStore

_numbers = itertools.count(1)


class _Tidy(FaultyStore):
    """Remembers its leases: one that ended during the next test would take a revision there."""

    def __init__(self, kv: KeyValueStore) -> None:
        super().__init__(kv)
        self.leases: list[int] = []

    async def grant(self, ttl_s: int) -> int:
        lease = await super().grant(ttl_s)
        self.leases.append(lease)
        return lease


@pytest.fixture(scope="session")
def etcd_server() -> Iterator[EtcdServer]:
    with EtcdServer() as server:
        yield server


@pytest.fixture(params=["memory", "embedded", "etcd", "simulated"])
def store_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def kv(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeyValueStore]:
    """A store. The etcd is the same for all tests: keep to ``prefix``, and know no absolute revisions."""
    if store_kind == "etcd":
        server: EtcdServer = request.getfixturevalue("etcd_server")
        async with open_etcd(EtcdSettings((server.endpoint,))) as client:
            tidy = _Tidy(client)
            yield tidy
            for lease in tidy.leases:
                await client.revoke(lease)
    elif store_kind == "simulated":
        async with open_memory() as memory:
            yield memory
    else:
        path = ":memory:" if store_kind == "memory" else str(tmp_path / "store.db")
        async with open_sqlite(path) as store:
            yield store


@pytest.fixture
def prefix() -> str:
    """Nothing of another test is under it."""
    return f"test{next(_numbers):04d}"


@pytest.fixture
def games(kv: KeyValueStore, prefix: str) -> KvGameStateRepository:
    """With small pages and parts, so that a few entries take several of them."""
    return KvGameStateRepository(kv, prefix, page_entries=3, part_bytes=10)
