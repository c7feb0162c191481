"""What takes long runs only where it is asked for, and what runs away is told so before it takes the machine down.

What sieges and campaigns came to is shown when all is over, whether they went well or not.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import engine

BROWSER = Path(__file__).parent / "browser"
collect_ignore = [] if importlib.util.find_spec("playwright") else ["browser"]
"""What drives a browser is installed by make test-browser alone, and cannot be collected without."""

MEMORY_BYTES = 6 * 2**30
"""The most that a test run may write to: twelve times what it takes. Past it there is a MemoryError, with its place."""

settings.register_profile(
    "everywhere",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("everywhere")
"""No test hangs on the machine's pace, and CI finds today what it found yesterday."""

assert engine.MAX_SHRINKING_SECONDS
engine.MAX_SHRINKING_SECONDS = 30
"""What was found is made smaller for so long at most, per test; Hypothesis has no setting for it, and takes 300 s."""

if hasattr(structlog.dev.ConsoleRenderer, "get_active"):  # structlog 25.5
    structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback
"""The default prints the locals of every frame: with a game of many players among them, that takes minutes."""

os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)
"""Where there are none: httpx reads all the authorities' certificates for each client, and no test needs one."""

_CLOCKS = {"autojump_clock", "mock_clock"}
"""pytest-trio runs a test on such a clock only where the test itself asks for it."""

_told = pytest.StashKey[list[list[str]]]()


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[list[str]], None]:
    """Keeps lines for the end of the run."""
    return request.config.stash.setdefault(_told, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for lines in config.stash.get(_told, []):
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="module", autouse=True)
def _frozen() -> None:
    """The collector skips half a million objects of modules and tests. Once per file: counting them takes 5 ms."""
    if gc.get_freeze_count() == 0:
        gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard == resource.RLIM_INFINITY or hard > MEMORY_BYTES:
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, hard))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing of what is collected is garbage, and the collector would look at all of it again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A browser's tests are not even imported where they would not run."""
    return True if collection_path == BROWSER and "browser" not in config.option.markexpr else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and _CLOCKS & {*item.fixturenames} - {*item._fixtureinfo.argnames}:
            raise pytest.UsageError(f"{item.nodeid} needs its clock as an argument: a fixture's is not in force")
    for marker in ("long", "browser"):
        if marker not in config.option.markexpr:
            left_out = [item for item in items if item.get_closest_marker(marker) is not None]
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item.get_closest_marker(marker) is None]
