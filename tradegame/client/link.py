"""The client's one connection at a time: dials, says hello, resumes, reads, writes, and begins again."""

from __future__ import annotations

import contextlib
import logging
import math
import random
from collections.abc import Callable, Sequence
from typing import Literal

import trio
from attrs import evolve, frozen

from tradegame.client.breaker import TROUBLE_S, CircuitBreaker
from tradegame.client.call import Answer
from tradegame.client.calls import Calls
from tradegame.client.errors import ConnectionStopped, NotConnected, ProtocolError, Stop, TradeError
from tradegame.client.nodes import Nodes
from tradegame.client.pace import Ended, Pace
from tradegame.client.session import Session
from tradegame.client.socket import CLOSE_TIMEOUT, Dial, Socket, SocketClosed, Unreachable, open_socket
from tradegame.client.subscription import Subscription
from tradegame.client.vigil import ASKED_S, Vigil
from tradegame.client.wire import Json, decode, encode, parse, trade_error
from tradegame.protocol.closing import FINAL, LOST, NORMAL
from tradegame.protocol.errors import NOT_TAKEN_IN
from tradegame.protocol.replies import Welcome

SEND_TIMEOUT = 20.0
LATE_S = 0.25
LATE_MOST_S = 5.0
"""Whoever wakes so much late is slow itself, or was stopped: it waits as long again before it judges others."""
GAPS = 5
"""Gaps in a row, with no good frame between them, after which a connection is given up."""

_log = logging.getLogger("tradegame.client")


@frozen
class Status:
    """What the connection is doing. ``reason``: why it is waiting or stopped; ``retry_in_s``: for how long."""

    kind: Literal["connecting", "connected", "waiting", "stopped"]
    url: str
    reason: str = ""
    retry_in_s: float = 0.0
    attempt: int = 0


class Link:
    """Runs until it is cancelled or stopped. ``first``: set once hello was answered, or ``stopped`` says why not."""

    def __init__(
        self,
        urls: Sequence[str],
        session: Session,
        calls: Calls,
        dial: Dial,
        chance: random.Random,
        on_status: Callable[[Status], None] | None,
    ) -> None:
        self.games: dict[str, Subscription] = {}
        self.first = trio.Event()
        self.stopped: Stop | None = None
        self.status = Status("connecting", urls[0])
        self.reconnects = 0
        self.failovers = 0
        self.nodes = Nodes(urls, chance)
        self._session = session
        self._calls = calls
        self._dial = dial
        self._pace = Pace(self.nodes, chance)
        self._on_status = on_status
        self._chance = chance
        self._last = ""
        self._breaker = CircuitBreaker()
        self._done = trio.Event()
        self._nursery: trio.Nursery | None = None
        self._asked_at: float | None = None
        self._look_at = -math.inf
        self._look_again = trio.Event()
        self._greeted_at: float | None = None
        self._ended: Ended | None = None
        self._gaps = 0
        self._refusals = 0
        self._rejections = 0
        self._halted = False
        calls.on_outcome = self._judge

    async def run(self) -> None:
        while True:
            url = self.nodes.next()
            self._tell(Status("connecting", url, attempt=self._pace.backoff.tries))
            ended = await self._once(url)
            stop = self._final(ended)
            if stop is not None:
                self.halt(stop)
                self._done.set()
                return
            pause = self._pace.pause(url, ended)
            self._tell(Status("waiting", url, ended.reason, pause, self._pace.backoff.tries))
            await trio.sleep(pause)

    def halt(self, stop: Stop) -> None:
        """Nothing more will come: tell everyone who waits."""
        if self._halted:
            return
        self._halted = True
        self.stopped = stop = self.stopped or stop
        self._tell(Status("stopped", self.status.url, str(stop.error())))
        self._calls.stop(stop)
        for game in self.games.values():
            game.end(None if stop.kind is trio.ClosedResourceError else stop)
        self.games.clear()
        self.first.set()

    async def close(self) -> None:
        """After ``halt``: say goodbye to the server, if there is one, within about a second."""
        if self._nursery is not None:
            self._break("the client was closed", NORMAL)
            with trio.move_on_after(2 * CLOSE_TIMEOUT):
                await self._done.wait()

    def _tell(self, status: Status) -> None:
        self.status = status
        if status.kind == "waiting":
            _log.info("%s: %s; again in %.1f s", status.url, status.reason, status.retry_in_s)
        if self._on_status is not None:
            self._on_status(status)

    def _final(self, ended: Ended) -> Stop | None:
        """Why it makes no sense to go on; None: it does."""
        if self.stopped is not None:
            return self.stopped
        if ended.code in FINAL:
            return Stop(ConnectionStopped, (ended.code, ended.reason))
        refused = ended.status is not None and 400 <= ended.status < 500 and ended.status not in (408, 429)
        self._refusals = self._refusals + 1 if refused else 0
        if self._refusals >= len(self.nodes.given) and not self.first.is_set():
            # Every URL says that we are wrong, not that it is busy.
            return Stop(NotConnected, (f"{self.status.url} refused: {ended.reason}",))
        return None

    async def _once(self, url: str) -> Ended:
        """One connection, from its beginning to its end, whatever that is."""
        self._ended = self._greeted_at = None
        try:
            async with open_socket(url, self._dial, self._pace.connect_timeout) as socket:
                await self._hello(socket, url)
                await self._converse(socket)
        except Unreachable as error:
            self._ended = Ended(str(error), status=error.status)
        except SocketClosed as closed:
            self._ended = self._ended or Ended(closed.reason or str(closed), closed.code)
        except ProtocolError as error:
            _log.warning("%s: %s", url, error)
            self._ended = Ended(str(error))
        finally:
            self._calls.disconnected()
        ended = self._ended or Ended("the connection ended")
        if self._greeted_at is None:
            return ended
        return evolve(ended, lasted_s=trio.current_time() - self._greeted_at, status=None)

    async def _hello(self, socket: Socket, url: str) -> None:
        session = self._session
        hello: Json = {"id": 0, "op": "hello", "client": "tradegame-python", **session.hello()}
        reply: Json = {}
        timeout = self._pace.hello_timeout
        with trio.move_on_after(timeout) as scope:
            await socket.send(encode(hello))
            while reply.get("id", "") != 0:
                reply = parse(await socket.receive())
        if scope.cancelled_caught:
            socket.silent = True
            raise SocketClosed(LOST, f"hello was not answered within {timeout:g} s")
        if "ok" not in reply:
            error = trade_error(reply.get("error"), None)
            if error.definite and error.code not in NOT_TAKEN_IN and self._believes(url):
                self.stopped = Stop(TradeError, (error.code, error.message, True, None, error.at))
            self._ended = Ended(f"hello: {error}", wait_s=(error.retry_after_ms or 0) / 1000)
            raise SocketClosed(LOST, str(error))
        ok = reply["ok"]
        welcome: Welcome = decode(Welcome, ok)
        session.player, session.token, session.server = welcome.player, welcome.token, welcome.server
        self.nodes.met(url, session.server.node, session.server.nodes)
        self.reconnects += self.first.is_set()
        self.failovers += self._last not in ("", url)
        self._last = url
        self._greeted_at = trio.current_time()
        self._gaps = self._rejections = 0
        self._tell(Status("connected", url))
        self.first.set()

    def _believes(self, url: str) -> bool:
        """Whether a refusal there is the last word: a learned address may be somebody else's by now."""
        self._rejections += 1
        return url in self.nodes.given or self._rejections > 1

    async def _converse(self, socket: Socket) -> None:
        self._breaker = CircuitBreaker()
        self._asked_at = None
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for game in self.games.values():
                self._follow(game)
            self._calls.resend()
            nursery.start_soon(self._write, socket)
            nursery.start_soon(self._listen, socket, nursery)
            await self._read(socket)
            nursery.cancel_scope.cancel()
        self._nursery = None

    def _break(self, reason: str, code: int = LOST, *, failing: bool = False) -> None:
        """End this connection. The first reason counts."""
        self._ended = self._ended or Ended(reason, code, failing=failing)
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    async def _write(self, socket: Socket) -> None:
        while True:
            frame = await self._calls.next_frame()
            now = trio.current_time()
            if self._asked_at is None or self._asked_at <= socket.heard_at:
                self._asked_at = now
            if self._pace.hasty and self._look_at > now + ASKED_S * self._pace.patience:
                self._look_again.set()
            with trio.move_on_after(SEND_TIMEOUT) as scope:
                try:
                    await socket.send(frame)
                except SocketClosed:
                    return  # the reader meets it too, and knows the close code
            if scope.cancelled_caught:
                self._break(f"the server took nothing for {SEND_TIMEOUT:g} s")

    async def _listen(self, socket: Socket, nursery: trio.Nursery) -> None:
        """Leave a server that is silent, and rather sooner when it owes us an answer."""
        vigil = Vigil(max(1, self._session.server.heartbeat_s), self._pace.hasty, self._pace.patience)
        while True:
            asked_at = self._asked_at if (self._asked_at or 0.0) > socket.heard_at else None
            now, heard_at = trio.current_time(), socket.heard_at
            todo, self._look_at = vigil.look(now, heard_at, asked_at, self._calls.oldest_at())
            if todo == "leave":
                socket.silent = True
                quiet_s = now - heard_at
                why = f"nothing was heard for {quiet_s:.1f} s" if quiet_s >= ASKED_S else "it does not answer"
                self._break(why, failing=True)
            elif todo == "ping":
                nursery.start_soon(self._ping, socket)
            self._look_again = trio.Event()
            with trio.move_on_at(self._look_at):
                await self._look_again.wait()
            late_s = trio.current_time() - self._look_at
            if late_s > LATE_S:  # let the reader take what has come meanwhile
                await trio.sleep(min(late_s, LATE_MOST_S))

    async def _ping(self, socket: Socket) -> None:
        with contextlib.suppress(SocketClosed):  # the reader meets it too
            await socket.ping()

    def _judge(self, op: str, error: str | None, sent_at: float) -> None:
        """An answer came: does this node do its work?"""
        useless = self._breaker.answered(op, error, sent_at, trio.current_time())
        if useless and self.nodes.elsewhere(self.status.url):
            self._break(f"nothing but {error} for {TROUBLE_S:g} s", failing=True)

    async def _read(self, socket: Socket) -> None:
        try:
            while True:
                frame = parse(await socket.receive())
                if "id" in frame:
                    if not self._calls.answer(frame) and frame["id"] is None:
                        _log.warning("the server did not understand a frame: %r", frame.get("error"))
                elif "push" in frame:
                    self._news(frame)
        except SocketClosed as closed:
            self._break(closed.reason or str(closed), closed.code)
        except ProtocolError as error:
            _log.warning("%s: %s", self.status.url, error)
            self._break(str(error))

    def _news(self, frame: Json) -> None:
        game = self.games.get(str(frame.get("game")))
        if game is None:
            return  # left a moment ago, or of a later server
        if frame["push"] == "gone":
            if self._nursery is not None and frame.get("epoch") == game.state.epoch:
                # Deleted, or only stopped on this node? The answer to a join tells.
                self._nursery.start_soon(self._follow_later, game, self._chance.random())
            return
        if game.take(frame):
            self._gaps = 0
            return
        self._gaps += 1
        if self._gaps >= GAPS:
            self._break("frames are missing again and again")
            return
        _log.info("%s: frames are missing after %d: joining again", game.game, game.state.seq)
        self._follow(game)

    def _follow(self, game: Subscription) -> None:
        """Join a game again, on this connection, from where its mirror stands."""
        game.syncing = True

        def joined(answer: Answer) -> None:
            if not isinstance(answer, Exception):
                game.joined(answer)
                if game.to_choose:
                    self._follow(game)
                return
            again = isinstance(answer, TradeError) and (not answer.definite or answer.code in NOT_TAKEN_IN)
            if again and self._nursery is not None:
                wait = (getattr(answer, "retry_after_ms", None) or 0) / 1000
                self._nursery.start_soon(self._follow_later, game, wait + 0.1 + self._chance.random())
                return
            _log.warning("%s cannot be joined again: %s", game.game, answer)
            self.games.pop(game.game, None)
            game.end(Stop.of(answer))

        self._calls.put("join", game.join_fields(), joined)

    async def _follow_later(self, game: Subscription, seconds: float) -> None:
        await trio.sleep(seconds)
        if self.games.get(game.game) is game:
            self._follow(game)
