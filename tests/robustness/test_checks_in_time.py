"""The checks that look at the clock find what they are for, and recovery is measured from where it must be."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.robustness.checks_in_time import (
    clients_are_served_again,
    definite_means_definite,
    faults_are_borne,
    no_stale_join,
)
from tests.robustness.history import Answered, Command, Event, Followed, History, Sent, Stalled, Visit
from tests.robustness.recovery import percentile, recoveries
from tests.robustness.run import Run
from tests.robustness.strike import Strike
from tests.robustness.truth import Truth

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


# Nobody is shown the past


def test_a_state_as_new_as_what_was_told_is_no_violation() -> None:
    run = a_run(told(7, 1.0), Followed(None, EPOCH, 7, False, 1.1), visits=[Visit("east", 1.1, 7)])
    assert list(no_stale_join(run)) == []


def test_a_client_that_is_shown_less_than_it_was_told_is_found_at_once() -> None:
    run = a_run(told(7, 1.0), Followed(None, EPOCH, 6, False, 1.1))
    assert list(no_stale_join(run)) == ["a: knew of 7, and was shown the state at 6"]


def test_a_client_that_is_shown_less_than_it_followed_is_found() -> None:
    run = a_run(Followed(9, EPOCH, 6, False, 1.1))
    assert list(no_stale_join(run)) == ["a: knew of 9, and was shown the state at 6"]


@pytest.mark.parametrize(("asked_at", "stale"), [(0.9, False), (1.1, True)])
def test_a_newcomer_who_is_shown_the_past_is_found(asked_at: float, stale: bool) -> None:
    assert bool(list(no_stale_join(a_run(told(7, 1.0), visits=[Visit("east", asked_at, 6)])))) == stale
    other = History("b", "p2", [], [Followed(None, EPOCH, 6, False, asked_at)])
    run = a_run(told(7, 1.0))
    assert bool(list(no_stale_join(Run([*run.histories, other], run.truth, 10)))) == stale


def test_an_old_answer_told_again_is_no_news() -> None:
    run = a_run(told(7, 1.0, replayed=True), visits=[Visit("east", 20.0, 6)])
    assert list(no_stale_join(run)) == []


def test_who_is_taken_up_where_it_left_off_is_not_shown_a_state() -> None:
    run = a_run(told(7, 1.0), Followed(3, EPOCH, 3, True, 1.1))
    assert list(no_stale_join(run)) == []


# No error lies


@pytest.mark.parametrize(("logged", "found"), [(1, False), (2, True)])
def test_a_command_that_was_refused_for_certain_and_is_in_the_log_is_found(logged: int, found: bool) -> None:
    truth = Truth(logged=Counter({("p1", "a1"): logged}))
    run = a_run(Sent(1, 0), refused(1), Sent(2, 0), truth=truth)
    assert bool(list(definite_means_definite(run))) == found


def test_where_nobody_knows_it_may_be_in_the_log() -> None:
    truth = Truth(logged=Counter({("p1", "a1"): 1}))
    assert list(definite_means_definite(a_run(Sent(1, 0), refused(1, definite=False), truth=truth))) == []


def test_a_message_without_a_key_that_was_refused_for_certain_and_said_is_found() -> None:
    body = {"code": "overloaded", "definite": True}
    run = a_run(Sent(1, 1), Answered(1, 1, False, body, 1.0), truth=Truth(said=Counter({"hello": 1})))
    assert len(list(definite_means_definite(run))) == 1


# What breaks is mended in time


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
