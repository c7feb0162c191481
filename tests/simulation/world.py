"""The world of one seed: a ledger, three nodes, a few clients, faults, and what the checks need to know of them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import structlog
import trio
from attrs import Factory, define, frozen

from tests.simulation import sockets
from tests.simulation.client import Client
from tests.simulation.host import Host
from tests.simulation.ledger import Ledger
from tests.simulation.link import Link
from tests.simulation.node import Process
from tests.simulation.runtime import NODE, Freezer
from tests.simulation.store import MemoryStore, Wire, end_leases
from tests.simulation.story import Story
from tradegame.client.turns import WINDOW
from tradegame.controller.websocket.hub import Hub
from tradegame.core.domain import audit
from tradegame.core.domain import keys as domain_keys
from tradegame.core.domain.definition import (
    GameDefinition,
    GoodDefinition,
    HouseDefinition,
    NewsDefinition,
    RoundsDefinition,
    from_json,
)
from tradegame.core.domain.game import Game
from tradegame.core.games import host
from tradegame.core.games.host import GameHost
from tradegame.core.games.settings import HostSettings
from tradegame.core.repositories import GameMeta
from tradegame.infra.config import Settings
from tradegame.infra.config.settings import LimitSettings, SessionSettings
from tradegame.infra.kv.codec import decode_meta_at
from tradegame.infra.kv.keys import GameKeys
from tradegame.infra.kv.port import Event
from tradegame.protocol.bounds import KEYS_REMEMBERED

BASE_MS = 1_790_000_000_000
GAME = "bazaar"
CALL_DELAY_S = 0.006
"""The most that a message takes between a node and the store."""
TIDY_S = 1.0
"""How often commands are looked through for those that time out: ten times a second would be most of the work."""
KEYS = GameKeys("sim", GAME)
FRAMES_KEPT = 8
GRACE_S = 8
LOOK_S = 0.5
FEW_KEYS = 8
FEW_KEYS_AGE_S, FEW_KEYS_KEPT = 10, 2
FEW_KEYS_WINDOW = 3
"""A server that remembers so few of a player's keys, for so long, and how many a client lets pass."""
MORE_COMMANDS = 12
"""So many more each client gives there."""


@frozen
class Appended:
    """An entry, as the log held it, whether it was trimmed since or not."""

    at: float
    revision: int
    generation: int
    id: str
    value: bytes


@define(eq=False)
class Life:
    """One life of the game, from when it is made until it is deleted."""

    epoch: str
    metas: list[GameMeta] = Factory(list)
    log: list[Appended] = Factory(list)
    over: bool = False

    def created(self) -> Game:
        """The game as it was before its first entry."""
        meta = self.metas[0]
        return Game.create(from_json(meta.definition), meta.epoch, meta.created_at, meta.seed)


@frozen
class Shown:
    """A node took a client up: what it showed as the present."""

    at: float
    node: str
    player: str
    seq: int


@define
class Slot:
    """A place where a node runs, one life after the other; clients know it by its ``name``."""

    name: str
    process: Process | None = None
    lives: int = 0
    offset_ms: int = 0


class World:
    """Built and run by `tests.simulation.scenario`."""

    def __init__(self, seed: int, freezer: Freezer, story: Story) -> None:
        self.seed = seed
        self.freezer = freezer
        self.story = story
        self.chance = random.Random(f"{seed}/world")
        self.network = freezer.network
        self.ledger = Ledger(trio.current_time)
        self.ledger.observers.append(self._observe)
        self.slots = [Slot(f"n{number}") for number in range(3)]
        self.think_s = self.chance.uniform(0.6, 1.4)
        self.definition = self._definition()
        self.settings = Settings(
            games=(self.definition,),
            limits=LimitSettings(outbox_bytes=3_000),
            session=SessionSettings(heartbeat_s=5),
        )
        self.host_settings = HostSettings(snapshot_every=15, generation_frames=FRAMES_KEPT, audit_s=5.0, verify_s=3.0)
        # A chance of its own: how many keys are remembered changes nothing else in a seed's story.
        drawn = random.Random(f"{seed}/keys").random()
        few, wild = drawn < 0.25, drawn < 0.12
        self.keys_remembered = FEW_KEYS if few else KEYS_REMEMBERED
        self.window = math.inf if wild else FEW_KEYS_WINDOW if few else WINDOW
        self.few_keys = few
        self.keys_age_s = FEW_KEYS_AGE_S if few else domain_keys.KEYS_AGE_S
        self.keys_kept = FEW_KEYS_KEPT if few else domain_keys.KEYS_KEPT
        more = MORE_COMMANDS if few else 0
        quotas = [more + self.chance.randint(8, 14) for _ in range(self.chance.randint(3, 6))]
        self.clients = [Client(self, number, quota) for number, quota in enumerate(quotas)]
        if few:  # two tabs of one browser
            self.clients[-1].tab_of = self.clients[0]
        self._let_some_leave(random.Random(f"{seed}/leaving"))
        self.host = Host(self)
        self.lives: list[Life] = []
        self.shown: list[Shown] = []
        self.well: dict[str, list[tuple[float, float]]] = {}
        """By player, from when to when they were connected to a node that was well, as far as that was looked at."""
        self.wrong_clock: tuple[float, float, str] | None = None
        self.mended_at = 0.0
        self.faults = 0
        self._nursery: trio.Nursery | None = None

    def _let_some_leave(self, chance: random.Random) -> None:
        """Who chooses `cancel_on_disconnect`, and, in some worlds, one who does not come back."""
        for client in self.clients:
            client.careful = chance.random() < 0.5 or (client.tab_of is not None and client.tab_of.careful)
        if not self.few_keys and chance.random() < 0.5:
            leaver = Client(self, len(self.clients), 20)
            leaver.careful, leaver.leaves_at = True, chance.uniform(6, 26)
            self.clients.append(leaver)

    def _definition(self) -> GameDefinition:
        rounds = RoundsDefinition(open_s=25, closed_s=2, repeat=0) if self.chance.random() < 0.4 else None
        house = HouseDefinition(anchor=22, levels=3, size=8, stock=60, target=60, tick_s=2, drift_bps=300)
        return GameDefinition(
            id=GAME,
            fee_bps=self.chance.choice((0, 30)),
            goods={"grain": GoodDefinition(endowment=5, house=house), "wool": GoodDefinition(endowment=20)},
            rounds=rounds,
            news=(NewsDefinition(at_s=8, text="rain", good="grain", anchor_bps=500),),
            disconnect_grace_s=GRACE_S,
        )

    # Time, nodes and links

    def now_ms(self) -> int:
        """The true time."""
        return self.ms_at(trio.current_time())

    def ms_at(self, time: float) -> int:
        """The true time when the run's clock read ``time``, in s."""
        return BASE_MS + int(time * 1000)

    def processes(self) -> list[Process]:
        return [slot.process for slot in self.slots if slot.process is not None and slot.process.alive]

    async def run(self, background: trio.Nursery) -> None:
        """Start everything."""
        self._nursery = background
        background.start_soon(end_leases, self.ledger)
        for number, slot in enumerate(self.slots):
            self.network.after(number * 0.3, partial(self.start, slot))
        for client in self.clients:
            background.start_soon(client.run)
        if self.host.acts:
            background.start_soon(self.host.run)
        background.start_soon(self._look_who_is_well)
        await trio.lowlevel.checkpoint()

    async def _look_who_is_well(self) -> None:
        while True:
            now, well = trio.current_time(), {process.name for process in self.processes() if process.well}
            for client in self.clients:
                if client.well_connected_to in well and client.player is not None:
                    spans = self.well.setdefault(client.player, [])
                    since = spans.pop()[0] if spans and spans[-1][1] >= now - 1.5 * LOOK_S else now
                    spans.append((since, now))
            await trio.sleep(LOOK_S)

    def start(self, slot: Slot) -> None:
        """Start a node in this slot, if none runs there."""
        if slot.process is not None and slot.process.alive:
            return
        slot.lives += 1
        name = f"{slot.name}.{slot.lives}"
        wire = Wire(
            random.Random(f"{self.seed}/wire/{name}"),
            partial(self._tell_wire, name),
            0.006,
            answered_at=trio.current_time(),
        )
        process = slot.process = Process(self, name, MemoryStore(self.ledger, self.network, wire), slot.offset_ms)
        self.story.tell(name, "starts")
        assert self._nursery is not None
        self._nursery.start_soon(self._live, slot, process)

    async def _live(self, slot: Slot, process: Process) -> None:
        """A node that could not start, or ended, is started again, as a service manager does it."""
        await process.run()
        if not process.killed:
            self.network.after(1.0, partial(self.start, slot))

    def connect(self, slot: int, chance: random.Random) -> Link:
        """Raises ConnectionRefusedError."""
        process = self.slots[slot].process
        if process is None or not process.listening:
            raise ConnectionRefusedError("connection refused")
        link = Link(process.name, self.network, chance, 0.01)
        process.connect(link)
        return link

    def _tell_wire(self, name: str, what: str) -> None:
        self.story.tell(name, f"store: {what}")

    # What the checks want to know

    @property
    def log(self) -> list[Appended]:
        """Of the game that is there, or was last."""
        return self.lives[-1].log if self.lives else []

    @property
    def metas(self) -> list[GameMeta]:
        return self.lives[-1].metas if self.lives else []

    @property
    def entries(self) -> list[Appended]:
        """Of all games that there were."""
        return [entry for life in self.lives for entry in life.log]

    def shown_to(self, player: str | None, node: str, since: float) -> int | None:
        """The ``seq`` that a node showed this player as the present, last, since that time."""
        seen = (s.seq for s in reversed(self.shown) if (s.node, s.player) == (node, player) and s.at >= since)
        return next(seen, None)

    def hosts(self) -> list[tuple[Process, GameHost]]:
        """The game's host on every node that lives and serves."""
        found = []
        for process in self.processes():
            if process.node is not None and (host := process.node.games.hosts.get(GAME)) is not None:
                found.append((process, host))
        return found

    def _observe(self, revision: int, events: tuple[Event, ...]) -> None:
        for event in events:
            if event.value is None:
                if event.key == KEYS.meta:
                    self.lives[-1].over = True
                    self.story.tell("store", f"{revision}: the game is deleted")
                continue
            if event.key.startswith(KEYS.log):
                generation, entry_id = KEYS.parse_entry(event.key)
                self.log.append(Appended(trio.current_time(), revision, generation, entry_id, event.value))
                count = event.value.count(b'"op":')
                self.story.tell("store", f"{revision}: entry {entry_id} in generation {generation}, {count} commands")
                self.story.take_in(event.value)
            elif event.key == KEYS.meta:
                meta = decode_meta_at(event.key, event.value, revision)
                if not self.lives or self.lives[-1].epoch != meta.epoch:
                    self.lives.append(Life(meta.epoch))
                self.lives[-1].metas.append(meta)
                saved = [reference.generation for reference in meta.snapshots]
                self.story.tell("store", f"{revision}: meta, generation {meta.generation}, snapshots {saved}")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Nodes' logs go into the story, and what they show as the present is noted."""
        follow, shown = Hub.follow, self.shown

        def noted(hub: Hub, client: Any, host: GameHost, missed: Any, **how: Any) -> None:
            follow(hub, client, host, missed, **how)
            shown.append(Shown(trio.current_time(), NODE.get("nobody"), client.player, host.game.state.seq))

        before = structlog.get_config()
        structlog.configure(
            processors=[structlog.stdlib.add_log_level, self.story.log],
            wrapper_class=structlog.make_filtering_bound_logger(20),
            cache_logger_on_first_use=False,
        )
        try:
            with (
                mock.patch.object(Hub, "follow", noted),
                mock.patch.object(host, "TIDY_S", TIDY_S),
                mock.patch.object(domain_keys, "KEYS_REMEMBERED", self.keys_remembered),
                mock.patch.object(domain_keys, "KEYS_AGE_S", self.keys_age_s),
                mock.patch.object(domain_keys, "KEYS_KEPT", self.keys_kept),
                mock.patch.object(audit, "KEYS_REMEMBERED", self.keys_remembered),
                sockets.installed(),
            ):
                yield
        finally:
            structlog.configure(**before)
