"""What the campaigns need, and how they tell what they came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.robustness.campaign import Summary
from tests.support.etcd import EtcdServer


@pytest.fixture
def report(say: Callable[[list[str]], None]) -> Callable[[Summary], None]:
    """Keeps a summary for the end of the run."""
    return lambda summary: say(summary.lines())


@pytest.fixture
def etcd() -> Iterator[EtcdServer]:
    with EtcdServer() as server:
        yield server
