from __future__ import annotations

import pytest
import trio

from tradegame.core.repositories import CompactedError, StoreUnavailableError
from tradegame.infra.embedded.watches import History, Watches
from tradegame.infra.kv.port import Event, KeyRange

ALL = KeyRange("a", "~")


def event(revision: int, key: str = "k", size: int = 1) -> Event:
    return Event(key, bytes(size), revision)


def test_history_gives_what_came_after_in_the_range() -> None:
    history = History(10)
    for revision in range(11, 20):
        history.add([event(revision, "k" if revision % 2 else "other")])
    assert [each.mod_revision for each in history.since(13, KeyRange("k"))] == [15, 17, 19]
    assert history.since(19, ALL) == ()
    assert history.revision == 19


def test_history_forgets_whole_revisions_beyond_its_bounds() -> None:
    history = History(0, max_events=4)
    history.add([event(1), event(1, "l")])
    history.add([event(2), event(3), event(3, "l")])
    # Five were one too many, and revision 1 had two.
    assert history.floor == 1
    assert [each.mod_revision for each in history.since(1, ALL)] == [2, 3, 3]
    with pytest.raises(CompactedError):
        history.since(0, ALL)


def test_history_is_bounded_in_bytes() -> None:
    history = History(0, max_bytes=1000)
    for revision in range(1, 11):
        history.add([event(revision, size=300)])
    assert history.floor == 7
    assert len(history.since(7, ALL)) == 3


async def test_a_full_channel_is_caught_up_from_history_without_gap_or_repeat() -> None:
    watches = Watches(History(0))
    watch = watches.open(ALL, 0, buffer=2)
    seen: list[int] = []
    for revision in range(1, 50):
        watches.dispatch([event(revision)])
        if revision % 7 == 0:
            seen += [each.mod_revision for each in (await watch.receive()).events]
    with trio.fail_after(60):
        while len(seen) < 49:
            seen += [each.mod_revision for each in (await watch.receive()).events]
    assert seen == list(range(1, 50))


async def test_a_watch_that_lags_beyond_history_gets_what_it_has_and_is_then_compacted() -> None:
    watches = Watches(History(0, max_events=5))
    watch = watches.open(ALL, 0, buffer=2)
    for revision in range(1, 30):
        watches.dispatch([event(revision)])
    assert [each.mod_revision for each in (await watch.receive()).events] == [1]
    assert [each.mod_revision for each in (await watch.receive()).events] == [2]
    with pytest.raises(CompactedError):
        await watch.receive()


async def test_a_watch_from_the_future_waits_for_it() -> None:
    watches = Watches(History(5))
    watch = watches.open(ALL, 8, buffer=2)
    for revision in range(6, 11):
        watches.dispatch([event(revision)])
    assert [each.mod_revision for each in (await watch.receive()).events] == [9]


async def test_a_past_without_anything_in_the_range_is_not_told() -> None:
    watches = Watches(History(0))
    watches.dispatch([event(1, "other")])
    watch = watches.open(KeyRange("k"), 0)
    with trio.move_on_after(0.05) as scope:
        await watch.receive()
    assert scope.cancelled_caught
    watches.dispatch([event(2)])
    assert [each.mod_revision for each in (await watch.receive()).events] == [2]


async def test_a_closed_watch_gives_what_was_delivered_and_then_ends() -> None:
    watches = Watches(History(0))
    watch = watches.open(ALL, 0)
    watches.dispatch([event(1)])
    watches.close_all()
    assert [each.mod_revision for each in (await watch.receive()).events] == [1]
    with pytest.raises(StoreUnavailableError):
        await watch.receive()
    with pytest.raises(StoreUnavailableError):
        await watches.open(ALL, 1).receive()
