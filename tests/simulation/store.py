"""A KeyValueStore in memory, as one node sees it: over a wire that delays, loses, repeats, stalls and forgets."""

from __future__ import annotations

import enum
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import outcome
import trio
from attrs import Factory, define, field

from tests.simulation.ledger import Ledger
from tests.simulation.network import Network
from tradegame.core.repositories.errors import CompactedError, StoreError, StoreUnavailableError
from tradegame.infra.kv.limits import check_transaction
from tradegame.infra.kv.port import Compare, Event, EventBatch, Get, KeyRange, Operation, RangeResult, TransactionResult

T = TypeVar("T")

CALL_S = 2.0
"""How long a node waits for an answer."""
SILENT_S = 5.0
"""Without an answer for so long the store is not ready."""


class Fate(enum.Enum):
    """What becomes of one call."""

    ANSWERED = "answered"
    REFUSED = "refused: it certainly has no effect"
    DROPPED = "lost on its way there"
    UNANSWERED = "done, its answer lost"
    LATE = "done long after it was given up"
    REPEATED = "done twice"


@define(eq=False)
class Wire:
    """Between one node and the store. Delays in s, drawn anew for each message.

    ``cut``: nothing gets through either way, watches included; ``deaf``: nothing that the store says. ``fates``: how
    likely each fate but ANSWERED is, for each call. ``watch_delay_s``: the most that a watch's news is late.
    """

    chance: random.Random
    told: Callable[[str], None] = lambda what: None
    delay_s: float = 0.0
    watch_delay_s: float = 0.0
    fates: dict[Fate, float] = Factory(dict)
    cut: bool = False
    deaf: bool = False
    dead: bool = False
    watches_stalled: bool = False
    answered_at: float = 0.0

    @property
    def silent(self) -> bool:
        """Whether nothing comes from the store."""
        return self.cut or self.deaf or self.dead

    def fate(self) -> Fate:
        if self.dead:
            return Fate.REFUSED
        if self.cut:
            return Fate.DROPPED
        if self.fates:
            drawn = self.chance.random()
            for fate, share in self.fates.items():
                drawn -= share
                if drawn < 0:
                    return fate
        return Fate.ANSWERED

    def delay(self) -> float:
        return self.chance.uniform(0.2, 1.0) * self.delay_s if self.delay_s else 0.0


@define(eq=False)
class _Call:
    unknown: StoreUnavailableError
    answered: trio.Event = Factory(trio.Event)
    result: outcome.Outcome[Any] | None = None

    def answer(self, result: outcome.Outcome[Any]) -> None:
        if self.result is None:
            self.result = result
            self.answered.set()


@define(eq=False)
class MemoryWatch:
    """One watch of one node. See `Watch`. ``sent``: up to which revision it is on its way, or here.

    ``mute``: it seems alive, and nothing comes any more, for good.
    """

    keys: KeyRange
    sent: int
    ledger: Ledger
    wire: Wire
    network: Network
    mute: bool = False
    _here: deque[EventBatch] = Factory(deque)
    _held: list[EventBatch] = Factory(list)
    _arrives_at: float = 0.0
    _stalled: bool = True
    _gone: CompactedError | None = None
    _news: trio.Event = Factory(trio.Event)

    def observe(self, revision: int, events: tuple[Event, ...]) -> None:
        """The ledger has written: it is sent now, unless the watch is stalled."""
        if self.mute or self._stalled or self.wire.silent or self.wire.watches_stalled:
            self._stalled = True
            return
        self.sent = revision
        if wanted := tuple(event for event in events if event.key in self.keys):
            self._send(EventBatch(revision, wanted))

    def resume(self) -> None:
        """After a stall: what was missed, or that it is gone."""
        if self.mute or self.wire.silent or self.wire.watches_stalled:
            return
        held, self._held = self._held, []
        for batch in held:
            self._arrive(batch)
        if not self._stalled:
            return
        try:
            missed = self.ledger.since(self.sent, self.keys)
        except CompactedError as error:
            self._gone = error
            self._news.set()
            return
        self._stalled = False
        self.sent = self.ledger.revision
        for revision, events in missed:
            self._send(EventBatch(revision, events))

    def _send(self, batch: EventBatch) -> None:
        late_s = self.wire.chance.random() ** 3 * self.wire.watch_delay_s if self.wire.watch_delay_s else 0.0
        self._arrives_at = max(self._arrives_at, trio.current_time() + self.wire.delay() + late_s)
        self.network.at(self._arrives_at, partial(self._arrive, batch))

    def _arrive(self, batch: EventBatch) -> None:
        if self.wire.silent or self._held:  # what was under way comes again, in its order, when the wire is mended
            self._held.append(batch)
            return
        self.wire.answered_at = trio.current_time()
        self._here.append(batch)
        self._news.set()

    async def receive(self) -> EventBatch:
        while not self._here:
            if self._gone is not None:
                await trio.lowlevel.checkpoint()
                raise self._gone
            self._news = trio.Event()
            await self._news.wait()
        await trio.lowlevel.checkpoint()
        batches = [self._here.popleft()]
        while self._here and self.wire.chance.random() < 0.7:
            batches.append(self._here.popleft())
        return EventBatch(batches[-1].revision, tuple(event for batch in batches for event in batch.events))


@define(eq=False)
class MemoryStore:
    """A `KeyValueStore`: one node's way to the ledger."""

    ledger: Ledger
    network: Network
    wire: Wire
    watches: dict[MemoryWatch, None] = field(factory=dict, init=False)

    async def range(
        self, keys: KeyRange, *, limit: int = 0, tolerant: bool = False, keys_only: bool = False
    ) -> RangeResult:
        return await self._call("range", partial(self.ledger.range, keys, limit, keys_only), writes=False)

    async def transaction(
        self, compare: Sequence[Compare], success: Sequence[Operation], failure: Sequence[Operation] = ()
    ) -> TransactionResult:
        check_transaction(compare, success, failure)
        writes = not all(isinstance(operation, Get) for operation in (*success, *failure))
        return await self._call("transaction", partial(self.ledger.transaction, compare, success, failure), writes)

    @asynccontextmanager
    async def watch(self, keys: KeyRange, after_revision: int) -> AsyncIterator[MemoryWatch]:
        watch = MemoryWatch(keys, after_revision, self.ledger, self.wire, self.network)
        self.watches[watch] = None
        self.ledger.observers.append(watch.observe)
        watch.resume()
        try:
            yield watch
        finally:
            del self.watches[watch]
            self.ledger.observers.remove(watch.observe)

    async def grant(self, ttl_s: int) -> int:
        return await self._call("grant", partial(self.ledger.grant, ttl_s), writes=True)

    async def keep_alive(self, lease: int) -> int:
        return await self._call("keep_alive", partial(self.ledger.keep_alive, lease), writes=True)

    async def revoke(self, lease: int) -> None:
        await self._call("revoke", partial(self.ledger.revoke, lease), writes=True)

    @property
    def shared(self) -> bool:
        return True

    def ready(self) -> str | None:
        silent_s = trio.current_time() - self.wire.answered_at
        return f"the store has not answered for {silent_s:.0f} s" if silent_s >= SILENT_S else None

    def resume_watches(self) -> None:
        """The wire is mended."""
        for watch in list(self.watches):
            watch.resume()

    async def _call(self, name: str, do: Callable[[], T], writes: bool) -> T:
        wire, chance, fate = self.wire, self.wire.chance, self.wire.fate()
        unknown = StoreUnavailableError(f"{name}: no answer", definite=not writes)
        call = _Call(unknown)
        if fate is not Fate.ANSWERED and not wire.cut and not wire.dead:
            wire.told(f"{name} {fate.value}")
        if fate is Fate.REFUSED:
            refused = StoreUnavailableError(f"{name}: refused", definite=True)
            self.network.after(wire.delay(), partial(call.answer, outcome.Error(refused)))
        elif fate is Fate.LATE:
            self.network.after(chance.uniform(CALL_S, 3 * CALL_S), partial(_quietly, do))
        elif fate is not Fate.DROPPED:
            self.network.after(wire.delay(), partial(self._arrive, do, fate, call))
            if fate is Fate.REPEATED:
                self.network.after(chance.uniform(0.1, 1.0), partial(_quietly, do))
        if fate in (Fate.UNANSWERED, Fate.LATE, Fate.DROPPED) and not wire.cut and chance.random() < 0.6:
            # the connection broke: that is known at once, what became of the call is not
            self.network.after(chance.uniform(0.05, 0.5), partial(call.answer, outcome.Error(unknown)))
        if fate not in (Fate.ANSWERED, Fate.REPEATED, Fate.REFUSED):
            self.network.after(CALL_S, partial(call.answer, outcome.Error(unknown)))
        await call.answered.wait()
        assert call.result is not None
        result: T = call.result.unwrap()
        return result

    def _arrive(self, do: Callable[[], T], fate: Fate, call: _Call) -> None:
        self.ledger.expire()
        try:
            result: outcome.Outcome[T] = outcome.Value(do())
        except StoreError as error:
            result = outcome.Error(error)
        if fate is not Fate.UNANSWERED:
            self.network.after(self.wire.delay(), partial(self._answer, call, result))

    def _answer(self, call: _Call, result: outcome.Outcome[Any]) -> None:
        if self.wire.silent:
            # without a deadline of each call's own: one that is answered would not need it, and most are
            self.network.after(CALL_S, partial(call.answer, outcome.Error(call.unknown)))
        else:
            self.wire.answered_at = trio.current_time()
            call.answer(result)


def _quietly(do: Callable[[], Any]) -> None:
    """What nobody waits for any more."""
    try:
        do()
    except StoreError:
        return


async def end_leases(ledger: Ledger) -> None:
    """End each lease in its time, until cancelled."""
    while True:
        await trio.sleep(min(max(ledger.next_expiry() - trio.current_time(), 0.05), 0.5))
        ledger.expire()


@asynccontextmanager
async def open_memory() -> AsyncIterator[MemoryStore]:
    """A store of one's own over a faultless wire."""
    ledger, network = Ledger(trio.current_time), Network()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(network.run)
        nursery.start_soon(end_leases, ledger)
        yield MemoryStore(ledger, network, Wire(random.Random(0), answered_at=trio.current_time()))
        nursery.cancel_scope.cancel()
