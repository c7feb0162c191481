"""The garbage collector: full collections are cheap, and what they leave behind is found later."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import trio
from trio.testing import MockClock

from tradegame.utils import collector
from tradegame.utils.collector import EVERY_S, FROZEN_FROM, THAWED_FROM, Collector

LEAKED = 50_000
"""In place of a million, which takes seconds to make."""


class Ring:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    gc.unfreeze()
    yield
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


async def _tended(of: Collector, nursery: trio.Nursery) -> None:
    nursery.start_soon(of.run)
    await trio.sleep(EVERY_S / 2)


@pytest.mark.usefixtures("as_before")
async def test_what_was_there_at_the_start_is_not_looked_at_again(autojump_clock: MockClock) -> None:
    kept = [[number] for number in range(50_000)]
    async with trio.open_nursery() as nursery:
        await _tended(Collector(lambda: 0, lambda: False), nursery)
        assert gc.get_freeze_count() > len(kept)
        assert len(gc.get_objects(2)) < FROZEN_FROM
        nursery.cancel_scope.cancel()


@pytest.mark.usefixtures("as_before")
async def test_garbage_of_a_moment_is_collected_at_the_next_look(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        await _tended(Collector(lambda: 0, lambda: False), nursery)
        gone = weakref.ref(Ring())
        assert gone() is not None
        await trio.sleep(EVERY_S)
        assert gone() is None
        nursery.cancel_scope.cancel()


@pytest.mark.usefixtures("as_before")
async def test_many_survivors_are_frozen(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        await _tended(Collector(lambda: 0, lambda: False), nursery)
        kept = [[number] for number in range(FROZEN_FROM + 1)]
        await trio.sleep(EVERY_S)
        assert len(gc.get_objects(2)) < FROZEN_FROM <= len(kept)
        nursery.cancel_scope.cancel()


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize(
    ("ended", "quiet", "more", "found"),
    [
        (THAWED_FROM, True, 0, True),
        (THAWED_FROM, False, 0, False),
        (100 * THAWED_FROM, False, 0, False),
        (THAWED_FROM, False, LEAKED, True),
        (10, True, LEAKED, False),
    ],
)
async def test_what_became_garbage_while_frozen_is_found_when_many_have_left(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, ended: int, quiet: bool, more: int, found: bool
) -> None:
    monkeypatch.setattr(collector, "LEAKED", LEAKED)
    left = 0
    ring: Ring | None = Ring()
    gone = weakref.ref(ring)
    async with trio.open_nursery() as nursery:
        await _tended(Collector(lambda: left, lambda: quiet), nursery)
        ring = None
        await trio.sleep(EVERY_S)
        assert gone() is not None
        kept = [[number + 1_000] for number in range(more)]
        await trio.sleep(EVERY_S)
        left = ended
        await trio.sleep(2 * EVERY_S)
        assert (gone() is None) is found
        assert len(kept) == more
        nursery.cancel_scope.cancel()


@pytest.mark.usefixtures("as_before")
async def test_a_full_collection_never_looks_at_much(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect, looked_at = gc.collect, []

    def counted(generation: int = 2) -> int:
        looked_at.append(len(gc.get_objects(2)))
        return collect(generation)

    async with trio.open_nursery() as nursery:
        await _tended(Collector(lambda: 0, lambda: False), nursery)
        monkeypatch.setattr(gc, "collect", counted)
        kept = []
        for _ in range(60):
            kept.append([[number] for number in range(FROZEN_FROM // 4)])
            await trio.sleep(EVERY_S / 10)
        nursery.cancel_scope.cancel()
    assert len(looked_at) >= 5
    assert max(looked_at) < 2 * FROZEN_FROM


@pytest.mark.usefixtures("as_before")
async def test_those_who_ended_while_others_were_there_count_when_nobody_is(autojump_clock: MockClock) -> None:
    ended, quiet = 0, False
    ring: Ring | None = Ring()
    gone = weakref.ref(ring)
    async with trio.open_nursery() as nursery:
        await _tended(Collector(lambda: ended, lambda: quiet), nursery)
        ring = None
        ended = THAWED_FROM
        await trio.sleep(2 * EVERY_S)
        assert gone() is not None
        quiet = True
        await trio.sleep(2 * EVERY_S)
        assert gone() is None
        nursery.cancel_scope.cancel()


@pytest.mark.usefixtures("as_before")
async def test_it_never_holds_what_another_thread_is_making(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tuple of unknown length is made larger while it is filled, which fails if anybody else holds it."""
    asked = []
    monkeypatch.setattr(gc, "get_objects", lambda generation=None: asked.append(generation) or [])
    async with trio.open_nursery() as nursery:
        of = Collector(lambda: 2 * THAWED_FROM, lambda: True)
        await _tended(of, nursery)
        kept = [[number] for number in range(4 * FROZEN_FROM)]
        await trio.sleep(3 * EVERY_S)
        nursery.cancel_scope.cancel()
    assert asked == []
    assert len(kept) == 4 * FROZEN_FROM
