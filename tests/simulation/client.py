"""A client: trades and talks, reads slowly, walks out, comes back elsewhere, and sends again what was unanswered."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING, Any

import trio
from attrs import Factory, define

from tests.guarantees import history
from tests.guarantees.history import AccountSeen, Answered, Followed, FrameSeen, History, Odd, Sent, Signed, fingerprint
from tests.simulation import sockets
from tests.simulation.link import Link
from tests.support.drawing import any_command

if TYPE_CHECKING:
    from tests.simulation.world import World

ANSWER_S = 9.0
"""An answer that takes longer than this does not come any more: the client goes elsewhere."""


class _LeftError(Exception):
    """This connection is of no more use."""


@define(eq=False)
class Command(history.Command):
    """``settled``: the final answer, ok or a rule's error, or (without a key) that none will come."""

    number: int
    settled: bool = False
    sent: int = 0
    newer: int = 0
    """Keys that were sent after its own."""


@define(eq=False)
class _Session:
    """One connection. ``waiting``: request ids and their commands."""

    link: Link
    frames: sockets.Frames = Factory(sockets.Frames)
    waiting: dict[int, tuple[Any, float]] = Factory(dict)
    joined: bool = False
    up: trio.Event = Factory(trio.Event)
    stalled_until: float = 0.0


class Client:
    """``quota`` commands, then it only follows. ``tab_of``: the client whose player it is, in another connection.

    ``careful``: it chooses `cancel_on_disconnect`. ``leaves_at``: then it goes for good, in s.

    Where the world's games remember few keys, and where the host acts, it also sends any old copy again; where there
    are few keys it forgets what it knew, too, as a page does that is loaded again.
    """

    def __init__(self, world: World, number: int, quota: int) -> None:
        self.world = world
        self.name = f"c{number}"
        self.chance = random.Random(f"{world.seed}/client/{number}")
        self.history = History(self.name)
        self.quota = quota
        self.commands: list[Command] = []
        self.session: _Session | None = None
        self.token: str | None = None
        self.tab_of: Client | None = None
        self.careful = False
        self.leaves_at = math.inf
        self.told: tuple[str, int] | None = None
        """The epoch, and the highest ``keys`` that it was told for it."""
        self.trouble = random.Random(f"{world.seed}/copies/{number}")
        self.player: str | None = None
        self.place: tuple[str, int] | None = None
        self.orders: list[str] = []
        self.online: dict[str, None] = {}
        self.join_sent_at = 0.0
        self._requests = 0
        self._unsettled: list[Command] = []
        """Those with a key that were sent."""
        self._goods = list(world.definition.goods)
        self._slot = self.chance.randrange(len(world.slots))

    # What is known of it from outside

    @property
    def done(self) -> bool:
        return len(self.commands) == self.quota and all(command.settled for command in self.commands)

    @property
    def following(self) -> bool:
        return self.session is not None and self.session.joined and not self.session.link.broken

    def stall(self, seconds: float) -> None:
        """Read nothing for a while."""
        if self.session is not None:
            self.tell(f"reads nothing for {seconds:.1f} s")
            self.session.stalled_until = trio.current_time() + seconds

    def drop(self) -> None:
        """Its connection breaks off."""
        if self.session is not None:
            self.tell("loses its connection")
            self.session.link.cut()

    def tell(self, what: str) -> None:
        self.world.story.tell(self.name, what)

    @property
    def well_connected_to(self) -> str | None:
        """The node that it follows the game on, if both of its ends read what comes."""
        session, now = self.session, trio.current_time()
        if session is None or not self.following or max(session.stalled_until, session.link.held_until) > now:
            return None
        return session.link.node

    # Its life

    async def run(self) -> None:
        """Until it leaves, or is cancelled."""
        with trio.CancelScope(deadline=self.leaves_at):
            await self._live()
        self.tell("leaves for good")
        self.history.left = True
        self._forget()

    def _forget(self) -> None:
        for command in self.commands:
            command.abandoned = command.abandoned or not command.settled
            command.settled = True

    async def _live(self) -> None:
        await trio.sleep(self.chance.uniform(0, 2))
        while self.tab_of is not None and self.token is None:
            self.token = self.tab_of.token
            await trio.sleep(0.2)
        while True:
            try:
                await self._connected()
            except* (_LeftError, ConnectionRefusedError) as ends:
                why: BaseException = ends
                while isinstance(why, BaseExceptionGroup):
                    why = why.exceptions[0]
                self.tell(f"leaves {self._node()}: {why}")
            self._slot = self.chance.randrange(len(self.world.slots))
            await trio.sleep(self.chance.uniform(0.05, 0.6))

    def _node(self) -> str:
        return self.world.slots[self._slot].name

    async def _connected(self) -> None:
        link = self.world.connect(self._slot, self.chance)
        session = self.session = _Session(link)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, session)
                nursery.start_soon(self._watch_the_time, session)
                self._request(session, "hello", {"op": "hello", "name": self.name, **self._token()})
                nursery.start_soon(self._act, session)
        finally:
            session.joined = False
            self.session = None
            link.close()
            for what, _ in session.waiting.values():
                if isinstance(what, Command) and what.key is None:
                    what.settled = True

    def _token(self) -> dict[str, str]:
        return {} if self.token is None else {"token": self.token}

    async def _read(self, session: _Session) -> None:
        while True:
            if (wait_s := session.stalled_until - trio.current_time()) > 0:
                await trio.sleep(wait_s)
            data = await session.link.receive()
            if not data:
                raise _LeftError("connection closed")
            for first, payload in session.frames.feed(data):
                if first == sockets.TEXT:
                    self._take(session, payload)
                elif first == sockets.PING:
                    sockets.pong(session.link)
                elif first == sockets.CLOSE:
                    code = int.from_bytes(payload[:2], "big")
                    raise _LeftError(f"closed with {code} {payload[2:].decode()}")

    async def _watch_the_time(self, session: _Session) -> None:
        while True:
            await trio.sleep(2)
            sent = min((at for _, at in session.waiting.values()), default=float("inf"))
            if max(sent, session.stalled_until) + ANSWER_S < trio.current_time():
                raise _LeftError("no answer in time")

    async def _act(self, session: _Session) -> None:
        await session.up.wait()
        for command in self.commands:
            if not command.settled:
                self._send(session, command)
        while len(self.commands) < self.quota:
            await trio.sleep(self.chance.expovariate(1 / self.world.think_s))
            if not self._may_go_on():
                self._send_unsettled(session)
                continue
            if self.world.few_keys or self.world.host.acts:
                self._trouble(session)
            drawn = self.chance.random()
            if drawn < 0.02:
                self.stall(self.chance.uniform(1, 6))
            elif drawn < 0.05:
                raise _LeftError("walks out")
            elif drawn < 0.08 and self.commands:
                again = self.chance.choice(self.commands[-5:])
                if again.key is not None:
                    self._send(session, again)
            else:
                for _ in range(min(self.chance.choice((1, 1, 1, 3)), self.quota - len(self.commands))):
                    if not self._may_go_on():
                        break
                    fields = self._draw(len(self.commands))
                    command = Command(fields.get("key"), fields, len(self.commands))
                    self.commands.append(command)
                    self.history.commands.append(command)
                    self._send(session, command)
        while True:
            await trio.sleep(2)
            self._send_unsettled(session)

    def _trouble(self, session: _Session) -> None:
        """A copy of long ago arrives; or the page is loaded again, and knows its token alone."""
        drawn = self.trouble.random()
        sent = [command for command in self.commands if command.key is not None and command.sent]
        if drawn < 0.15 and sent:
            self._send(session, self.trouble.choice(sent))
        elif drawn < 0.18 and self.world.few_keys:
            self._forget()
            self.place = self.told = None
            self.orders.clear()
            raise _LeftError("loads the page again")

    def _may_go_on(self) -> bool:
        """Whether a new key may be sent: not while one that is not settled could be forgotten for it."""
        self._unsettled = [command for command in self._unsettled if not command.settled]
        return all(command.newer + 1 < self.world.window for command in self._unsettled)

    def _send_unsettled(self, session: _Session) -> None:
        """What waits for no answer, and is not settled, once more."""
        for command in self.commands:
            if not command.settled and all(waiting is not command for waiting, _ in session.waiting.values()):
                self._send(session, command)

    def _new_key(self) -> None:
        for command in self._unsettled:
            command.newer += 1

    def _draw(self, number: int) -> dict[str, Any]:
        fields = any_command(self.chance, self._goods, self.orders, f"{self.name} says {number}")
        key = {} if fields["op"] == "say" and self.chance.random() < 0.4 else {"key": f"{self.name}-{number}"}
        return {**fields, "game": "bazaar", **key}

    # Requests and answers

    def _send(self, session: _Session, command: Command) -> None:
        command.sent += 1
        if command.sent == 1 and command.key is not None:
            self._new_key()
            self._unsettled.append(command)
        if command.key is not None and self.told is not None and "since" not in command.fields:
            command.fields["epoch"], command.fields["since"] = self.told
        elif self.world.host.remakes and self.told is not None:
            command.fields.setdefault("epoch", self.told[0])
        self.history.events.append(Sent(self._requests + 1, command.number, trio.current_time()))
        self._request(session, command, command.fields)
        self.tell(f"→ {session.link.node} {_brief(command.fields)}" + (" again" if command.sent > 1 else ""))

    def _request(self, session: _Session, what: Any, fields: dict[str, Any]) -> None:
        self._requests += 1
        session.waiting[self._requests] = (what, trio.current_time())
        sockets.send(session.link, {"id": self._requests, **fields})

    def _join(self, session: _Session) -> None:
        after = {} if self.place is None else {"after": {"epoch": self.place[0], "seq": self.place[1]}}
        self.join_sent_at = trio.current_time()
        # with a key a join goes through the log, and so is never stale: most come without
        key = {"key": "join"} if self.chance.random() < 0.2 else {}
        choice: dict[str, Any] = {}
        if self.careful and (self.place is None or self.chance.random() < 0.3):
            choice, key = {"cancel_on_disconnect": True}, {"key": "careful"} if key else {}
        if key:
            self._new_key()
        self._request(session, "join", {"op": "join", "game": "bazaar", **choice, **key, **after})

    def _take(self, session: _Session, payload: bytes) -> None:
        message = json.loads(payload)
        push = message.get("push")
        if push == "events":
            self._frame(session, message, payload)
        elif push == "presence":
            self.online.update(dict.fromkeys(message["online"]))
            for gone in message["offline"]:
                self.online.pop(gone, None)
        elif push == "account":
            self.history.events.append(AccountSeen(message["seq"], fingerprint(json.dumps(message["account"]))))
            self._tell(message["account"]["keys"])
        elif push == "gone":
            raise _LeftError("the game is gone")
        elif push is None:
            self._answer(session, message)

    def _frame(self, session: _Session, message: dict[str, Any], payload: bytes) -> None:
        seq, expected = message["seq"], self.place[1] + 1 if self.place else None
        self.history.events.append(FrameSeen(message["epoch"], seq, payload))
        self.world.story.take_in(payload)
        if seq != expected:
            raise _LeftError(f"frame {seq} where {expected} should be")
        self.place = (message["epoch"], seq)
        if any(event["type"] == "removed" and event["player"] == self.player for event in message["events"]):
            self._is_out("was removed")

    def _is_out(self, why: str) -> None:
        """It has no account any more: what it had asked for, nobody knows."""
        self._forget()
        self.orders.clear()
        raise _LeftError(why)

    def _answer(self, session: _Session, message: dict[str, Any]) -> None:
        what, _ = session.waiting.pop(message["id"], (None, 0.0))
        ok, error = message.get("ok"), message.get("error")
        if what is None:
            self.history.events.append(Odd(f"an answer to nothing: {message}"))
        elif what == "hello":
            self._greeted(session, ok or {}, error)
        elif what == "join":
            self._joined(session, ok, error)
        else:
            self._answered(message["id"], what, ok, error)

    def _greeted(self, session: _Session, ok: dict[str, Any], error: Any) -> None:
        if error is not None:
            raise _LeftError(f"hello: {error['code']}")
        player = ok["player"]["id"]
        self.history.events.append(Signed(player))
        self.player = self.history.player = self.player or player
        self.token = ok["token"]
        self._join(session)

    def _joined(self, session: _Session, ok: Any, error: Any) -> None:
        if error is not None:
            raise _LeftError(f"join: {error['code']}")
        if self.told is not None and self.told[0] != ok["epoch"]:
            self.tell("is in another game")
            self._forget()
            self.orders.clear()
            self.told = self.place = None
        after = self.place[1] if self.place else None
        shown = self.world.shown_to(self.player, session.link.node, self.join_sent_at)
        followed = Followed(after, ok["epoch"], ok["seq"], ok["recovered"], self.join_sent_at, shown)
        self.history.events.append(followed)
        self.tell(f"← {session.link.node} joined at {ok['seq']}, after {after}, recovered {ok['recovered']}")
        self.place = (ok["epoch"], ok["seq"])
        self.told = self.told or (ok["epoch"], 0)
        self._tell(ok["me"]["keys"])
        self.online = {}
        session.joined = True
        session.up.set()

    def _answered(self, request: int, command: Command, ok: Any, error: Any) -> None:
        body = ok if error is None else error
        answered = Answered(request, command.number, error is None, body, trio.current_time())
        self.history.events.append(answered)
        shown = {name: value for name, value in body.items() if name != "message"}
        self.tell(f"← {_brief(command.fields)}: {shown}")
        if error is None and "order" in body and body.get("resting") and not command.settled:
            self.orders.append(body["order"])
        self._tell(body.get("keys", 0))
        if answered.stale:
            self._is_stale(command)
            return
        if error is not None and error["code"] in ("overloaded", "unknown_game"):
            raise _LeftError(f"{error['code']}, another node may serve")
        if error is not None and error["code"] == "not_joined":
            self._is_out("has no account")
        if error is not None and error["code"] == "epoch_over":
            command.abandoned = command.abandoned or not command.settled
            command.settled = True
        # An error that says so is taken at its word: it did not happen. Without a key nothing is sent again.
        if answered.settles or answered.refuses or command.key is None:
            command.settled = command.settled or body.get("code") != "rate_limited"

    def _tell(self, keys: int) -> None:
        if self.told is not None:
            self.told = self.told[0], max(self.told[1], keys)

    def _is_stale(self, command: Command) -> None:
        """If this was the only copy, nothing happened: the command is made anew. Else nobody knows any more."""
        if command.sent == 1 and not command.settled and self.session is not None:
            self.quota += 1
            fields = {name: value for name, value in command.fields.items() if name not in ("since", "epoch")}
            number = len(self.commands)
            anew = Command(f"{self.name}-{number}", {**fields, "key": f"{self.name}-{number}"}, number)
            self.commands.append(anew)
            self.history.commands.append(anew)
            self._send(self.session, anew)
        command.settled = True


def _brief(fields: dict[str, Any]) -> str:
    return " ".join(str(value) for name, value in fields.items() if name != "game")
