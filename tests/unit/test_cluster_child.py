"""A child process of ``tradegame cluster``: what is done to it, and what becomes of it."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tradegame.cluster.log import Log
from tradegame.cluster.processes.child import Child
from tradegame.cluster.processes.reaper import Reaper, open_reaper

DEADLINE_S = 30.0
LIVES = "import sys, time; print('here', flush=True); time.sleep(1000)"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@asynccontextmanager
async def child(directory: Path, code: str) -> AsyncIterator[tuple[Child, trio.Nursery, Log]]:
    log = Log()
    async with open_reaper() as reaper:
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                one = Child("node1", [sys.executable, "-I", "-c", code], {**os.environ}, log, directory, reaper)
                yield one, nursery, log
                nursery.cancel_scope.cancel()


async def said(log: Log, text: str) -> None:
    while not any(text in line.text for line in log.lines):  # noqa: ASYNC110 - there is nothing else to wait on
        await trio.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_it_is_killed_and_started_again_under_its_name(tmp_path: Path) -> None:
    async with child(tmp_path, LIVES) as (one, nursery, log):
        await one.start(nursery)
        await said(log, "here")
        first = one.pid
        assert first is not None
        await one.kill()
        assert (one.state, one.pid, gone(first)) == ("killed", None, True)
        await one.start(nursery)
        assert (one.state, one.starts) == ("running", 2)
        assert one.pid != first
        await one.start(nursery)
        assert one.starts == 2
        second = one.pid
    assert second is not None
    assert gone(second)
    assert (tmp_path / "node1.log").read_text().startswith("here\n")
    assert one.ended_by_itself == 0


async def test_a_frozen_one_can_be_thawed_killed_and_stopped(tmp_path: Path) -> None:
    async with child(tmp_path, LIVES) as (one, nursery, _):
        for end in (one.kill, lambda: one.stop(10.0)):
            await one.start(nursery)
            one.freeze()
            assert (one.state, one.alive) == ("frozen", True)
            one.thaw()
            assert one.state == "running"
            one.freeze()
            await end()
            assert not one.alive
        assert one.state == "stopped"


async def test_one_that_does_not_heed_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {LIVES}"
    async with child(tmp_path, code) as (one, nursery, log):
        await one.start(nursery)
        await said(log, "here")
        await one.stop(0.2)
        assert not one.alive
        await said(log, "is not gone after 0.2 s")


@pytest.mark.parametrize(("code", "by_itself"), [("raise SystemExit(3)", 1), ("raise SystemExit(0)", 0)])
async def test_one_that_ends_says_so_and_counts_unless_it_was_sent_away(
    tmp_path: Path, code: str, by_itself: int
) -> None:
    async with child(tmp_path, f"print('so it is'); {code}") as (one, nursery, log):
        await one.start(nursery)
        await one.wait_gone()
        assert (one.state, one.last_words, one.ended_by_itself) == ("ended", "so it is", by_itself)
        await said(log, "ended, with exit code")


async def test_what_cannot_be_started_raises_and_leaves_nothing(tmp_path: Path) -> None:
    async with open_reaper() as reaper, trio.open_nursery() as nursery:
        one = Child("node1", [str(tmp_path / "nothing")], {}, Log(), tmp_path, reaper)
        with pytest.raises(OSError, match="nothing"):
            await one.start(nursery)
        assert not one.alive


async def test_what_the_reaper_lists_is_gone_when_the_block_ends(tmp_path: Path) -> None:
    left = tmp_path / "left"
    (left / "inside").mkdir(parents=True)
    with trio.fail_after(DEADLINE_S):
        process = await trio.lowlevel.open_process([sys.executable, "-I", "-c", "import time; time.sleep(1000)"])
        async with open_reaper() as reaper:
            assert isinstance(reaper, Reaper)
            reaper.add(process.pid)
            reaper.add_directory(left)
        assert await process.wait() == -9
    assert not left.exists()


async def test_time_counts_anew_from_the_moment_the_cluster_is_up() -> None:
    log = Log()
    log.add("node1", "started")
    log.hear("node1", b"serves\n")
    await trio.sleep(0.05)
    log.up()
    log.hear("node1", b"serves\n")
    assert [line.text for line in log.lines] == ["started", "serves", "serves"]
    assert log.lines[0].at < 0 <= log.lines[-1].at


async def test_what_a_process_says_again_and_again_is_shown_once() -> None:
    log = Log()
    for number in range(3):
        log.hear("node1", b'{"event": "watch_broken", "level": "warning", "keys": "%d"}' % number)
        log.hear("node2", b"the same\n")
    assert [(line.source, line.text) for line in log.lines] == [("node1", "watch_broken keys=0"), ("node2", "the same")]
