"""The client's one connection at a time: dials, says hello, resumes, reads, writes, and begins again."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from typing import Literal

import trio
from attrs import Factory, define, frozen

from tradegame.client.backoff import Backoff
from tradegame.client.calls import WAIT_AND_RETRY, Answer, Calls
from tradegame.client.errors import ConnectionStopped, NotConnected, ProtocolError, Stop, TradeError
from tradegame.client.follower import Follower
from tradegame.client.results import PlayerInfo, ServerInfo
from tradegame.client.socket import ABNORMAL, CLOSE_TIMEOUT, Dial, Socket, SocketClosed, Unreachable, open_socket
from tradegame.client.wire import Json, decode, encode, field, parse, trade_error

GOING_AWAY = 1001
STOP_CODES = range(4500, 5000)
CONNECT_TIMEOUT = 10.0
HELLO_TIMEOUT = 10.0
SEND_TIMEOUT = 20.0
STEADY_S = 10.0
"""A connection that lasted this long ends the back-off: what comes next is a new trouble."""
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


@define
class Session:
    """Who we are, kept from connection to connection."""

    name: str | None
    token: str | None
    player: PlayerInfo | None = None
    server: ServerInfo = Factory(ServerInfo)


@frozen
class _Ended:
    """How a connection ended. ``lasted_s``: since hello was answered; None: it was not. ``status``: HTTP's."""

    reason: str
    code: int = ABNORMAL
    lasted_s: float | None = None
    status: int | None = None
    wait_s: float = 0.0


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
        self.games: dict[str, Follower] = {}
        self.first = trio.Event()
        self.stopped: Stop | None = None
        self.status = Status("connecting", urls[0])
        self.reconnects = 0
        self._urls = urls
        self._session = session
        self._calls = calls
        self._dial = dial
        self._backoff = Backoff(chance)
        self._on_status = on_status
        self._at = 0
        self._done = trio.Event()
        self._nursery: trio.Nursery | None = None
        self._greeted_at: float | None = None
        self._ended: _Ended | None = None
        self._gaps = 0
        self._refusals = 0
        self._halted = False

    async def run(self) -> None:
        hurried = failed = 0
        while True:
            url = self._urls[self._at % len(self._urls)]
            self._tell(Status("connecting", url, attempt=self._backoff.tries))
            ended = await self._once(url)
            stop = self._final(ended)
            if stop is not None:
                self.halt(stop)
                self._done.set()
                return
            self._at += 1
            failed = 0 if ended.lasted_s is not None else failed + 1
            if (ended.lasted_s or 0) >= STEADY_S:
                self._backoff.reset()
                hurried = 0
            if ended.code == GOING_AWAY and ended.lasted_s is not None and hurried < len(self._urls):
                hurried += 1  # another node takes us in; not for ever, should they all be going
                pause = 0.0
            elif 0 < failed < len(self._urls):
                pause = 0.0  # there are others that were not asked yet
            else:
                failed = 0
                pause = max(self._backoff.next(), ended.wait_s)
            self._tell(Status("waiting", url, ended.reason, pause, self._backoff.tries))
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
            self._break("the client was closed", 1000)
            with trio.move_on_after(2 * CLOSE_TIMEOUT):
                await self._done.wait()

    def _tell(self, status: Status) -> None:
        self.status = status
        if status.kind == "waiting":
            _log.info("%s: %s; again in %.1f s", status.url, status.reason, status.retry_in_s)
        if self._on_status is not None:
            self._on_status(status)

    def _final(self, ended: _Ended) -> Stop | None:
        """Why it makes no sense to go on; None: it does."""
        if self.stopped is not None:
            return self.stopped
        if ended.code in STOP_CODES:
            return Stop(ConnectionStopped, (ended.code, ended.reason))
        refused = ended.status is not None and 400 <= ended.status < 500 and ended.status not in (408, 429)
        self._refusals = self._refusals + 1 if refused else 0
        if self._refusals >= len(self._urls) and not self.first.is_set():
            # Every URL says that we are wrong, not that it is busy.
            return Stop(NotConnected, (f"{self.status.url} refused: {ended.reason}",))
        return None

    async def _once(self, url: str) -> _Ended:
        """One connection, from its beginning to its end, whatever that is."""
        self._ended = self._greeted_at = None
        try:
            async with open_socket(url, self._dial, CONNECT_TIMEOUT) as socket:
                await self._hello(socket, url)
                await self._converse(socket)
        except Unreachable as error:
            self._ended = _Ended(str(error), status=error.status)
        except SocketClosed as closed:
            self._ended = self._ended or _Ended(closed.reason or str(closed), closed.code)
        except ProtocolError as error:
            _log.warning("%s: %s", url, error)
            self._ended = _Ended(str(error))
        finally:
            self._calls.disconnected()
        ended = self._ended or _Ended("the connection ended")
        if self._greeted_at is None:
            return ended
        return _Ended(ended.reason, ended.code, trio.current_time() - self._greeted_at, None, ended.wait_s)

    async def _hello(self, socket: Socket, url: str) -> None:
        session = self._session
        hello: Json = {"id": 0, "op": "hello", "client": "tradegame-python"}
        if session.token is not None:
            hello["token"] = session.token
        if session.name is not None and session.player is None:
            hello["name"] = session.name
        reply: Json = {}
        with trio.move_on_after(HELLO_TIMEOUT) as scope:
            await socket.send(encode(hello))
            while reply.get("id", "") != 0:
                reply = parse(await socket.receive())
        if scope.cancelled_caught:
            raise SocketClosed(ABNORMAL, f"hello was not answered within {HELLO_TIMEOUT:g} s")
        if "ok" not in reply:
            error = trade_error(reply.get("error"), None)
            if error.definite and error.code not in WAIT_AND_RETRY:
                self.stopped = Stop(TradeError, (error.code, error.message, True, None, error.at))
            self._ended = _Ended(f"hello: {error}", wait_s=(error.retry_after_ms or 0) / 1000)
            raise SocketClosed(ABNORMAL, str(error))
        ok = reply["ok"]
        session.player = decode(PlayerInfo, field(ok, "player", dict))
        session.token = field(ok, "token", str)
        session.server = decode(ServerInfo, field(ok, "server", dict))
        self.reconnects += self.first.is_set()
        self._greeted_at = trio.current_time()
        self._gaps = 0
        self._tell(Status("connected", url))
        self.first.set()

    async def _converse(self, socket: Socket) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for game in self.games.values():
                self._follow(game)
            self._calls.resend()
            nursery.start_soon(self._write, socket)
            nursery.start_soon(self._listen, socket)
            await self._read(socket)
            nursery.cancel_scope.cancel()
        self._nursery = None

    def _break(self, reason: str, code: int = ABNORMAL) -> None:
        """End this connection. The first reason counts."""
        self._ended = self._ended or _Ended(reason, code)
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    async def _write(self, socket: Socket) -> None:
        while True:
            frame = await self._calls.next_frame()
            with trio.move_on_after(SEND_TIMEOUT) as scope:
                try:
                    await socket.send(frame)
                except SocketClosed:
                    return  # the reader meets it too, and knows the close code
            if scope.cancelled_caught:
                self._break(f"the server took nothing for {SEND_TIMEOUT:g} s")

    async def _listen(self, socket: Socket) -> None:
        """The server pings every heartbeat; when two and a half pass in silence, it is not there any more."""
        patience = 2.5 * max(1, self._session.server.heartbeat_s)
        while True:
            await trio.sleep_until(socket.heard_at + patience)
            if trio.current_time() >= socket.heard_at + patience:
                self._break(f"nothing was heard for {patience:g} s")

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
        if game.take(frame):
            self._gaps = 0
            return
        self._gaps += 1
        if self._gaps >= GAPS:
            self._break("frames are missing again and again")
            return
        _log.info("%s: frames are missing after %d: joining again", game.game, game.state.seq)
        self._follow(game)

    def _follow(self, game: Follower) -> None:
        """Join a game again, on this connection, from where its mirror stands."""
        game.syncing = True

        def joined(answer: Answer) -> None:
            if not isinstance(answer, Exception):
                game.joined(answer)
                return
            again = isinstance(answer, TradeError) and (not answer.definite or answer.code in WAIT_AND_RETRY)
            if again and self._nursery is not None:
                wait = (getattr(answer, "retry_after_ms", None) or 0) / 1000
                self._nursery.start_soon(self._follow_later, game, wait + 0.1 + self._backoff.random.random())
                return
            _log.warning("%s cannot be joined again: %s", game.game, answer)
            self.games.pop(game.game, None)
            game.end(Stop(type(answer), _arguments(answer)))

        self._calls.put("join", game.join_fields(), joined)

    async def _follow_later(self, game: Follower, seconds: float) -> None:
        await trio.sleep(seconds)
        if self.games.get(game.game) is game:
            self._follow(game)


def _arguments(error: Exception) -> tuple[object, ...]:
    if isinstance(error, TradeError):
        return (error.code, error.message, error.definite, error.retry_after_ms, error.at)
    return error.args
