"""A crowd that asks for what it missed and then does not read: looking after it must leave time for everybody else."""

from __future__ import annotations

from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock

from tradegame.controller.websocket.catch_up import SHARE, CatchUp
from tradegame.controller.websocket.subscriptions import Subscription

LOOK_S = 0.0002


async def test_a_crowd_that_does_not_catch_up_takes_its_share_of_the_time_and_no_more(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    def look(*_: object, **__: object) -> None:
        nonlocal looked
        looked += 1
        autojump_clock.jump(LOOK_S)

    monkeypatch.setattr(CatchUp, "begin", look)
    catch_up = CatchUp()
    for number in range(1_000):
        catch_up._lagging[Subscription(cast("Any", None), cast("Any", None), number)] = None
    with trio.move_on_after(60):
        await catch_up.run()
    assert 0 < looked * LOOK_S <= 60 * SHARE
