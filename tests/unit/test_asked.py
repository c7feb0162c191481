"""A request on its way to its answer: it is answered once, and whatever counts it counts it until then."""

from __future__ import annotations

import gc

import pytest

from tradegame.core.admission.budgets import Budgets
from tradegame.core.games.submissions import Submission
from tradegame.core.use_cases.clients import Answer, Asked, Client
from tradegame.protocol.bounds import RequestId
from tradegame.protocol.errors import CommandTimeoutError, InsufficientCashError, TradeGameError
from tradegame.protocol.replies import Pong
from tradegame.protocol.requests import BuyGood, PingRequest

WHOSE = ("bazaar", "p-ann")


class Asker:
    """A client, and what it was answered."""

    def __init__(self) -> None:
        self.client = Client("c1", "::1", Budgets(20, 40, now=lambda: 0.0), 0)
        self.failed: dict[str, int] = {}
        self.unanswered: dict[tuple[str, str], int] = {}
        self.told: list[tuple[RequestId | None, Answer]] = []

    def asks(self, request: BuyGood | PingRequest) -> Asked:
        return Asked(self.client, request, request.id, self.failed, lambda *told: self.told.append(told))


def buy(number: int, key: str | None = "k") -> BuyGood:
    return BuyGood(id=number, player="", game="bazaar", good="grain", qty=1, key=key, since=4, epoch="e")


def submission(weight: int = 1) -> Submission:
    return Submission(buy(1), b"", 0, 5.0, weight=weight)


def test_only_the_first_answer_counts() -> None:
    """A deadline may be faster than what it is for."""
    asker = Asker()
    asked = asker.asks(PingRequest(id=7))
    asked(Pong(1))
    asked(CommandTimeoutError("late"))
    assert asker.told == [(7, Pong(1))]
    assert asker.failed == {}
    assert asker.client.in_flight == 0


def test_a_command_is_in_flight_and_unanswered_until_it_is_answered() -> None:
    asker = Asker()
    one, other, keyless = asker.asks(buy(1)), asker.asks(buy(2)), asker.asks(buy(3, key=None))
    one.submitted(submission(), asker.unanswered, WHOSE)
    other.submitted(submission(), asker.unanswered, WHOSE)
    keyless.submitted(submission(), asker.unanswered, None)
    assert (asker.client.in_flight, asker.unanswered) == (3, {WHOSE: 2})
    keyless(Pong(1))
    one(Pong(1))
    one(Pong(2))
    assert (asker.client.in_flight, asker.unanswered) == (1, {WHOSE: 1})
    other(Pong(1))
    assert (asker.client.in_flight, asker.unanswered) == (0, {})


@pytest.mark.parametrize(
    ("error", "copy"), [(CommandTimeoutError("late"), ("k", 4, "e")), (InsufficientCashError("12"), (None, None, None))]
)
def test_an_error_that_leaves_it_in_doubt_says_which_copy_to_send_again(
    error: TradeGameError, copy: tuple[object, ...]
) -> None:
    asker = Asker()
    request = buy(5)
    asked = asker.asks(request)
    request.id = None  # as it goes into the log
    asked(error)
    ((number, told),) = asker.told
    assert number == 5
    assert isinstance(told, TradeGameError)
    failure = told.failure()
    assert (failure.key, failure.since, failure.epoch) == copy
    assert asker.failed == {error.code: 1}


def test_what_is_under_way_is_one_object_for_the_garbage_collector() -> None:
    asker, request, kept = Asker(), buy(1), []
    reply_to = asker.asks(request)._reply_to
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(100):
        kept.append(Asked(asker.client, request, 1, asker.failed, reply_to))
    assert len(gc.get_objects()) - before <= 110


def test_a_command_is_paid_for_by_its_weight_and_a_plain_one_costs_no_more() -> None:
    """Twenty a second that weighed a hundred each cost as much as twenty that weighed one."""
    asker = Asker()

    def left() -> float:
        return asker.client.budgets._payers.get("c1").requests.level

    full = left()
    for weight, costs in ((1, 0), (19, 0), (101, 5)):
        before = left()
        asked = asker.asks(buy(1))
        asked.submitted(submission(weight), asker.unanswered, WHOSE)
        asked(Pong(1))
        asked(Pong(2))
        assert before - left() == costs
    assert full - left() == 5
