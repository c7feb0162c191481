"""The dispatcher: one table from requests to handlers, and what every request goes through first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, get_args

import trio
from attrs import define, field, frozen

from tradegame.core.admission.budgets import WRONG_TOKEN
from tradegame.core.faults import answer_to
from tradegame.core.games.service import GameService
from tradegame.core.use_cases.clients import Asked, Audience, Client, Reply, ReplyTo
from tradegame.core.use_cases.join_game import JoinGameUseCase
from tradegame.core.use_cases.look import LookUseCase
from tradegame.core.use_cases.robot_tokens import check
from tradegame.core.use_cases.sessions import SessionService
from tradegame.core.use_cases.submit import SubmitUseCase
from tradegame.protocol.errors import (
    BadRequestError,
    TradeGameError,
    UnauthorizedError,
    UnavailableError,
)
from tradegame.protocol.replies import PlayerInfo, Pong, ServerInfo, Welcome
from tradegame.protocol.requests import (
    REQUESTS,
    AnyCommand,
    BookRequest,
    FillsRequest,
    GamesRequest,
    HelloRequest,
    JoinRequest,
    LeaveRequest,
    MeRequest,
    OrdersRequest,
    PingRequest,
    PlayerCommand,
    Request,
    StandingsRequest,
)

Keyed = PlayerCommand | JoinRequest
Handler = Callable[[Client, Any, Asked], Awaitable[None] | None]
"""Replies at once, submits and replies later, or (if it must wait for the store) returns an awaitable."""

COSTS: Mapping[type[Request], float] = {HelloRequest: 2.0, JoinRequest: 2.0, StandingsRequest: 2.0}
"""What a request costs in units (see ``budgets``); any other costs 1. A long answer costs more."""

_COMES_IN = frozenset({HelloRequest, JoinRequest})
"""What is refused while nobody may come in."""
_WITHOUT_HELLO = frozenset({HelloRequest, PingRequest})
_OPS = {kind: op for op, kind in REQUESTS.items()}

COMMAND_TIMEOUT_S = 8.0
"""For handlers that are awaited. Longer than a game's own command timeout, which answers first."""


@frozen
class ServerFacts:
    """What ``hello`` tells about the server. ``nodes``: the addresses at which it can be reached, this node's first."""

    version: str
    node: str
    heartbeat_s: int
    frame_bytes: int
    commands_per_s: int
    burst: int
    nodes: Callable[[], Sequence[str]]

    def told(self) -> ServerInfo:
        return ServerInfo(
            version=self.version,
            node=self.node,
            heartbeat_s=self.heartbeat_s,
            frame_bytes=self.frame_bytes,
            commands_per_s=self.commands_per_s,
            burst=self.burst,
            nodes=tuple(self.nodes()),
        )


@define(eq=False)
class Dispatcher:
    """Passes each request to its use case, within a rate and a deadline, and answers whatever goes wrong.

    ``look`` is called before a client's frame is handled, and may end the connection. ``refuses`` returns why nobody
    may come in now, or None.
    """

    games: GameService
    sessions: SessionService
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
        joining = JoinGameUseCase(self.games, log, self.audience, self.sessions)
        looking = LookUseCase(self.games)
        self._handlers = {
            HelloRequest: self._hello,
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
            client.take(COSTS.get(kind, 1.0))
            if client.signed_in is None and kind not in _WITHOUT_HELLO:
                client.player  # noqa: B018 - raises NotAuthenticatedError
            if client.signed_in is not None and client.signed_in.seat is not None:
                check(client.signed_in.seat, request)
            if kind in _COMES_IN and (reason := self.refuses()) is not None:
                raise UnavailableError(reason, retry_after_ms=1_000)
            waiting = self._handlers[kind](client, request, asked)
        except Exception as fault:  # noqa: BLE001 - the command's edge: whatever it is, the client gets an answer
            asked(answer_to(fault, "command_failed", op=op))
        else:
            if waiting is not None:
                return self._wait(waiting, op, asked)
        return None

    def count(self, error: TradeGameError) -> None:
        """An error that is answered and is not one of the game's own."""
        self.failed[error.code] = self.failed.get(error.code, 0) + 1

    async def _wait(self, waiting: Awaitable[None], op: str, reply: Reply) -> None:
        try:
            with trio.fail_after(COMMAND_TIMEOUT_S):
                await waiting
        except Exception as fault:  # noqa: BLE001 - the command's edge, as above
            reply(answer_to(fault, "command_failed", op=op))

    def _hello(self, client: Client, request: HelloRequest, reply: Reply) -> Awaitable[None]:
        if client.signed_in is not None:
            raise BadRequestError("this connection is signed in already", at="$.op")
        if request.token is None:
            client.sign_up()
        return self._sign_in(client, request, reply)

    async def _sign_in(self, client: Client, request: HelloRequest, reply: Reply) -> None:
        try:
            signed_in = await self.sessions.sign_in(request.name, request.token, robot=request.robot)
        except UnauthorizedError:
            client.charge(WRONG_TOKEN)
            raise
        await self.audience.make_room(signed_in.player.id)
        self.audience.welcome(client, signed_in)
        player = PlayerInfo(signed_in.player.id, signed_in.player.name)
        reply(Welcome(player, signed_in.token, self.sessions.lives_s(signed_in.player), self.facts.told()))

    def _ping(self, client: Client, request: PingRequest, reply: Reply) -> None:
        reply(Pong(self.now_ms()))
