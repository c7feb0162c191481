"""Requests that wait for their answer, across reconnects. No socket here: the link drains ``next_frame``."""

from __future__ import annotations

import random
import secrets
from collections import deque
from collections.abc import Callable

import trio
from attrs import define, field, frozen

from tradegame.client.backoff import Backoff
from tradegame.client.errors import ProtocolError, Stop, TradeError
from tradegame.client.wire import Json, encode, trade_error

AT_ONCE = 256
"""Calls that may be under way at a time; more wait their turn, within their deadlines."""
KEYED = frozenset({"join", "buy", "sell", "order", "cancel", "say"})
WAIT_AND_RETRY = frozenset({"rate_limited", "overloaded"})
NOT_TAKEN_IN = WAIT_AND_RETRY | {"timeout"}

Answer = Json | Exception
"""An ``ok``, or why there is none."""


@frozen
class CallStatistics:
    """Since the client began. ``answered`` counts ``ok`` and ``error`` alike; ``resent`` after a reconnect."""

    sent: int
    answered: int
    resent: int
    retried: int
    waiting: int


@define(eq=False)
class Call:
    """One request. ``lasting``: sent again on the next connection if this one ends without an answer.

    ``on_answer`` runs in the socket's reader, before the next frame is looked at. ``sent_at``: when it last went out,
    on trio's clock; None: it has not, on this connection. ``again``: it went out on an earlier one, too.
    """

    id: int
    op: str
    frame: str
    key: str | None
    lasting: bool = True
    on_answer: Callable[[Answer], None] | None = None
    sent: bool = False
    again: bool = False
    sent_at: float | None = None
    answer: Answer | None = None
    done: trio.Event = field(factory=trio.Event)

    def settle(self, answer: Answer) -> None:
        if self.on_answer is not None:
            try:
                self.on_answer(answer)
            except ProtocolError as error:
                answer = error
        self.answer = answer
        self.done.set()


class Calls:
    """The table of unanswered calls, by id, in the order in which they were made.

    ``on_outcome(op, error code or None, when it was sent)`` is told of every answer before anybody else; it must not
    raise.
    """

    def __init__(self, call_deadline: float, retry: bool, chance: random.Random) -> None:
        self._call_deadline = call_deadline
        self._retry = retry
        self._chance = chance
        self._waiting: dict[int, Call] = {}
        self._unsent: deque[int] = deque()
        self._wake = trio.Event()
        self._slots = trio.Semaphore(AT_ONCE)
        self._numbers = 0
        self._keys = 0
        self._key_prefix = secrets.token_hex(6)
        self._stop: Stop | None = None
        self.on_outcome: Callable[[str, str | None, float], None] | None = None
        self._sent = self._answered = self._resent = self._retried = 0

    def new_key(self) -> str:
        """A key that no other client instance makes."""
        self._keys += 1
        return f"{self._key_prefix}-{self._keys}"

    def statistics(self) -> CallStatistics:
        return CallStatistics(self._sent, self._answered, self._resent, self._retried, len(self._waiting))

    async def call(
        self,
        op: str,
        fields: Json,
        *,
        key: str | None = None,
        on_answer: Callable[[Answer], None] | None = None,
    ) -> Json:
        """Send a request until it is answered, and return its ``ok``. Fields that are None are left out.

        An answer with ``definite: false`` is asked again with the same key, ``rate_limited`` and ``overloaded``
        after the time they tell, both before the deadline. Raises TradeError; with the
        code ``timeout`` and ``definite`` False when the time was over first.

        Cancelled, a request that is not yet sent never will be. One that is may happen, or have happened:
        the same key finds out.
        """
        deadline = trio.current_time() + self._call_deadline
        payload = {"op": op} | {name: value for name, value in fields.items() if value is not None}
        if op in KEYED:
            payload["key"] = key = self.new_key() if key is None else key
        backoff = Backoff(self._chance, base_s=0.1, cap_s=2.0)
        doubt: TradeError | None = None
        while True:
            try:
                return await self._ask(payload, key, deadline, on_answer)
            except TradeError as error:
                if not error.definite:
                    doubt = error
                pause = self._pause(error, backoff)
                if pause is None or trio.current_time() + pause >= deadline:
                    if doubt is not None and error.code in NOT_TAKEN_IN:
                        raise doubt from error  # this time it surely was not taken in; an earlier time it may have been
                    raise
            self._retried += 1
            await trio.sleep(pause)

    def put(self, op: str, fields: Json, on_answer: Callable[[Answer], None] | None = None) -> None:
        """Send a request on this connection only, and wait for nothing."""
        self._add({"op": op, **fields}, None, False, on_answer)

    def answer(self, frame: Json) -> bool:
        """Settle the call that this reply is for; False when nobody waits for it (any more)."""
        call = self._waiting.pop(frame["id"], None) if type(frame["id"]) is int else None
        if call is None:
            return False
        self._answered += 1
        ok = frame.get("ok")
        answer: Answer = ok if isinstance(ok, dict) else _error(frame, call.key)
        if self.on_outcome is not None and call.sent_at is not None:
            self.on_outcome(call.op, answer.code if isinstance(answer, TradeError) else None, call.sent_at)
        call.settle(answer)
        return True

    def oldest_at(self) -> float | None:
        """When the oldest request went out on this connection that is unanswered; None: there is none."""
        return min((call.sent_at for call in self._waiting.values() if call.sent_at is not None), default=None)

    def resend(self) -> None:
        """On a new connection: what was put for it goes first, then everything unanswered goes again, in its order."""
        calls = sorted(self._waiting.values(), key=lambda call: (call.lasting, call.id))
        self._unsent = deque(call.id for call in calls)

    def disconnected(self) -> None:
        """What was meant for the old connection only is forgotten."""
        self._unsent.clear()
        self._waiting = {number: call for number, call in self._waiting.items() if call.lasting}
        for call in self._waiting.values():
            call.sent_at = None

    def stop(self, stop: Stop) -> None:
        """No answer will ever come: everyone who waits is told, and so is everyone who calls from now on."""
        self._stop = self._stop or stop
        waiting, self._waiting = self._waiting, {}
        for call in waiting.values():
            if call.lasting:
                call.settle(self._stop.error())

    async def next_frame(self) -> str:
        """The next frame to send. Calls that were given up in the meantime are passed over."""
        while True:
            while self._unsent:
                call = self._waiting.get(self._unsent.popleft())
                if call is not None:
                    self._resent += call.sent
                    self._sent += 1
                    call.again = call.sent
                    call.sent, call.sent_at = True, trio.current_time()
                    return call.frame
            self._wake = trio.Event()
            await self._wake.wait()

    async def _ask(
        self,
        payload: Json,
        key: str | None,
        deadline: float,
        on_answer: Callable[[Answer], None] | None,
    ) -> Json:
        call: Call | None = None
        with trio.CancelScope(deadline=deadline):
            async with self._slots:
                if self._stop is not None:
                    raise self._stop.error()
                call = self._add(payload, key, True, on_answer)
                try:
                    await call.done.wait()
                finally:
                    self._waiting.pop(call.id, None)
        if call is None or call.answer is None:
            # Whoever never had it on the wire knows that it did not happen.
            definite = call is None or not call.sent
            raise TradeError("timeout", f"no answer within {self._call_deadline:g} s", definite, key=key)
        if isinstance(call.answer, TradeError) and call.again and call.answer.code in NOT_TAKEN_IN:
            # This node surely did not take it in. The one that died before it answered may have.
            call.answer.definite = False
        if isinstance(call.answer, Exception):
            raise call.answer
        return call.answer

    def _add(self, payload: Json, key: str | None, lasting: bool, on_answer: Callable[[Answer], None] | None) -> Call:
        self._numbers += 1
        frame = encode({"id": self._numbers, **payload})
        call = Call(self._numbers, payload["op"], frame, key, lasting, on_answer)
        self._waiting[call.id] = call
        self._unsent.append(call.id)
        self._wake.set()
        return call

    def _pause(self, error: TradeError, backoff: Backoff) -> float | None:
        """Seconds to wait before asking again; None: do not."""
        if not self._retry:
            return None
        if error.code in WAIT_AND_RETRY:
            wait = (error.retry_after_ms or 0) / 1000
            return wait + backoff.next()
        return backoff.next() if not error.definite else None


def _error(frame: Json, key: str | None) -> TradeError | ProtocolError:
    try:
        return trade_error(frame.get("error"), key)
    except ProtocolError as error:
        return error
