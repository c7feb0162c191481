"""The traffic: independent clients that trade and talk, lose their connection, come back, and send again."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import trio
from attrs import define, field

from tests.guarantees.history import (
    NOT_ACCEPTED,
    AccountSeen,
    Answered,
    Command,
    Followed,
    FrameSeen,
    History,
    Lost,
    Odd,
    Sent,
    Signed,
    Stalled,
    fingerprint,
)
from tests.robustness.commands import FramePool, any_command_of
from tests.robustness.manners import PATIENT, Manners, Surroundings
from tests.robustness.wire import LostError, StalledError, Wire
from tradegame.protocol.bounds import MAX_PRICE

GAME = "bazaar"
SIGN_IN_TRIES = 30
RECENT = 60
STALL_S = (3.0, 8.0)
COPY = ("since", "epoch")
"""What is the same in every copy of a command, and another when it is made anew."""


@define(eq=False, repr=False)
class Client:
    """A player over all its connections. ``finish`` ends the trading, ``conclude`` lets it look back and go."""

    history: History
    world: Surroundings
    frames: FramePool
    random: Random
    manners: Manners = PATIENT
    url: str = ""
    told: tuple[str, int] | None = None
    """The epoch, and the highest ``keys`` that it was told for it."""
    acknowledged_sent_at: float = -1.0
    """When the newest of the commands that are settled was sent."""
    careful: bool = False
    """Whether it chooses `cancel_on_disconnect`."""
    leaves_after: float = math.inf
    """So many commands are settled when it leaves for good, with an order that rests."""
    left_at: float | None = None
    doing: str = "nothing"
    idle: trio.Event = field(factory=trio.Event)
    _wire: Wire | None = None
    _connected_at: float = 0.0
    _token: str | None = None
    _epoch: str = ""
    _seq: int = -1
    _joined: bool = False
    _asked: tuple[int | None, float] = (None, 0.0)
    _avoid: dict[str, float] = field(factory=dict)
    _reading: trio.Event | None = None
    _refused_since: float | None = None
    _ids: Any = field(factory=lambda: itertools.count(1))
    _keys: Any = field(factory=lambda: itertools.count(1))
    _waiting: dict[int, tuple[int, float]] = field(factory=dict)
    _replies: dict[int, dict[str, Any]] = field(factory=dict)
    _unsettled: dict[int, None] = field(factory=dict)
    _settled: set[int] = field(factory=set)
    _copies: Counter[int] = field(factory=Counter)
    """How many copies of a command went out that may have been taken in."""
    _again: dict[int, None] = field(factory=dict)
    _orders: list[str] = field(factory=list)
    _resting: set[int] = field(factory=set)
    """Commands whose order rested when they were answered."""
    _finishing: bool = False
    _target: int | None = None
    _news: trio.Event = field(factory=trio.Event)
    _done: bool = False

    @property
    def unanswered(self) -> int:
        return len(self._unsettled)

    @property
    def connected(self) -> bool:
        return self._wire is not None

    @property
    def stalled(self) -> bool:
        """Whether it does not read now."""
        return self._reading is not None

    def finish(self) -> None:
        """No new commands; ``idle`` is set once every one is answered."""
        self._finishing = True
        self._wake()

    def conclude(self, seq: int) -> None:
        """See every frame up to ``seq``, ask for the account, and end."""
        self._target = seq
        self._wake()

    def move(self) -> None:
        """Drop the connection, as somebody does who walks out of the radio's reach."""
        if self._wire is not None:
            self._wire.abort()

    async def run(self) -> None:
        """Play until concluded."""
        while not self._done:
            self.doing = "looking for a node"
            now = trio.current_time()
            url = await self.world.address([url for url, until in self._avoid.items() if until > now])
            self.doing = f"connecting to {url}"
            try:
                async with await Wire.open(url, self.manners.open_s) as wire:
                    self.url, self._wire, self._connected_at = url, wire, trio.current_time()
                    await self._connected(wire)
            except LostError as lost:
                await self._lost(url, lost.code)
            except StalledError as stalled:
                if self.manners.moves_on:
                    await self._lost(url, None)
                else:
                    self.history.events.append(Odd(str(stalled)))
            self._wire = None

    async def _lost(self, url: str, code: int | None) -> None:
        if self._wire is not None:
            self.history.events.append(Lost(code, len(self._unsettled), trio.current_time()))
        self._avoid[url] = trio.current_time() + self.manners.avoid_s
        self._wire = None
        await trio.sleep(self.random.uniform(0, 0.05))

    # One connection

    async def _connected(self, wire: Wire) -> None:
        self._waiting.clear()
        self._replies.clear()
        self._reading = self._refused_since = None
        lost: LostError | StalledError | None = None
        async with trio.open_nursery() as nursery:

            async def guarded(task: Callable[[Wire], Any]) -> None:
                nonlocal lost
                try:
                    await task(wire)
                except (LostError, StalledError) as error:
                    lost = lost or error
                nursery.cancel_scope.cancel()

            nursery.start_soon(guarded, self._receive)
            nursery.start_soon(guarded, self._talk)
        if lost is not None:
            raise lost

    async def _receive(self, wire: Wire) -> None:
        events = self.history.events
        while True:
            if self._reading is not None:
                await self._reading.wait()
            for text in await wire.receive():
                seen = self.frames.get(text)
                if seen is None:
                    message = json.loads(text)
                    if "push" not in message:
                        self._reply(message)
                        continue
                    if message["push"] != "events":
                        self._pushed(message)
                        continue
                    seen = self.frames.put(text, FrameSeen(message["epoch"], message["seq"], text))
                events.append(seen)
                self._epoch, self._seq = seen.epoch, seen.seq
            self._wake()
            if self.manners.look_s:
                await trio.sleep(self.manners.look_s)

    def _pushed(self, message: dict[str, Any]) -> None:
        if message["push"] == "account":
            self.history.events.append(AccountSeen(message["seq"], fingerprint(json.dumps(message["account"]))))
            self._tell(message["account"]["keys"])
        elif message["push"] not in ("presence", "whisper", "fills"):
            self.history.events.append(Odd(f"the push {message['push']!r} came"))

    def _reply(self, message: dict[str, Any]) -> None:
        request = message["id"]
        if request not in self._waiting:
            self.history.events.append(Odd(f"a reply to nothing that waits for one: {message}"))
            return
        command, sent_at = self._waiting.pop(request)
        if command < 0:
            self._replies[request] = message
            if "ok" in message and "recovered" in message["ok"]:
                # Here, not in `_join`: the frames that follow may be in the same read.
                self._followed(message["ok"])
            return
        ok = "ok" in message
        answer = Answered(request, command, ok, message["ok" if ok else "error"], trio.current_time())
        self.history.events.append(answer)
        self._tell(answer.body.get("keys", 0))
        if answer.refuses:
            self._copies[command] -= 1
        if answer.stale and command not in self._settled and self._copies[command] == 1:
            self._make_anew(command)
        if answer.settles or answer.stale:
            self._settled.add(command)
            self._unsettled.pop(command, None)
            self._again.pop(command, None)
            self._refused_since = None
            self.acknowledged_sent_at = max(self.acknowledged_sent_at, sent_at)
            self.world.answered(self.url, self._connected_at)
            if ok and answer.body.get("resting"):
                self._resting.add(command)
                if not answer.body.get("replayed"):
                    self._orders.append(answer.body["order"])
            return
        self._refused_since = self._refused_since or trio.current_time()
        if self.history.commands[command].key is None:
            self._unsettled.pop(command, None)
        else:
            self._again[command] = None

    def _followed(self, ok: dict[str, Any]) -> None:
        after, asked_at = self._asked
        self.history.events.append(Followed(after, ok["epoch"], ok["seq"], ok["recovered"], asked_at))
        self._epoch, self._seq, self._joined = ok["epoch"], ok["seq"], True
        self.told = self.told or (ok["epoch"], 0)
        self._tell(ok["me"]["keys"])

    # What it does

    async def _talk(self, wire: Wire) -> None:
        self.doing = "signing in"
        await self._sign_in(wire)
        self.doing = "trading"
        # A command without a key that got no answer is not sent again: nobody knows, and so it stays.
        for command in [number for number in self._unsettled if self.history.commands[number].key is None]:
            del self._unsettled[command]
        self._again.clear()
        await self._send(wire, list(self._unsettled))
        urgent = self.manners.moves_on
        while not self._finishing:
            await self._send_again(wire)
            await self._trade(wire, urgent=urgent)
            urgent = False
            if len(self._settled) >= self.leaves_after:
                await self._leave(wire)
            await trio.sleep(self.random.uniform(0, self.manners.pause_most_s))
            if self.random.random() < self.manners.walk_out:
                raise LostError("walked out")
            if self.random.random() < self.manners.stall:
                await self._stall()
        self.doing = "finishing"
        while self._unsettled:
            await self._send_again(wire)
            await self._until(lambda: bool(self._again) or not self._unsettled)
        self.idle.set()
        while self._target is None:
            await self._news.wait()
        target = self._target
        await self._until(lambda: self._seq >= target)
        reply = await self._ask(wire, op="me", game=GAME)
        self.history.account = reply["ok"]
        self._done = True

    async def _sign_in(self, wire: Wire) -> None:
        hello = {"name": self.history.name} if self._token is None else {"token": self._token}
        ok = await self._insist(wire, {"op": "hello", **hello})
        player = ok["player"]["id"]
        self._token = ok["token"]
        self.history.player = self.history.player or player
        self.history.events.append(Signed(player))
        join: dict[str, Any] = {"op": "join", "game": GAME}
        after = None
        if not self._joined:
            join["key"] = "join"
            if self.careful:
                join["cancel_on_disconnect"] = True
        elif self.random.random() >= self.manners.forget:
            after = self._seq
            join["after"] = {"epoch": self._epoch, "seq": after}
        self._asked = (after, trio.current_time())
        await self._insist(wire, join)

    async def _leave(self, wire: Wire) -> None:
        """For good, if an order of its own rests then, at a price that nobody can pay: with no word, as a machine that
        is switched off.
        """
        number = len(self.history.commands)
        order = {"op": "order", "good": "wood", "side": "ask", "qty": 1, "price": MAX_PRICE}
        self.history.commands.append(Command(f"{self.history.name}-{next(self._keys)}", order))
        await self.world.leave_to_send(1)
        await self._send(wire, [number])
        await self._until(lambda: bool(self._again) or not self._unsettled)
        if not self._unsettled and number in self._resting:
            self.left_at = trio.current_time()
            self.history.left = self._done = True
            self.idle.set()
            raise LostError("left for good")

    async def _stall(self) -> None:
        """Stop reading, as a machine does that is busy or asleep; and go on."""
        self.doing = "not reading"
        begun = trio.current_time()
        self._reading = trio.Event()
        await trio.sleep(self.random.uniform(*STALL_S))
        self.history.events.append(Stalled(begun, trio.current_time()))
        self._reading.set()
        self._reading = None

    async def _insist(self, wire: Wire, message: dict[str, Any]) -> dict[str, Any]:
        """Ask until it is granted, as long as no answer says that it never will be."""
        for _ in range(SIGN_IN_TRIES):
            reply = await self._ask(wire, **message)
            if "ok" in reply:
                ok: dict[str, Any] = reply["ok"]
                return ok
            self.doing = f"signing in: {reply['error']}"
            if reply["error"]["definite"] and reply["error"]["code"] not in NOT_ACCEPTED:
                break
            if self.manners.moves_on:
                raise LostError("refused for now")
            await trio.sleep(0.5)
        self.history.events.append(Odd(f"{message} was refused: {reply['error']}"))
        raise LostError("refused")

    async def _trade(self, wire: Wire, *, urgent: bool) -> None:
        """One command and wait, or a burst; now and then something that was sent before, all the same."""
        count = self.random.choice(self.manners.bursts)
        newer = self.manners.newer
        if self._newer() + count > newer:
            await self._until(lambda: self._newer() + count <= newer or bool(self._again))
            return
        if len(self._unsettled) > self.manners.window:
            await self._until(lambda: len(self._unsettled) <= self.manners.window or bool(self._again))
            return
        self.doing = "waiting for the recorder"
        await self.world.leave_to_send(count, urgent=urgent)
        self.doing = "trading"
        new = range(len(self.history.commands), len(self.history.commands) + count)
        self.history.commands += [self._command() for _ in new]
        numbers = list(new)
        if self.random.random() < 0.1:
            old = self.random.randrange(max(0, numbers[-1] - RECENT), numbers[-1] + 1)
            if self.history.commands[old].key is not None:
                numbers.append(old)
        await self._send(wire, numbers)
        if count == 1 or self.random.random() < self.manners.waits:
            await self._until(lambda: not any(n in self._unsettled and n not in self._again for n in numbers))
        else:
            await self._until(lambda: len(self._unsettled) <= self.manners.window or bool(self._again))
        await trio.sleep(count / self.manners.per_s)

    def _newer(self) -> int:
        """How many commands are newer than the oldest that is not settled."""
        oldest = next(iter(self._unsettled), len(self.history.commands))
        return max(0, len(self.history.commands) - oldest - 1)

    async def _send_again(self, wire: Wire) -> None:
        """What was answered `nobody knows` or `not taken in`, once more."""
        if self._again:
            await trio.sleep(0.2)
            refused_s = trio.current_time() - (self._refused_since or trio.current_time())
            if self.manners.moves_on and refused_s > self.manners.refusals_s:
                raise LostError("refuses everything")
            numbers = sorted(self._again)
            self._again.clear()
            await self._send(wire, numbers)

    def _command(self) -> Command:
        key = f"{self.history.name}-{next(self._keys)}"
        return any_command_of(key, self.random, self._orders)

    def _make_anew(self, number: int) -> None:
        """The only copy of a command was stale, so it did not happen: it goes out again as another one."""
        fields = {name: each for name, each in self.history.commands[number].fields.items() if name not in COPY}
        anew = len(self.history.commands)
        self.history.commands.append(Command(f"{self.history.name}-{next(self._keys)}", fields))
        self._unsettled[anew] = self._again[anew] = None

    def _tell(self, keys: int) -> None:
        if self.told is not None:
            self.told = self.told[0], max(self.told[1], keys)

    # Sending and waiting

    async def _send(self, wire: Wire, commands: Sequence[int]) -> None:
        if not commands:
            return
        texts, now = [], trio.current_time()
        for number in commands:
            command, request = self.history.commands[number], next(self._ids)
            message = {"id": request, "game": GAME, **command.fields}
            if command.key is not None:
                if self.told is not None:  # the same in every copy
                    command.fields.setdefault("epoch", self.told[0])
                    command.fields.setdefault("since", self.told[1])
                    message |= command.fields
                message["key"] = command.key
                self._copies[number] += 1
            texts.append(json.dumps(message).encode())
            self._waiting[request] = (number, now)
            if number not in self._settled:
                self._unsettled[number] = None
            self.history.events.append(Sent(request, number, now))
        await wire.send(*texts)

    async def _ask(self, wire: Wire, **message: Any) -> dict[str, Any]:
        request = next(self._ids)
        self._waiting[request] = (-1, trio.current_time())
        await wire.send(json.dumps({"id": request, **message}).encode())
        await self._until(lambda: request in self._replies, f"the answer to {message}")
        return self._replies.pop(request)

    async def _until(self, holds: Callable[[], bool], what: str = "an answer") -> None:
        patience_s = self.manners.patience_s
        with trio.move_on_after(patience_s):
            while not holds():
                await self._news.wait()
            return
        if self._wire is not None:
            self._wire.gentle = self.manners.moves_on and self.random.random() < 0.5
        raise StalledError(f"{what} did not come within {patience_s} s ({len(self._unsettled)} are unanswered)")

    def _wake(self) -> None:
        self._news.set()
        self._news = trio.Event()
