"""What every request goes through before its use case."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import trio
from attrs import define, field

from tradegame.core.admission.budgets import CROWD_PATIENCE_S, Budgets
from tradegame.core.use_cases.clients import Answer, Client
from tradegame.core.use_cases.dispatcher import Dispatcher
from tradegame.protocol.bounds import RequestId
from tradegame.protocol.errors import RateLimitedError
from tradegame.protocol.requests import PingRequest

ADDRESS = "10.0.0.1"
COMMANDS_PER_S, BURST = 20, 40


@define
class Desk:
    """A dispatcher that answers pings, and the clients of one address."""

    budgets: Budgets = field(factory=lambda: Budgets(COMMANDS_PER_S, BURST))
    answers: list[tuple[RequestId | None, Answer]] = field(factory=list)
    dispatcher: Dispatcher = field(init=False)

    def __attrs_post_init__(self) -> None:
        nobody = cast(Any, SimpleNamespace(sessions=None))
        self.dispatcher = Dispatcher(nobody, nobody, nobody, nobody, lambda: 0)

    def client(self, name: str) -> Client:
        return Client(name, ADDRESS, self.budgets, 0)

    async def ping(self, client: Client, times: int) -> None:
        """One after the other, as they come on a connection."""
        for number in range(times):
            waiting = self.dispatcher.dispatch(client, PingRequest(id=number), self.reply)
            if waiting is not None:
                await waiting

    def reply(self, request: RequestId | None, answer: Answer) -> None:
        self.answers.append((request, answer))

    def refused(self) -> int:
        return sum(isinstance(answer, RateLimitedError) for _, answer in self.answers)


async def test_who_is_too_fast_by_themselves_is_told_at_once(autojump_clock: trio.testing.MockClock) -> None:
    desk = Desk()
    await desk.ping(desk.client("ann"), 3 * BURST)
    assert desk.refused() == 2 * BURST
    assert trio.current_time() == 0


async def test_in_a_crowd_requests_wait_for_their_share_in_their_order(autojump_clock: trio.testing.MockClock) -> None:
    desk = Desk()
    others = [desk.client(f"other {number}") for number in range(400)]
    for other in others:
        for _ in range(BURST):
            desk.dispatcher.dispatch(other, PingRequest(id=0), lambda request, answer: None)
    begun = trio.current_time()
    await desk.ping(desk.client("ann"), 2 * BURST)
    assert [request for request, _ in desk.answers] == list(range(2 * BURST))
    assert desk.refused() == 0
    assert begun < trio.current_time() <= begun + BURST * CROWD_PATIENCE_S
