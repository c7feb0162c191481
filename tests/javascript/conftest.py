"""The JavaScript client, in Node: alone with a fake server, and against the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.etcd import EtcdServer
from tests.support.javascript import node_with_packages

DIRECTORY = Path(__file__).parent


@pytest.fixture(scope="session")
def node() -> str:
    """The node to run, with what is pinned beside this file."""
    return node_with_packages(DIRECTORY)


@pytest.fixture(scope="session")
def etcd() -> Iterator[EtcdServer]:
    with EtcdServer() as server:
        yield server
