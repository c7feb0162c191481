"""Every campaign's summary is shown when all is over, whether it went well or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.robustness.campaign import Summary
from tests.support.etcd import EtcdServer

_summaries = pytest.StashKey[list[list[str]]]()


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[Summary], None]:
    """Keeps a summary for the end of the run."""
    summaries = request.config.stash.setdefault(_summaries, [])
    return lambda summary: summaries.append(summary.lines())


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[list[str]], None]:
    """Keeps lines for the end of the run."""
    return request.config.stash.setdefault(_summaries, []).append


@pytest.fixture
def etcd() -> Iterator[EtcdServer]:
    with EtcdServer() as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for summary in config.stash.get(_summaries, []):
        for line in summary:
            terminalreporter.write_line(line)
