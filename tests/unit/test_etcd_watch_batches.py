"""What of etcd's watch responses is delivered, and what is believed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import trio
import trio.testing

from tradegame.infra.etcd.handoff import AT_ONCE, Handoff
from tradegame.infra.etcd.liveness import Liveness, Pulse
from tradegame.infra.etcd.messages import PROGRESS_REQUEST, rpc, watch_request
from tradegame.infra.etcd.watch import ENOUGH_EVENTS, new_batches
from tradegame.infra.kv.port import EventBatch, KeyRange


def response(*revisions: int, header: int = 0, watch_id: int = 0, created: bool = False) -> Any:
    events = [{"kv": {"key": b"k", "value": b"v", "mod_revision": revision}} for revision in revisions]
    return rpc.WatchResponse(header={"revision": header}, watch_id=watch_id, created=created, events=events)


def only(responses: list[Any], last: int) -> EventBatch:
    (batch,) = new_batches(responses, last)
    assert batch is not None
    return batch


def revisions(batch: EventBatch) -> list[int]:
    return [event.mod_revision for event in batch.events]


def test_events_of_several_responses_are_one_batch_up_to_the_last_of_them() -> None:
    batch = only([response(5, 5, header=90), response(6, header=90)], last=4)
    assert revisions(batch) == [5, 5, 6]
    assert batch.revision == 6


def test_a_large_response_becomes_several_batches_of_whole_revisions() -> None:
    made = [revision for revision in range(5, 505) for _ in range(3)]
    batches = [batch for batch in new_batches([response(*made[:900]), response(*made[900:])], last=4) if batch]
    assert [revision for batch in batches for revision in revisions(batch)] == made
    assert max(len(batch.events) for batch in batches) < ENOUGH_EVENTS + 3
    for batch, following in pairwise(batches):
        assert batch.revision == batch.events[-1].mod_revision < following.events[0].mod_revision


def test_a_batch_is_decoded_when_it_is_asked_for() -> None:
    """Between two batches the loop may run others: a response of 1 000 events held it for 10 ms."""
    responses: list[Any] = [response(*range(5, 500)), None]  # the second cannot be read
    first = next(new_batches(responses, last=4))
    assert first is not None
    assert first.revision == 4 + ENOUGH_EVENTS


def test_a_large_revision_stays_one_batch_but_others_may_run_while_it_is_decoded() -> None:
    """A lease that ends deletes all its keys in one revision: 10 000 held the loop for 14 ms."""
    *pauses, batch = new_batches([response(4, *[5] * 1000)], last=4)
    assert pauses == [None] * (1000 // ENOUGH_EVENTS)
    assert batch is not None
    assert revisions(batch) == [5] * 1000


def test_what_was_delivered_before_is_dropped() -> None:
    assert not list(new_batches([response(3, 4)], last=4))
    assert revisions(only([response(3, 4, 5), response(5, 6)], last=4)) == [5, 6]


def test_a_notice_of_progress_is_believed() -> None:
    assert only([response(header=9)], last=4) == EventBatch(9)
    assert not list(new_batches([response(header=3)], last=4))


@pytest.mark.parametrize("sign", [response(header=9, watch_id=-1), response(header=9, created=True)])
def test_an_answer_to_a_progress_request_or_to_the_opening_is_a_sign_of_life_only(sign: Any) -> None:
    assert not list(new_batches([sign], last=4))


def test_a_progress_request_is_on_the_wire_what_later_versions_of_the_interface_call_so() -> None:
    # field 3 of WatchRequest, length-delimited, empty
    assert PROGRESS_REQUEST.SerializeToString() == b"\x1a\x00"
    assert watch_request(KeyRange("k"), 7).create_request.start_revision == 7


async def test_a_handoff_holds_the_thread_when_nobody_takes_and_keeps_the_order() -> None:
    handoff: Handoff[int] = Handoff()
    given: list[int] = []

    def give() -> None:
        for number in range(1000):
            if not handoff.put(number):
                return
            given.append(number)

    taken: list[int] = []
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, give)
            while len(given) < 32:  # noqa: ASYNC110 - a thread's doing
                await trio.sleep(0.001)
            await trio.sleep(0.02)
            assert len(given) == 32
            most = 0
            while len(taken) < 1000:
                some = await handoff.take()
                most = max(most, len(some))
                taken += some
    assert most == AT_ONCE
    assert taken == list(range(1000))


async def test_a_closed_handoff_lets_both_sides_go() -> None:
    handoff: Handoff[int] = Handoff()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:

            def give() -> None:
                while handoff.put(1):
                    pass

            nursery.start_soon(trio.to_thread.run_sync, give)
            assert await handoff.take()
            handoff.close()
        while await handoff.take():
            pass


async def test_a_store_is_ready_while_etcd_answers_and_no_watch_is_silent(
    autojump_clock: trio.testing.MockClock,
) -> None:
    liveness = Liveness()
    assert liveness.ready() == "etcd has not answered yet"
    liveness.answered()
    assert liveness.ready() is None
    pulse = Pulse()
    liveness.watches.add(pulse)
    with pulse.reading():
        await trio.sleep(6)
        liveness.answered()
        assert liveness.ready() is None
    await trio.sleep(6)
    liveness.answered()
    assert liveness.ready() == "1 of 1 etcd watches are silent"
    pulse.heard()
    assert liveness.ready() is None
    await trio.sleep(6)
    liveness.failed("etcd at h1: no answer")
    assert liveness.ready() == "etcd at h1: no answer"
    liveness.answered()
    liveness.watches.clear()
    assert liveness.ready() is None
    liveness.refused("etcd at h1: permission denied")
    assert liveness.ready() == "etcd at h1: permission denied"
