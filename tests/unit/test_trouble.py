"""What goes wrong again and again is told twice: when it begins, and when it ends."""

from __future__ import annotations

import trio
import trio.testing
from structlog.testing import capture_logs

from tradegame.utils.trouble import Trouble


async def test_it_is_told_when_it_begins_and_when_it_ends_and_not_at_every_try(
    autojump_clock: trio.testing.MockClock,
) -> None:
    trouble = Trouble("watch_broken", "watch_whole_again", {"game": "bazaar"})
    with capture_logs() as logs:
        trouble.over()
        for number in range(30):
            trouble.happened(error=f"number {number}")
            await trio.sleep(1)
        trouble.over()
        trouble.over()
    assert logs == [
        {"event": "watch_broken", "log_level": "warning", "game": "bazaar", "error": "number 0"},
        {"event": "watch_whole_again", "log_level": "info", "game": "bazaar", "times": 30, "seconds": 30.0},
    ]


async def test_what_comes_and_goes_is_told_now_and_then(autojump_clock: trio.testing.MockClock) -> None:
    trouble = Trouble("came", "went", mild=True)
    with capture_logs() as logs:
        for _ in range(100):
            trouble.happened()
            trouble.over()
            await trio.sleep(0.3)
    assert 2 * 2 <= len(logs) <= 2 * 4
    assert {line["log_level"] for line in logs} == {"info"}


async def test_what_begins_right_after_a_short_trouble_and_stays_is_told_too(
    autojump_clock: trio.testing.MockClock,
) -> None:
    trouble = Trouble("came", "went")
    trouble.happened()
    trouble.over()
    with capture_logs() as logs:
        for _ in range(20):
            await trio.sleep(1)
            trouble.happened()
        trouble.over()
    assert [line["event"] for line in logs] == ["came", "went"]
    assert logs[1]["times"] == 20
