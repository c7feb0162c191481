"""The client itself, and the way to get one."""

from __future__ import annotations

import math
import random
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio
from attrs import frozen

from tradegame.client.call import Answer
from tradegame.client.calls import Calls
from tradegame.client.errors import NotConnected, Stop
from tradegame.client.game import Game
from tradegame.client.link import Link, Status
from tradegame.client.results import Pong
from tradegame.client.session import Session
from tradegame.client.socket import Dial, check_url, dial_tcp
from tradegame.client.subscription import Subscription
from tradegame.client.wire import decode, field
from tradegame.protocol.replies import DeviceCodeMade, PlayerInfo, ServerInfo
from tradegame.protocol.state import GameSummary


@frozen
class Statistics:
    """Since the client began. ``resent``: unanswered requests sent again after one of the ``reconnects``;
    ``retried``: asked again because the server said to; ``waiting``: unanswered now; ``failovers``: those of the
    ``reconnects`` that went to another URL than the last one."""

    sent: int
    answered: int
    resent: int
    retried: int
    waiting: int
    reconnects: int
    failovers: int


class Client:
    """A player's connection to a server, whichever socket it has at the moment. ``connect()`` makes one."""

    def __init__(self, link: Link, session: Session, calls: Calls) -> None:
        self._link = link
        self._session = session
        self._calls = calls
        self._joining: dict[str, trio.Lock] = {}
        self._games: dict[str, Game] = {}

    @property
    def player(self) -> PlayerInfo:
        """Who you are: ``id`` and ``name``."""
        assert self._session.player is not None  # connect() returns after hello
        return self._session.player

    @property
    def token(self) -> str:
        """What makes you the same player next time, on any node. A secret."""
        assert self._session.token is not None
        return self._session.token

    @property
    def server(self) -> ServerInfo:
        """The node you are connected to, or were last."""
        return self._session.server

    @property
    def status(self) -> Status:
        """What the connection is doing right now."""
        return self._link.status

    @property
    def urls(self) -> tuple[str, ...]:
        """Where it may go: the URLs given to ``connect``, then those that the server told last."""
        return self._link.nodes.urls

    def statistics(self) -> Statistics:
        link, calls = self._link, self._calls.statistics()
        return Statistics(
            calls.sent,
            calls.answered,
            calls.resent,
            calls.retried,
            calls.waiting,
            link.reconnects,
            link.failovers,
        )

    async def join(
        self,
        game: str,
        *,
        spectate: bool = False,
        cancel_on_disconnect: bool | None = None,
        key: str | None = None,
    ) -> Game:
        """Join a game and follow it. ``spectate``: watch without an account.

        ``cancel_on_disconnect``: the server withdraws your orders a while after your last connection is gone, this
        client's and others of the same player (``game.state.rules.disconnect_grace_s``: seconds). None: as it was. Of
        all clients of the player the last choice holds. Joining again returns the same Game. Raises TradeError
        (``unknown_game``), ConnectionStopped.
        """
        async with self._joining.setdefault(game, trio.Lock()):
            known = self._link.games.get(game)
            chosen = None if spectate else cancel_on_disconnect
            if known is not None and (spectate or not known.spectate) and chosen is None:
                await trio.lowlevel.checkpoint()
                return self._games[game]
            subscription = known or Subscription(game, spectate, self._calls.told)
            subscription.to_choose = subscription.to_choose and chosen is None
            try:
                # Without `after`, even when it is watched already: the answer then holds all there is to know.
                await self._calls.call(
                    "join",
                    {"game": game, "spectate": spectate or None, "cancel_on_disconnect": chosen},
                    key=key,
                    on_answer=partial(self._joined, subscription),
                )
            except BaseException:
                if known is None:
                    self._link.games.pop(game, None)
                    self._calls.put("leave", {"game": game})  # should the server have it, or be about to
                raise
            subscription.spectate = spectate
            if known is None:
                self._games[game] = Game(subscription, self._calls, self)
            return self._games[game]

    async def leave(self, game: str) -> None:
        """No more news of a game: its ``events()`` end. The account stays. Idempotent."""
        subscription = self._link.games.pop(game, None)
        if subscription is None:
            await trio.lowlevel.checkpoint()
            return
        subscription.end()
        await self._calls.call("leave", {"game": game})

    async def games(self) -> list[GameSummary]:
        """The server's games."""
        ok = await self._calls.call("games", {})
        return [decode(GameSummary, row) for row in field(ok, "games", list)]

    async def device_code(self) -> DeviceCodeMade:
        """A code with which another client becomes the same player: once, within ``expires_s`` seconds."""
        made: DeviceCodeMade = decode(DeviceCodeMade, await self._calls.call("device_code", {}))
        return made

    async def ping(self) -> Pong:
        """The server's clock, and how long it took to ask."""
        began = trio.current_time()
        ok = await self._calls.call("ping", {})
        return Pong(field(ok, "at", int), trio.current_time() - began)

    def _joined(self, subscription: Subscription, answer: Answer) -> None:
        """In the socket's reader: the frames right behind this answer are for a game that must be in place."""
        if not isinstance(answer, Exception):
            subscription.joined(answer)
            self._link.games[subscription.game] = subscription


@asynccontextmanager
async def connect(
    *urls: str,
    name: str | None = None,
    token: str | None = None,
    code: str | None = None,
    seat: tuple[str, str] | None = None,
    call_deadline: float = 30.0,
    unsent_s: float = math.inf,
    connect_deadline: float = 30.0,
    retry: bool = True,
    ssl_context: ssl.SSLContext | None = None,
    on_status: Callable[[Status], None] | None = None,
    dial: Dial | None = None,
    seed: int | None = None,
    robot: bool = False,
) -> AsyncIterator[Client]:
    """A client for the length of the ``async with`` block, which stays connected all that while.

    ``urls``: ``ws://host:port/ws`` or ``wss:``, one or more nodes of the same server; at first they are tried in turn.
    The server tells where its other nodes are, and the client goes there too (over TLS always, if a URL is ``wss:``).
    ``name``: 1 to 32 printable characters, for a new player. ``token``: an earlier ``client.token``, to be that player,
    or a personal link. ``code``: what ``device_code`` gave another client of the player. ``seat``: a game, and the
    number by which its host knows you. Of these three the first that is there counts.
    ``call_deadline``: seconds that a call may take, reconnects included. ``unsent_s``: seconds after which a
    command (not a join, nor what only reads) must not happen any more: one that was never sent is withdrawn then,
    TradeError ``unsent``; one in doubt is settled by its key once there is a connection, and surely happened or
    never will. ``connect_deadline``: seconds until the first connection must be there (math.inf: for ever).
    ``retry``: ask again by itself where the server says that it helps (``rate_limited``, ``overloaded``, and
    whatever is not ``definite``). ``on_status`` is told of every change of the connection; it must not block.
    ``robot``: a new player says that it is a program: games mark it as a robot, call it *Robot 1* or so, and forget it
    once it is gone. ``dial`` opens the byte stream, for proxies and tests. ``seed``: of the jitter.

    A connection that breaks is made anew: at another node at once, where there is one; else with back-off and full
    jitter, or at once when the server was going away (1001). So is one to a node that, while there are others, owes an
    answer and is silent for 5 s, or answers nothing but that it cannot for 1.5 s. Games are resumed from the last frame
    seen, and unanswered requests are sent again with their keys: to the caller, a call just takes longer.

    Resource handling: when the block is left, the connection is closed (politely, within a second; cancelled, at once)
    and all tasks have ended. The client and its games are of no use afterwards: trio.ClosedResourceError.

    Error handling: raises NotConnected when no server was there in that time; TradeError (``unauthorized``,
    ``bad_request``) when it took neither token nor name. After that, errors come out of the calls, and what the block
    raises comes out as it is, in no exception group.
    """
    if not urls:
        raise ValueError("connect() takes at least one URL")
    checked = [check_url(url) for url in urls]
    chance = random.Random(seed)
    session = Session(name, token, code, seat, robot)
    calls = Calls(call_deadline, retry, chance, unsent_s)
    link = Link(checked, session, calls, dial or partial(dial_tcp, ssl_context=ssl_context), chance, on_status)
    body_error: BaseException | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        try:
            with trio.move_on_after(connect_deadline) if math.isfinite(connect_deadline) else trio.CancelScope():
                await link.first.wait()
            if link.stopped is not None:
                raise link.stopped.error()
            if not link.first.is_set():
                why = link.status.reason or "no answer"
                raise NotConnected(f"no connection to {', '.join(checked)} within {connect_deadline:g} s: {why}")
            yield Client(link, session, calls)
        except trio.Cancelled:
            raise
        except BaseException as error:  # noqa: BLE001 - raised again below, outside the nursery's group
            body_error = error
        finally:
            link.halt(Stop(trio.ClosedResourceError, ("the client was closed",)))
            await link.close()
            nursery.cancel_scope.cancel()
    if body_error is not None:
        try:
            raise body_error
        finally:
            del body_error
