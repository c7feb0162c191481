"""Whatever may hang on the store runs on each: on SQLite, and on a real etcd. (``memory:`` is SQLite without its file.)

And in every one each frame, of servers in threads and in processes of their own, is held against the AsyncAPI document.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.etcd import EtcdServer
from tests.support.frame_recorder import FrameRecorder
from tests.support.node import VIOLATIONS
from tests.support.server import ServerThread

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def recorder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FrameRecorder]:
    """Fails the test in which a frame is not what is published; set up first, it outlives the test's servers."""
    recorder, elsewhere = FrameRecorder(), tmp_path / "violations"
    recorder.install(monkeypatch.setattr)
    monkeypatch.setenv(VIOLATIONS, str(elsewhere))
    yield recorder
    found = recorder.take() + (elsewhere.read_text().splitlines() if elsewhere.exists() else [])
    if found:
        pytest.fail("frames that are not what is published:\n" + "\n".join(found[:10]), pytrace=False)


@pytest.fixture(scope="session")
def etcd() -> Iterator[EtcdServer]:
    with EtcdServer() as server:
        yield server


STORES = ("embedded", "etcd")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh store's address."""
    return _fresh_store(request, tmp_path)


def _fresh_store(request: pytest.FixtureRequest, directory: Path) -> str:
    if request.param == "embedded":
        return f"embedded:{directory / 'tradegame.db'}"
    return fresh_etcd_url(request.getfixturevalue("etcd"))


def fresh_etcd_url(etcd: EtcdServer) -> str:
    """A prefix that nobody has used yet."""
    return f"{etcd.url}/test-{next(_numbers)}"


@pytest.fixture
def server(store: str) -> Iterator[ServerThread]:
    """The bazaar of ``tests.support.server``, served."""
    with ServerThread(store) as running:
        yield running


@pytest.fixture(scope="module", params=STORES)
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """The same, for all tests of a file that only ask for what is refused: they leave players behind, and no more."""
    with ServerThread(_fresh_store(request, tmp_path_factory.mktemp("shared"))) as running:
        yield running
