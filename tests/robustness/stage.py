"""The stage: three members of etcd, three nodes, and between each node and etcd a network of its own."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import trio
from attrs import define

from tests.robustness.proxy import Network
from tests.robustness.traffic import GAME
from tests.support.etcd import EtcdCluster, EtcdRefusedError, EtcdServer, steadfast_etcd_binary
from tests.support.process import ServerProcess

T = TypeVar("T")
ELECTION_TRIES = 20

NODES = ("east", "north", "west")
QUOTA_BYTES = 64 * 1024 * 1024
"""Small, so that it is soon filled up."""
MEMBER = (f"--quota-backend-bytes={QUOTA_BYTES}", "--snapshot-count=5000")
"""A member keeps in memory what its last snapshot does not cover."""
PREFIX = "tradegame"
STAGE_HOST = {"snapshot_every": 3_000, "generation_frames": 1_000, "audit_s": 2.0}
"""So that generations turn every few seconds, and a client that comes back in time can still resume."""
FLAGS = {"limits.outbox_bytes": 64 * 1024}
"""So that who stops reading for some seconds is sent away with 4001, now and then."""


@define(eq=False)
class Place:
    """One node's: its process, and its network. ``struck``: a fault is under way here, or not yet recovered from."""

    server: ServerProcess
    network: Network
    struck: bool = False

    @property
    def name(self) -> str:
        return self.server.name


@define(eq=False, repr=False)
class Stage:
    """``run`` has it all there until cancelled; ``close`` kills it."""

    etcd: EtcdCluster
    places: Sequence[Place]

    @classmethod
    def build(cls, directory: Path, game: dict[str, Any]) -> Stage:
        """Nothing runs yet."""
        etcd = EtcdCluster(3, MEMBER, binary=steadfast_etcd_binary())
        places = []
        for name in NODES:
            network = Network.to(etcd.endpoints)
            server = ServerProcess(network.url, directory, name=name, games=[game], flags=FLAGS, host=STAGE_HOST)
            places.append(Place(server, network))
        return cls(etcd, places)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await in_thread(self.etcd.start)
        async with trio.open_nursery() as nursery:
            for place in self.places:
                await nursery.start(place.network.run)
            async with trio.open_nursery() as starting:
                for place in self.places:
                    starting.start_soon(in_thread, place.server.start)
            task_status.started()

    def close(self) -> None:
        for place in self.places:
            place.server.close()
        self.etcd.close()

    # What is asked of etcd past everything

    async def ask(self, path: str, **fields: Any) -> dict[str, Any]:
        """One call to a member that runs, again while the cluster chooses a leader.

        Raises EtcdRefusedError, and OSError when none answers.
        """
        for _ in range(ELECTION_TRIES):
            try:
                return await self._ask_once(path, **fields)
            except EtcdRefusedError as error:
                if "leader" not in str(error) and "timed out" not in str(error):
                    raise
            await trio.sleep(0.5)
        return await self._ask_once(path, **fields)

    async def _ask_once(self, path: str, **fields: Any) -> dict[str, Any]:
        members = [member for member in self.etcd.members if member.running]
        for member in members[:-1]:
            try:
                return await in_thread(member.ask, path, **fields)
            except OSError:
                continue
        return await in_thread(members[-1].ask, path, **fields)

    async def key(self, key: str) -> dict[str, Any] | None:
        """What stands under a key: ``value`` in bytes, ``lease``, ``mod_revision``; None: nothing does."""
        pairs = (await self.ask("kv/range", key=coded(key))).get("kvs", [])
        return {**pairs[0], "value": base64.b64decode(pairs[0].get("value", ""))} if pairs else None

    async def put(self, key: str, value: bytes) -> None:
        await self.ask("kv/put", key=coded(key), value=base64.b64encode(value).decode())

    async def delete_under(self, key: str) -> None:
        """This key, and all that begin so."""
        await self.ask("kv/deleterange", key=coded(key), range_end=coded(key[:-1] + chr(ord(key[-1]) + 1)))

    async def compact(self) -> None:
        """All history up to now is gone."""
        revision = (await self.ask("kv/range", key=coded(f"{PREFIX}/games/{GAME}/meta")))["header"]["revision"]
        try:
            await self.ask("kv/compaction", revision=revision)
        except EtcdRefusedError as error:
            if "has been compacted" not in str(error):
                raise

    async def leader(self) -> EtcdServer:
        """The member that leads, as soon as one does."""
        while True:
            if (leader := await in_thread(self.etcd.leader)) is not None:
                return leader
            await trio.sleep(0.1)


def coded(key: str) -> str:
    """A key as etcd's JSON has it."""
    return base64.b64encode(key.encode()).decode()


async def in_thread(call: Callable[..., T], *args: Any, **fields: Any) -> T:
    """What blocks for well under a second, or starts a process."""
    return await trio.to_thread.run_sync(partial(call, *args, **fields))
