"""The dispatcher: one table from requests to handlers, and what every request goes through first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args

import trio
from attrs import define, field

from tradegame.core.admission.budgets import CROWD_PATIENCE_S
from tradegame.core.faults import answer_to
from tradegame.core.games.service import GameService
from tradegame.core.use_cases.clients import Asked, Audience, Client, Reply, ReplyTo
from tradegame.core.use_cases.join_game import JoinGameUseCase
from tradegame.core.use_cases.look import LookUseCase
from tradegame.core.use_cases.robot_tokens import check
from tradegame.core.use_cases.seats import SeatService
from tradegame.core.use_cases.sign_in import ServerFacts, SignInUseCase
from tradegame.core.use_cases.submit import SubmitUseCase
from tradegame.protocol.errors import (
    TradeGameError,
    UnavailableError,
)
from tradegame.protocol.ops import PlayerCommand, Request
from tradegame.protocol.replies import Pong
from tradegame.protocol.requests import (
    REQUESTS,
    AnyCommand,
    BookRequest,
    DeviceCodeRequest,
    FillsRequest,
    GamesRequest,
    HelloRequest,
    JoinRequest,
    LeaveRequest,
    MeRequest,
    OrdersRequest,
    PingRequest,
    StandingsRequest,
)

Keyed = PlayerCommand | JoinRequest
Handler = Callable[[Client, Any, Asked], Awaitable[None] | None]
"""Replies at once, submits and replies later, or (if it must wait for the store) returns an awaitable."""

COSTS: Mapping[type[Request], float] = {HelloRequest: 2.0, JoinRequest: 2.0, StandingsRequest: 2.0}
"""What a request costs in units (see ``budgets``); any other costs 1. A long answer costs more."""

_TICK_S = 0.001
_COMES_IN = frozenset({HelloRequest, JoinRequest})
"""What is refused while nobody may come in."""
_WITHOUT_HELLO = frozenset({HelloRequest, PingRequest})
_OPS = {kind: op for op, kind in REQUESTS.items()}

COMMAND_TIMEOUT_S = 8.0
"""For handlers that are awaited. Longer than a game's own command timeout, which answers first."""


@define(eq=False)
class Dispatcher:
    """Passes each request to its use case, within a rate and a deadline, and answers whatever goes wrong.

    ``look`` is called before a client's frame is handled, and may end the connection. ``refuses`` returns why nobody
    may come in now, or None.
    """

    games: GameService
    seats: SeatService
    audience: Audience
    facts: ServerFacts
    now_ms: Callable[[], int]
    look: Callable[[], None] = lambda: None
    refuses: Callable[[], str | None] = lambda: None
    handled: dict[str, int] = field(factory=dict, init=False)
    failed: dict[str, int] = field(factory=dict, init=False)
    _handlers: Mapping[type[Request], Handler] = field(init=False)

    def __attrs_post_init__(self) -> None:
        log = SubmitUseCase(self.games)
        joining = JoinGameUseCase(self.games, log, self.audience, self.seats.sessions)
        looking = LookUseCase(self.games)
        signing_in = SignInUseCase(self.seats, self.audience, self.facts)
        self._handlers = {
            HelloRequest: signing_in.hello,
            DeviceCodeRequest: signing_in.device_code,
            PingRequest: self._ping,
            GamesRequest: looking.list_games,
            JoinRequest: joining.join,
            LeaveRequest: joining.leave,
            **dict.fromkeys(get_args(AnyCommand), log.submit),
            MeRequest: looking.me,
            FillsRequest: looking.fills,
            OrdersRequest: looking.orders,
            BookRequest: looking.book,
            StandingsRequest: looking.standings,
        }

    def dispatch(self, client: Client, request: Request, reply_to: ReplyTo) -> Awaitable[None] | None:
        """Handle one request. Exactly one reply, now or later. Await what is returned before the next request.

        Raises nothing: every error is a reply.
        """
        kind = type(request)
        op = _OPS[kind]
        self.handled[op] = self.handled.get(op, 0) + 1
        asked = Asked(client, request, request.id, self.failed, reply_to)
        try:
            if wait_s := client.admit(COSTS.get(kind, 1.0)):
                waiting: Awaitable[None] | None = self._in_turn(wait_s, asked)
            else:
                waiting = self._handle(asked)
        except Exception as fault:  # noqa: BLE001 - the command's edge: whatever it is, the client gets an answer
            asked(answer_to(fault, "command_failed", op=op))
        else:
            if waiting is not None:
                return self._wait(waiting, op, asked)
        return None

    def _handle(self, asked: Asked) -> Awaitable[None] | None:
        client, request = asked.client, asked.request
        kind = type(request)
        if client.signed_in is None and kind not in _WITHOUT_HELLO:
            client.player  # noqa: B018 - raises NotAuthenticatedError
        if client.signed_in is not None and client.signed_in.seat is not None:
            check(client.signed_in.seat, request)
        if kind in _COMES_IN and (reason := self.refuses()) is not None:
            raise UnavailableError(reason, retry_after_ms=1_000)
        return self._handlers[kind](client, request, asked)

    async def _in_turn(self, wait_s: float, asked: Asked) -> None:
        """Once what others leave the client allows it."""
        patient_until = trio.current_time() + CROWD_PATIENCE_S
        while wait_s:
            await trio.sleep(wait_s + _TICK_S)  # or it would be asked for again a rounding error too early
            left_s = patient_until - trio.current_time()
            wait_s = asked.client.admit(COSTS.get(type(asked.request), 1.0), left_s)
        waiting = self._handle(asked)
        if waiting is not None:
            await waiting

    def count(self, error: TradeGameError) -> None:
        """An error that is answered and is not one of the game's own."""
        self.failed[error.code] = self.failed.get(error.code, 0) + 1

    async def _wait(self, waiting: Awaitable[None], op: str, reply: Reply) -> None:
        try:
            with trio.fail_after(COMMAND_TIMEOUT_S):
                await waiting
        except Exception as fault:  # noqa: BLE001 - the command's edge, as above
            reply(answer_to(fault, "command_failed", op=op))

    def _ping(self, client: Client, request: PingRequest, reply: Reply) -> None:
        reply(Pong(self.now_ms()))
