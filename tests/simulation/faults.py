"""What goes wrong, when, and until when: drawn from the seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import trio

from tests.simulation.node import Process
from tests.simulation.store import Fate
from tests.simulation.world import KEYS, Slot, World

FROM_S, UNTIL_S = 3.0, 17.0
"""When faults begin. Those that last end by themselves, at the latest when everything is mended."""


class Faults:
    """Injects faults into a world, all drawn before the first one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = random.Random(f"{world.seed}/faults")
        self.injected: dict[str, int] = {}
        self._kinds: dict[Callable[[Slot], None], int] = {
            self._kill: 3,
            self._stop: 1,
            self._freeze: 3,
            self._cut: 3,
            self._stall_watches: 2,
            self._slow_watches: 2,
            self._mute_watch: 2,
            self._bad_calls: 4,
            self._outage: 1,
            self._compact: 2,
            self._end_lease: 2,
            self._set_clock: 1,
            self._break_links: 1,
            self._hold_links: 1,
        }

    def plan(self) -> None:
        """Put them all into the network's calendar."""
        count = self.chance.randint(5, 13)
        times = sorted(self.chance.uniform(FROM_S, UNTIL_S) for _ in range(count))
        kinds = self.chance.choices(list(self._kinds), list(self._kinds.values()), k=count)
        for at, kind in zip(times, kinds, strict=True):
            self.world.network.at(at, partial(self._inject, kind, self.chance.choice(self.world.slots)))

    def mend(self) -> None:
        """Everything but a wrong clock works from now on, and every node runs."""
        self.world.story.tell("fault", "everything is mended, but for a wrong clock")
        for slot in self.world.slots:
            process = slot.process
            if process is not None and process.alive:
                self.world.freezer.thaw(process.name)
                process.store.wire.fates = {}
                process.store.wire.watch_delay_s = 0.02
                self._mend_wire(process)
            elif process is not None:
                self.world.start(slot)

    @property
    def clock_is_wrong(self) -> bool:
        return any(slot.offset_ms for slot in self.world.slots)

    def set_clocks_right(self) -> None:
        """The last thing to be mended."""
        for slot in self.world.slots:
            if slot.offset_ms:
                self._tell(f"the clock of {slot.name} is right again")
                slot.offset_ms = 0
                if slot.process is not None:
                    self.world.wrong_clock = (slot.process.wrong_since, trio.current_time(), slot.process.name)
                    slot.process.offset_ms = 0

    def _inject(self, kind: Callable[[Slot], None], slot: Slot) -> None:
        name = kind.__name__.strip("_")
        self.injected[name] = self.injected.get(name, 0) + 1
        self.world.faults += 1
        kind(slot)

    def _tell(self, what: str) -> None:
        self.world.story.tell("fault", what)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self.world.network.after(seconds, call)

    # Nodes

    def _kill(self, slot: Slot) -> None:
        process = slot.process
        if process is None or not process.alive:
            return
        back_s = self.chance.uniform(0.3, 12)
        self._tell(f"kill -9 {process.name}, again after {back_s:.1f} s")
        process.kill()
        self._later(back_s, partial(self.world.start, slot))

    def _stop(self, slot: Slot) -> None:
        process = slot.process
        if process is None or not process.listening or process.frozen:
            return
        self._tell(f"SIGTERM {process.name}")
        process.stop()

    def _freeze(self, slot: Slot) -> None:
        process = slot.process
        if process is None or not process.alive or process.frozen:
            return
        seconds = self.chance.choice((self.chance.uniform(0.5, 4), self.chance.uniform(11, 16)))
        self._tell(f"SIGSTOP {process.name} for {seconds:.1f} s")
        self.world.freezer.freeze(process.name)
        self._later(seconds, partial(self._thaw, process))

    def _thaw(self, process: Process) -> None:
        if process.frozen:
            self._tell(f"SIGCONT {process.name}")
            self.world.freezer.thaw(process.name)

    def _set_clock(self, slot: Slot) -> None:
        if any(other.offset_ms for other in self.world.slots):
            return
        offset_ms = self.chance.choice((-3_600_000, -4_000, 4_000, 3_600_000))
        self._tell(f"the clock of {slot.name} is off by {offset_ms} ms")
        slot.offset_ms = offset_ms
        if slot.process is not None and slot.process.alive:
            slot.process.offset_ms = offset_ms
            slot.process.wrong_since = trio.current_time()

    # Between a node and the store

    def _cut(self, slot: Slot) -> None:
        if slot.process is not None and slot.process.alive:
            seconds = self.chance.choice((self.chance.uniform(0.5, 4), self.chance.uniform(8, 14)))
            wire = slot.process.store.wire
            if self.chance.random() < 0.4:
                self._tell(f"nothing comes from the store to {slot.process.name} for {seconds:.1f} s")
                wire.deaf = True
            else:
                self._tell(f"{slot.process.name} is cut off from the store for {seconds:.1f} s")
                wire.cut = True
            self._later(seconds, partial(self._mend_wire, slot.process))

    def _outage(self, slot: Slot) -> None:
        seconds = self.chance.uniform(1, 5)
        self._tell(f"the store is away for {seconds:.1f} s")
        for process in self.world.processes():
            process.store.wire.cut = True
            self._later(seconds, partial(self._mend_wire, process))

    def _stall_watches(self, slot: Slot) -> None:
        if slot.process is not None and slot.process.alive:
            seconds = self.chance.uniform(1, 9)
            self._tell(f"the watches of {slot.process.name} are silent for {seconds:.1f} s")
            slot.process.store.wire.watches_stalled = True
            if self.chance.random() < 0.5:
                self._later(seconds, partial(self._compact, slot))
            self._later(seconds, partial(self._mend_wire, slot.process))

    def _mute_watch(self, slot: Slot) -> None:
        if slot.process is not None and slot.process.alive:
            for watch in slot.process.store.watches:
                if KEYS.meta in watch.keys:
                    self._tell(f"the watch of {slot.process.name} on the game is mute from now on")
                    watch.mute = True

    def _mend_wire(self, process: Process) -> None:
        wire = process.store.wire
        if process.alive and (wire.silent or wire.watches_stalled):
            self._tell(f"{process.name} and the store are connected again")
            wire.cut = wire.deaf = wire.watches_stalled = False
            process.store.resume_watches()

    def _slow_watches(self, slot: Slot) -> None:
        if slot.process is not None:
            wire = slot.process.store.wire
            wire.watch_delay_s = self.chance.uniform(0.3, 2.0)
            self._tell(f"the watches of {slot.process.name} are up to {wire.watch_delay_s:.1f} s late")

    def _bad_calls(self, slot: Slot) -> None:
        if slot.process is not None:
            share = self.chance.uniform(0.03, 0.15)
            self._tell(f"{share:.0%} of the calls of {slot.process.name} end in each wrong way there is")
            slot.process.store.wire.fates = {fate: share for fate in Fate if fate is not Fate.ANSWERED}

    # The store

    def _compact(self, slot: Slot) -> None:
        revision = self.world.ledger.revision - self.chance.choice((0, 0, 5))
        self._tell(f"compaction up to {revision}")
        self.world.ledger.compact(revision)

    def _end_lease(self, slot: Slot) -> None:
        if slot.process is None:
            return
        pair = self.world.ledger.pairs.get(f"sim/nodes/{slot.process.name}")
        if pair is not None and pair.lease:
            self._tell(f"the lease of {slot.process.name} is revoked")
            self.world.ledger.revoke(pair.lease)

    # Between clients and nodes

    def _break_links(self, slot: Slot) -> None:
        if slot.process is not None:
            self._tell(f"every connection to {slot.process.name} breaks")
            for link in slot.process.links:
                link.cut()

    def _hold_links(self, slot: Slot) -> None:
        if slot.process is not None:
            seconds = self.chance.uniform(1, 8)
            self._tell(f"nothing passes between {slot.process.name} and its clients for {seconds:.1f} s")
            for link in slot.process.links:
                link.held_until = trio.current_time() + seconds
