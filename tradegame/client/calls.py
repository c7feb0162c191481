"""Requests that wait for their answer, across reconnects. No socket here: the link drains ``next_frame``."""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Callable
from typing import Any

import trio
from attrs import frozen

from tradegame.client.backoff import Backoff
from tradegame.client.call import PROMPT, Answer, Call
from tradegame.client.errors import ProtocolError, Stop, TradeError
from tradegame.client.keys import Key, Told
from tradegame.client.turns import Turns
from tradegame.client.wire import Json, trade_error
from tradegame.protocol.errors import BEFORE_THE_KEY, NOT_TAKEN_IN
from tradegame.protocol.requests import DEFAULTS, KEYED


@frozen
class CallStatistics:
    """Since the client began. ``answered`` counts ``ok`` and ``error`` alike; ``resent`` after a reconnect."""

    sent: int
    answered: int
    resent: int
    retried: int
    waiting: int


class Calls:
    """The table of unanswered calls, by id, in the order in which they were made.

    ``on_outcome(op, error code or None, when it was sent)`` is told of every answer before anybody else; it must not
    raise.
    """

    def __init__(self, call_deadline: float, retry: bool, chance: random.Random, unsent_s: float = math.inf) -> None:
        self._call_deadline = call_deadline
        self._unsent_s = unsent_s
        self._retry = retry
        self._chance = chance
        self._waiting: dict[int, Call] = {}
        self._turns = Turns()
        self.told = Told()
        self._wake = trio.Event()
        self._numbers = 0
        self._keys = 0
        self._key_prefix = secrets.token_hex(6)
        self._stop: Stop | None = None
        self.on_outcome: Callable[[str, str | None, float], None] | None = None
        self._sent = self._answered = self._resent = self._retried = 0

    def new_key(self, game: str) -> Key:
        """A key that no other client instance makes, for a command that is made now."""
        self._keys += 1
        return Key(f"{self._key_prefix}-{self._keys}", *self.told.now(game))

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
        """Send a request until it is answered, and return its ``ok``. Fields that are as by default are left out.

        An answer with ``definite: false`` is asked again with the same key, ``rate_limited`` and ``overloaded``
        after the time they tell, both before the deadline. Raises TradeError; with the
        code ``timeout`` and ``definite`` False when the time was over first; with the code ``unsent`` when a
        command could not be sent in ``unsent_s``, or was in doubt so long and surely did not and will not happen.
        A copy that is ``stale`` did nothing: where it was the only one, the command is made anew.

        Cancelled, a request that is not yet sent never will be. One that is may happen, or have happened:
        the same key finds out.
        """
        deadline = trio.current_time() + self._call_deadline
        by_default = DEFAULTS.get(op, {})
        said = {
            name: value for name, value in fields.items() if value is not None and value is not by_default.get(name)
        }
        payload = {"op": op} | said
        backoff = Backoff(self._chance, base_s=0.1, cap_s=2.0)
        call = self._make(payload, True, on_answer)
        if op in KEYED:
            call.made = key is None
            call.key = self.new_key(call.game) if key is None else self.told.known(call.game, key)
            call.given = not call.made and call.key.since is not None
        if op in PROMPT:
            call.late_at = trio.current_time() + self._unsent_s
        try:
            while True:
                try:
                    return await self._ask(call, deadline)
                except TradeError as error:
                    if self._anew(call, error):
                        continue
                    pause = self._pause(error, backoff)
                    until = deadline if call.doubt else min(deadline, call.late_at)
                    if pause is None or trio.current_time() + pause >= until:
                        raise
                self._retried += 1
                await trio.sleep(pause)
        finally:
            call.over = True
            if call.in_doubt and call.key is not None:
                self.told.doubt(call.game, call.key)
            self._turns.ended(call)
            self._wake.set()

    def put(self, op: str, fields: Json, on_answer: Callable[[Answer], None] | None = None) -> None:
        """Send a request on this connection only, and wait for nothing."""
        self._add(self._make({"op": op, **fields}, False, on_answer))

    def answer(self, frame: Json) -> bool:
        """Settle the call that this reply is for; False when nobody waits for it (any more)."""
        call = self._waiting.pop(frame["id"], None) if type(frame["id"]) is int else None
        if call is None:
            return False
        self._answered += 1
        ok = frame.get("ok")
        answer: Answer = ok if isinstance(ok, dict) else _error(frame, call.key)
        error = answer if isinstance(answer, TradeError) else None
        if call.key is not None:
            self._tell(call, (frame.get("error") if ok is None else ok), error)
        if call.lasting:
            call.doubt = call.doubt or (error is not None and not error.definite)
            self._turns.answered(call, refused=error is not None and error.code in NOT_TAKEN_IN)
            self._wake.set()
        if call.voiding and (error is None or (error.definite and error.code not in BEFORE_THE_KEY)):
            if error is not None and error.code == "key_reused":
                call.happened, call.sent_at = True, None
                self._add(call)
                return True
            answer = call.withdrawn()
        if self.on_outcome is not None and call.sent_at is not None:
            self.on_outcome(call.op, error.code if error is not None else None, call.sent_at)
        call.settle(answer)
        return True

    def oldest_at(self) -> float | None:
        """When the oldest request went out on this connection that is unanswered; None: there is none."""
        return min((call.sent_at for call in self._waiting.values() if call.sent_at is not None), default=None)

    def resend(self) -> None:
        """On a new connection: what was put for it goes first, then what may have happened, then the rest, in order."""
        self._turns.clear()
        for call in sorted(self._waiting.values(), key=lambda call: (call.lasting, call.id)):
            self._turns.add(call)

    def disconnected(self) -> None:
        """What was meant for the old connection only is forgotten. What was on it may have been carried out."""
        self._waiting = {number: call for number, call in self._waiting.items() if call.lasting}
        for call in self._waiting.values():
            if call.sent_at is not None:
                call.doubt = call.lost = True
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
            while (call := self._turns.next()) is None:
                self._wake = trio.Event()
                await self._wake.wait()
            call.fix(*self.told.now(call.game))
            if (frame := call.next_frame(trio.current_time())) is not None:
                break
            call.settle(call.withdrawn())
        self._resent += call.lost
        self._sent += 1
        call.lost, call.sent_at = False, trio.current_time()
        return frame

    async def _ask(self, call: Call, deadline: float) -> Json:
        if self._stop is not None:
            raise self._stop.error()
        call.begin()
        self._add(call)
        try:
            with trio.CancelScope(deadline=min(deadline, call.late_at)):
                await call.done.wait()
            if call.answer is None and not call.unsure and call.late_at < deadline:
                raise call.withdrawn()
            with trio.CancelScope(deadline=deadline):
                await call.done.wait()
        finally:
            self._waiting.pop(call.id, None)
        if call.answer is None:
            # Whoever never had it on the wire knows that it did not happen.
            raise TradeError("timeout", f"no answer within {self._call_deadline:g} s", not call.unsure, key=call.key)
        if isinstance(call.answer, TradeError) and (call.doubt or call.given) and call.answer.code in BEFORE_THE_KEY:
            # This copy did nothing. The one before, by a node that died or did not know, may have.
            call.answer.definite = False
        if isinstance(call.answer, Exception):
            raise call.answer
        return call.answer

    def _make(self, payload: Json, lasting: bool, on_answer: Callable[[Answer], None] | None) -> Call:
        self._numbers += 1
        call = Call(self._numbers, payload["op"], str(payload.get("game")), payload, None, lasting)
        call.on_answer = on_answer
        return call

    def _add(self, call: Call) -> None:
        self._waiting[call.id] = call
        self._turns.add(call)
        self._wake.set()

    def _tell(self, call: Call, told: Any, error: TradeError | None) -> None:
        keys = told.get("keys") if isinstance(told, dict) else None
        if type(keys) is int and call.key is not None:
            went_back = error is not None and error.code == "ahead"
            self.told.answered(call.game, call.key.epoch, keys, went_back=went_back)
        elif error is not None and error.code == "epoch_over" and call.op == "join":
            self.told.over(call.game)

    def _anew(self, call: Call, error: TradeError) -> bool:
        """Whether this copy did nothing, was the only one, and is made anew, with what the client knows now."""
        anew = error.code in ("stale", "ahead") or (error.code == "epoch_over" and call.op == "join")
        if not anew or call.doubt or call.given or call.voiding:
            return False
        if call.made:
            call.key = self.new_key(call.game)
        self._retried += 1
        return True

    def _pause(self, error: TradeError, backoff: Backoff) -> float | None:
        """Seconds to wait before asking again; None: do not."""
        if not self._retry:
            return None
        if error.code in NOT_TAKEN_IN:
            wait = (error.retry_after_ms or 0) / 1000
            return wait + backoff.next()
        return backoff.next() if not error.definite else None


def _error(frame: Json, key: Key | None) -> TradeError | ProtocolError:
    try:
        return trade_error(frame.get("error"), key)
    except ProtocolError as error:
        return error
