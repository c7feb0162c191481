"""A siege's own checks find what they are for, and recovery is measured from the right moment."""

from __future__ import annotations

from collections import Counter
from typing import Any
from unittest.mock import Mock

import pytest

from tests.guarantees.history import Answered, Command, Event, Followed, History, Lost, Sent, Stalled
from tests.guarantees.truth import Truth, Withdrawal
from tests.robustness.checks import (
    Run,
    clients_are_served_again,
    faults_are_borne,
    first_copies_are_not_stale,
    stale_first_copies,
    who_comes_back_in_time_keeps_their_orders,
    who_leaves_has_their_orders_withdrawn_once,
)
from tests.robustness.recovery import percentile, recoveries
from tests.robustness.strike import Strike

EPOCH = "k3v9"
KEYED = Command("a1", {"op": "buy", "good": "grain", "qty": 2})
UNKEYED = Command(None, {"op": "say", "text": "hello"})


def a_run(*events: Event, truth: Truth | None = None, **more: Any) -> Run:
    return Run([History("a", "p1", [KEYED, UNKEYED], list(events))], truth or Truth(), frames_kept=10, **more)


def told(seq: int, at: float, *, replayed: bool = False) -> Answered:
    return Answered(1, 0, True, {"seq": seq, **({"replayed": True} if replayed else {})}, at)


def refused(number: int, *, definite: bool = True) -> Answered:
    return Answered(number, 0, False, {"code": "overloaded" if definite else "unavailable", "definite": definite}, 1.0)


def a_strike(failpoint: str = "node: kill -9", at: float = 10.0) -> Strike:
    return Strike(failpoint, "east", at, frozenset({"a"}), 0)


def test_what_broke_in_a_strike_is_told() -> None:
    strike = a_strike()
    strike.broken.append("it said that it is ready")
    assert list(faults_are_borne(a_run(strikes=[strike]))) == ["it said that it is ready"]


def test_a_node_that_appended_though_it_must_not_is_found() -> None:
    strike = a_strike("node: its clock an hour off")
    strike.must_not_append.append("n7")
    found = list(faults_are_borne(a_run(strikes=[strike], truth=Truth(appended=Counter({"n7": 3})))))
    assert found == ["node: its clock an hour off at east: it appended 3 entries all the same"]


@pytest.mark.parametrize(("answered_at", "found"), [(13.9, False), (14.1, True)])
def test_clients_of_a_killed_node_that_wait_too_long_are_found(answered_at: float, found: bool) -> None:
    run = a_run(Sent(1, 0, 10.5), told(1, answered_at), strikes=[a_strike()])
    assert bool(list(clients_are_served_again(run))) == found


@pytest.mark.parametrize(("answered_at", "found"), [(19.9, False), (20.1, True)])
def test_a_cluster_that_is_silent_too_long_after_its_leader_is_found(answered_at: float, found: bool) -> None:
    run = a_run(Sent(1, 0, 10.5), told(1, answered_at), strikes=[a_strike("etcd: the leader, kill -9")])
    assert bool(list(clients_are_served_again(run))) == found


def test_recovery_is_the_first_answer_to_what_was_sent_after_the_strike() -> None:
    run = a_run(
        Sent(1, 0, 9.9), Answered(1, 0, True, {"seq": 1}, 10.1),
        Sent(2, 0, 10.2), Sent(3, 0, 10.4),
        Answered(3, 0, True, {"seq": 2}, 11.0), Answered(2, 0, True, {"seq": 3}, 12.0),
    )  # fmt: skip
    (recovery,) = recoveries(run.histories, [a_strike()])
    assert recovery.clients == pytest.approx([1.0])


def test_what_a_client_was_told_to_ask_again_until_all_was_well_is_counted() -> None:
    strike = a_strike(at=0.5)
    strike.recovered_at = 2.0
    (recovery,) = recoveries(a_run(Sent(1, 0, 0.6), refused(1), refused(2), told(1, 1.5)).histories, [strike])
    assert recovery.put_off == 2


def test_a_client_that_does_not_read_says_nothing_of_recovery() -> None:
    run = a_run(Stalled(9.0, 12.0), Sent(1, 0, 10.5), told(1, 12.5))
    assert [recovery.clients for recovery in recoveries(run.histories, [a_strike()])] == [[]]


def test_of_a_hundred_values_one_lies_above_the_99th_percentile() -> None:
    values = [float(n) for n in range(100)]
    assert [percentile(values, part) for part in (0.5, 0.99, 1)] == [50, 99, 99]
    assert percentile([], 0.5) == 0


STALE = Answered(9, 0, False, {"code": "stale", "definite": True, "keys": 300}, 2.0)
REFUSED = Answered(8, 0, False, {"code": "overloaded", "definite": True}, 1.5)


@pytest.mark.parametrize(
    ("events", "stale"),
    [
        ((Sent(1, 0), STALE), 1),
        ((Sent(1, 0), REFUSED, Sent(2, 0), STALE), 1),
        ((Sent(1, 0), told(1, 1.0), Sent(2, 0), STALE), 0),
        ((Sent(1, 0), Sent(2, 0), STALE), 0),
    ],
)
def test_commands_that_must_be_made_anew_are_counted(events: tuple[Event, ...], stale: int) -> None:
    run = a_run(*events)
    assert stale_first_copies(run.histories[0]) == stale
    assert bool(list(first_copies_are_not_stale(run))) == bool(stale)


ENTRY = Mock(id="n1.1-7")


def withdrawn(*at_s: float) -> Truth:
    """The orders of p1 were withdrawn then; the wall clock is 1 000 s ahead."""
    return Truth(
        withdrawals=[Withdrawal("p1", int(at * 1000) - 15_000, int((at + 1_000) * 1000), ENTRY) for at in at_s]
    )


def joined(at: float) -> Followed:
    return Followed(None, EPOCH, 1, False, at)


@pytest.mark.parametrize(
    ("events", "careful", "found"),
    [
        ((joined(1), Lost(None, 0, 5.0)), {"p1"}, False),
        ((joined(1), Lost(None, 0, 5.0), joined(28)), {"p1"}, False),
        ((joined(1), Lost(None, 0, 5.0), joined(20)), {"p1"}, True),
        ((joined(1),), {"p1"}, True),
        ((joined(1), Lost(None, 0, 5.0)), set(), True),
    ],
)
def test_orders_withdrawn_of_somebody_who_is_back_or_never_chose_it_are_found(
    events: tuple[Event, ...], careful: set[str], found: bool
) -> None:
    run = a_run(*events, truth=withdrawn(30), careful=careful, offset_s=1_000.0)
    assert bool(list(who_comes_back_in_time_keeps_their_orders(run))) == found


@pytest.mark.parametrize(
    ("at_s", "found"), [((25.0,), False), ((), True), ((19.0,), True), ((25.0, 45.0), True), ((2.0, 25.0), False)]
)
def test_orders_of_who_left_that_stay_or_go_too_soon_or_twice_are_found(at_s: tuple[float, ...], found: bool) -> None:
    run = a_run(truth=withdrawn(*at_s), left={"p1": 5.0}, offset_s=1_000.0, ended_at=90.0)
    assert bool(list(who_leaves_has_their_orders_withdrawn_once(run))) == found
