"""Honest people: traders who wait for their answers, followers who count frames, readers of HTTP.

Whatever befalls one that must not goes on the list of complaints. They keep little: a siege may last for hours.
"""

from __future__ import annotations

import json
import re
import time
from array import array
from collections import deque
from random import Random
from typing import Any

import trio
from attrs import Factory, define, field

from tests.guarantees.history import NOT_ACCEPTED
from tests.robustness.wire import LostError, StalledError, Wire, trusting

PATIENCE_S = 20.0
"""For an answer. Who waits longer complains."""
MOST_COMPLAINTS = 200
SEQ = re.compile(rb'"seq":\s*(\d+)')
EVENTS = b'"push":"events"'
FROM = "127.0.0.1"
KEPT_KEYS = 20
"""A trader now and then sends one of its last commands again, and must be told the same."""


@define(eq=False)
class Log:
    """What they all saw. ``latencies`` by phase, in s; ``complaints`` in words, at most ``MOST_COMPLAINTS``."""

    phase: str = "before"
    latencies: dict[str, array[float]] = Factory(dict)
    http: dict[str, array[float]] = Factory(dict)
    refusals: dict[str, int] = Factory(dict)
    frames: int = 0
    complaints: list[str] = Factory(list)

    def answered(self, took_s: float) -> None:
        self.latencies.setdefault(self.phase, array("d")).append(took_s)

    def read(self, took_s: float) -> None:
        self.http.setdefault(self.phase, array("d")).append(took_s)

    def refused(self, code: str) -> None:
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def complain(self, who: str, what: str) -> None:
        if len(self.complaints) < MOST_COMPLAINTS:
            self.complaints.append(f"{self.phase}: {who}: {what}"[:500])


@define(eq=False)
class Follower:
    """Follows the game from its first frame here on: each next one must be the next.

    ``run`` comes back only when cancelled: who was sent away complains, and comes again.
    """

    name: str
    url: str
    game: str
    log: Log
    _token: str = ""
    _epoch: str = ""
    _seq: int | None = None
    _ids: int = 0
    _replies: dict[int, dict[str, Any]] = Factory(dict)
    _news: trio.Event = Factory(trio.Event)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        started = False
        while True:
            try:
                async with await Wire.open(self.url, PATIENCE_S, window=0) as wire:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._listen, wire)
                        await self._sign_in(wire)
                        if not started:
                            task_status.started()
                            started = True
                        await self.act(wire)
            except* LostError as lost:
                self.log.complain(self.name, f"lost the connection: {lost.exceptions}")
            except* (trio.TooSlowError, StalledError):
                self.log.complain(self.name, f"had no answer within {PATIENCE_S} s")
            await trio.sleep(0.5)

    async def act(self, wire: Wire) -> None:
        """What it does while connected."""
        await trio.sleep_forever()

    async def _sign_in(self, wire: Wire) -> None:
        hello = await self.ask(wire, "hello", **({"token": self._token} if self._token else {"name": self.name}))
        if "ok" not in hello:
            raise LostError(f"hello was refused: {hello['error']}")
        self._token = hello["ok"]["token"]
        after = {} if self._seq is None else {"after": {"epoch": self._epoch, "seq": self._seq}}
        joined = await self.ask(wire, "join", game=self.game, **self.joining(), **after)
        if "ok" not in joined:
            raise LostError(f"join was refused: {joined['error']}")

    def joining(self) -> dict[str, Any]:
        return {"spectate": True}

    async def ask(self, wire: Wire, op: str, **fields: Any) -> dict[str, Any]:
        """The reply, within `PATIENCE_S`."""
        self._ids += 1
        request = self._ids
        with trio.fail_after(PATIENCE_S):
            await wire.send(json.dumps({"id": request, "op": op, **fields}).encode())
            while request not in self._replies:
                await self._news.wait()
        return self._replies.pop(request)

    async def _listen(self, wire: Wire) -> None:
        while True:
            for text in await wire.receive():
                if EVENTS in text[:40]:
                    self._frame(text)
                elif b'"push"' not in text[:12]:
                    self._reply(json.loads(text))

    def _reply(self, message: dict[str, Any]) -> None:
        ok = message.get("ok", {})
        if "recovered" in ok:
            if self._seq is not None and not (ok["recovered"] and ok["seq"] == self._seq):
                self.log.complain(self.name, f"was not resumed after {self._seq}: {ok['seq']}, {ok['recovered']}")
            self._epoch, self._seq = ok["epoch"], ok["seq"]
        self._replies[message["id"]] = message
        self._news.set()
        self._news = trio.Event()

    def _frame(self, text: bytes) -> None:
        found = SEQ.search(text)
        assert found is not None, text[:200]
        seq = int(found[1])
        self.log.frames += 1
        if seq != (self._seq or 0) + 1:
            self.log.complain(self.name, f"a gap: frame {seq} after {self._seq}")
        self._seq = seq


@define(eq=False)
class Trader(Follower):
    """Gives one command after the other, each with a key, and waits for the answer. Its orders would go if it did."""

    goods: list[str] = field(kw_only=True)
    random: Random = field(kw_only=True)
    _orders: list[str] = Factory(list)
    _keys: int = 0
    _done: deque[tuple[dict[str, Any], Any]] = field(factory=lambda: deque(maxlen=KEPT_KEYS))

    def joining(self) -> dict[str, Any]:
        return {"cancel_on_disconnect": True} if self._seq is None else {}

    async def act(self, wire: Wire) -> None:
        while True:
            await trio.sleep(self.random.uniform(0.2, 0.8))
            if self._done and self.random.random() < 0.05:
                await self._again(wire)
            else:
                await self._command(wire)

    async def _command(self, wire: Wire) -> None:
        self._keys += 1
        fields = {**self._any(), "game": self.game, "key": f"k{self._keys}"}
        begun = time.perf_counter()
        reply = await self.ask(wire, **fields)
        self.log.answered(time.perf_counter() - begun)
        if "error" in reply:
            error = reply["error"]
            self.log.refused(error["code"])
            withdrawn = error.get("became") == "disconnected"
            if not error["definite"] or error["code"] in (*NOT_ACCEPTED, "internal", "bad_request") or withdrawn:
                self.log.complain(self.name, f"{fields} was refused: {error}")
                return
        elif fields["op"] == "order" and reply["ok"]["resting"]:
            self._orders.append(reply["ok"]["order"])
        self._done.append((fields, {name: _first(reply[name]) for name in ("ok", "error") if name in reply}))

    async def _again(self, wire: Wire) -> None:
        fields, told = self.random.choice(self._done)
        reply = await self.ask(wire, **fields)
        now = {name: _first(reply[name]) for name in ("ok", "error") if name in reply}
        for answer in now.values():
            if answer.pop("replayed", False) is not True and answer.get("code") not in NOT_ACCEPTED:
                self.log.complain(self.name, f"{fields} was done again: {reply}")
        if now != told and "rate_limited" not in str(now):
            self.log.complain(self.name, f"{fields} was told {told}, and now {now}")

    def _any(self) -> dict[str, Any]:
        good = self.random.choice(self.goods)
        if len(self._orders) > 5:
            return {"op": "cancel", "order": self._orders.pop(0)}
        match self.random.choices(("buy", "sell", "order", "say"), (4, 4, 6, 1))[0]:
            case "buy" | "sell" as op:
                return {"op": op, "good": good, "qty": self.random.randint(1, 3)}
            case "order":
                side = self.random.choice(("bid", "ask"))
                price = self.random.randint(16, 20) if side == "bid" else self.random.randint(24, 28)
                return {"op": "order", "good": good, "side": side, "qty": 1, "price": price}
            case _:
                return {"op": "say", "text": f"good day from {self.name}"}


@define(eq=False)
class Reader:
    """Reads the public state and the standings once a second, each time on a connection of its own."""

    name: str
    port: int
    tls: bool
    game: str
    log: Log
    source: str

    async def run(self) -> None:
        turn = 0
        while True:
            path = (f"/v1/games/{self.game}", f"/v1/games/{self.game}/standings")[turn % 2]
            turn += 1
            begun = time.perf_counter()
            try:
                with trio.fail_after(PATIENCE_S):
                    head = await read(self.port, path, tls=self.tls, source=self.source)
            except (OSError, trio.BrokenResourceError, trio.TooSlowError) as error:
                self.log.complain(self.name, f"{path}: {error!r}")
            else:
                self.log.read(time.perf_counter() - begun)
                if not head.startswith(b"HTTP/1.1 200 "):
                    self.log.complain(self.name, f"{path}: {head[:200]!r}")
            await trio.sleep(1)


async def read(port: int, path: str, *, tls: bool, source: str = FROM) -> bytes:
    """The answer to a GET, head and body. Raises OSError and trio.BrokenResourceError."""
    tcp = await trio.open_tcp_stream("127.0.0.1", port, local_address=source)
    stream: trio.abc.Stream = tcp
    if tls:
        stream = trio.SSLStream(tcp, trusting(), https_compatible=True)
    data = bytearray()
    async with stream:
        await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        while more := await stream.receive_some(65_536):
            data += more
    return bytes(data)


def _first(answer: dict[str, Any]) -> dict[str, Any]:
    """What each copy of a command is told: all but how many keys there are by now."""
    return {name: value for name, value in answer.items() if name != "keys"}
