"""A siege by players: honest people on a server, first by themselves, then beside a hundred who mean it harm."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import trio
from attrs import asdict, define, field, frozen

from tests.hostile.crowd import Crowd
from tests.hostile.honest import Follower, Log, Reader, Trader, read
from tests.hostile.hostile import Order
from tests.hostile.stalls import Stalls, within
from tests.robustness.stage import in_thread
from tests.robustness.victim import Watched
from tests.support.certificate import certified
from tests.support.etcd import EtcdServer
from tests.support.process import REPOSITORY
from tests.support.server import ADMIN_TOKEN
from tradegame.core.games.verify import verify_log

OPERATOR = "127.0.0.2"
"""Who asks for /readyz and /metrics comes from an address of their own."""
READERS = ("127.0.0.3", "127.0.0.4")
ONE_ADDRESS = "127.0.1.1"
LOOK_S, ANSWER_S = 1.0, 30.0
KEYS = re.compile(rb"tradegame_game_keys\{[^}]*\} (\d+)")
ACCOUNTS = re.compile(rb"tradegame_game_players\{[^}]*\} (\d+)")
LAG = re.compile(rb'"lag_ms":\s*(\d+)')
SETTLE_S = 30.0
"""So long after the last attack what it left behind may take to be cleared away."""
MINIMAL_S = 0.02


def market() -> dict[str, Any]:
    """A game in which there is always somebody to trade with: its houses do not run out of anything."""
    house = {
        "anchor": 22,
        "spread": 2,
        "step": 1,
        "levels": 5,
        "size": 1_000,
        "stock": 10_000_000,
        "cash": 100_000_000,
        "target": 10_000_000,
        "slope": 1,
        "tick_s": 2,
        "drift_bps": 0,
    }
    return {
        "id": "bazaar",
        "title": "The bazaar",
        "cash": 1_000_000,
        "disconnect_grace_s": 5,
        "goods": {"grain": {"endowment": 100, "house": house}, "wood": {"endowment": 100, "house": house}},
    }


@frozen
class Look:
    """What was seen of the server at ``at``, s: /readyz, resident bytes, seconds of CPU, its log's bytes.

    ``starved_s``: so long could it have run, and others had the cores. ``lag_s``: the longest that its loop was late
    in the minute before. ``held_ms``: the longest that it was held since the look before, in ms of CPU of the machine
    that bounds are given for; ``held_by``: by what; ``stolen_ms``: what other virtual machines had of longer stretches,
    and which is not counted. ``long_holds``: those of more than 10 ms, as `Holds` has them.
    ``keys``: so many keys of commands are remembered. ``accounts``: so many there are. ``cached``: so many bytes
    has SQLite allocated, most of them for pages of its file: at most 32 MiB, by its ``cache_size``. ``freed``: so many
    does malloc keep.
    """

    at: float
    phase: str
    ready: str
    resident: int
    cpu_s: float
    log_bytes: int
    starved_s: float
    lag_s: float | None
    held_ms: float
    held_by: str
    stolen_ms: float
    long_holds: list[tuple[int, int, float, str]]
    keys: int
    accounts: int
    cached: int
    freed: int


@define
class Record:
    """All that is known when it is over. ``attackers``: what each process full of them tells of itself."""

    title: str
    seed: int
    hostile: int
    seconds: dict[str, float]
    log: Log
    looks: list[Look] = field(factory=list)
    harness_lag_s: dict[str, float] = field(factory=dict)
    attackers: list[dict[str, Any]] = field(factory=list)
    logged: Counter[str] = field(factory=Counter)
    faults: list[str] = field(factory=list)
    metrics: dict[str, float] = field(factory=dict)
    problems: list[str] = field(factory=list)
    stalls: Stalls = field(factory=Stalls)

    @property
    def tally(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for each in self.attackers:
            total.update(each["tally"])
        return total

    def of(self, phase: str) -> list[Look]:
        return [look for look in self.looks if look.phase == phase]

    def holds(self, phase: str) -> list[tuple[float, str]]:
        """For how long the loop was held at most in each look, in ms, and by what, longest first.

        What of the time fell into a stall of the whole machine is not counted.
        """
        found = list[tuple[float, str]]()
        for look in self.of(phase):
            long = [(ms * (1 - within(self.stalls.spans, begin, end)), by) for begin, end, ms, by in look.long_holds]
            found += long or [(look.held_ms, look.held_by)]
        return sorted(found, reverse=True)


@define(eq=False)
class PlayersSiege:
    """``store``: ``sqlite`` or ``etcd``. ``insiders``: so many of the hostile share the honest people's address.

    Of the others one half comes from one address, the other half each from its own. ``share``: of one core, for
    the hostile together. ``quiet_s``: without them, to compare with; ``siege_s``: with them.
    """

    directory: Path
    seed: int
    store: str = "sqlite"
    tls: bool = False
    hostile: int = 100
    insiders: int = 5
    traders: int = 40
    followers: int = 40
    crowd: Crowd = field(factory=Crowd)
    quiet_s: float = 30.0
    siege_s: float = 60.0
    share: float = 0.6
    processes: int = 2
    only: str = ""
    game: dict[str, Any] = field(factory=market)
    record: Record = field(init=False)
    _server: Watched = field(init=False)

    async def run(self) -> Record:
        """Start everything, and end it."""
        title = f"{self.store}, {'TLS' if self.tls else 'plain'}"
        self.record = Record(title, self.seed, self.hostile, {}, Log())
        async with self._serving():
            with self.record.stalls:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._look)
                    nursery.start_soon(self._own_lag)
                    await self._gather(nursery)
                    await self._phase("quiet", self.quiet_s)
                    async with self._attackers():
                        await self._phase("siege", self.siege_s)
                    await self._phase("after", min(10.0, self.quiet_s))
                    self.record.log.phase = "end"
                    nursery.cancel_scope.cancel()
            await self._conclude()
        return self.record

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        """The store, filled, and the server, with its limits as they are by default."""
        with ExitStack() as stack:
            url = f"embedded:{self.directory / 'hostile.db'}"
            if self.store == "etcd":
                url = (await in_thread(stack.enter_context, EtcdServer())).url
            await self.crowd.fill(url, self.game, "grain")
            flags: dict[str, Any] = {"limits.commands_per_s": 20, "limits.burst": 40}
            if self.tls:
                flags |= certified(self.directory)[0]
            self._server = Watched(
                url, self.directory, source=OPERATOR, name="besieged", games=[], flags=flags, holds=True
            )
            await in_thread(stack.enter_context, self._server)
            yield

    async def _gather(self, nursery: trio.Nursery) -> None:
        log, game, url = self.record.log, self.game["id"], self._server.url
        people: list[Follower] = [Follower(f"follower-{n}", url, game, log) for n in range(self.followers)]
        for number in range(self.traders):
            chance = Random(f"{self.seed} trader {number}")
            people.append(Trader(f"trader-{number}", url, game, log, goods=list(self.game["goods"]), random=chance))
        with trio.fail_after(120):
            for one in people:
                await nursery.start(one.run)
        for number, source in enumerate(READERS):
            nursery.start_soon(Reader(f"reader-{number}", self._server.port, self.tls, game, log, source).run)
        await trio.sleep(2)

    async def _phase(self, name: str, seconds: float) -> None:
        self.record.log.phase = name
        begun = trio.current_time()
        await trio.sleep(seconds)
        self.record.seconds[name] = trio.current_time() - begun

    @asynccontextmanager
    async def _attackers(self) -> AsyncIterator[None]:
        """They attack meanwhile. At the end they tell what they did."""
        sources = [self._source(number) for number in range(self.hostile)]
        children = []
        for number in range(self.processes):
            order = Order(
                port=self._server.port,
                tls=self.tls,
                seed=self.seed + number,
                sources=sources[number :: self.processes],
                game=self.game["id"],
                goods=list(self.game["goods"]),
                share=self.share / self.processes,
                only=self.only,
            )
            command = [sys.executable, "-m", "tests.hostile.hostile", json.dumps(asdict(order))]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            children.append(await in_thread(subprocess.Popen, command, cwd=REPOSITORY, **pipes))
        try:
            yield
            for child in children:
                assert child.stdin is not None
                child.stdin.close()
            for child in children:
                assert child.stdout is not None
                self.record.attackers.append(json.loads(await in_thread(child.stdout.read)))
        finally:
            for child in children:
                child.kill()
                child.wait()
                assert child.stdout is not None
                child.stdout.close()

    def _source(self, number: int) -> str:
        if number < self.insiders:
            return "127.0.0.1"
        return ONE_ADDRESS if number % 2 else f"127.{2 + number // 250}.{number % 250}.1"

    # Looking on

    async def _look(self) -> None:
        begun = trio.current_time()
        while True:
            phase = self.record.log.phase
            answer = "no answer"
            lag_s = None
            held: dict[str, Any] = {}
            keys = accounts = 0
            with trio.move_on_after(ANSWER_S):
                try:
                    got = await read(self._server.port, "/readyz", tls=self.tls, source=OPERATOR)
                    head, _, body = got.partition(b"\r\n\r\n")
                    answer = "" if head.startswith(b"HTTP/1.1 200 ") else (body or head).decode()[:200]
                    health = await read(self._server.port, "/v1/health", tls=self.tls, source=OPERATOR)
                    if (found := LAG.search(health)) is not None:
                        lag_s = int(found[1]) / 1000
                    metrics = await read(self._server.port, "/metrics", tls=self.tls, source=OPERATOR)
                    if (found := KEYS.search(metrics)) is not None:
                        keys = int(found[1])
                    if (found := ACCOUNTS.search(metrics)) is not None:
                        accounts = int(found[1])
                    told = await read(self._server.port, "/test/holds", tls=self.tls, source=OPERATOR)
                    if told.startswith(b"HTTP/1.1 200 "):
                        held = json.loads(told.partition(b"\r\n\r\n")[2])
                except (OSError, trio.BrokenResourceError) as error:
                    answer = repr(error)
            self.record.looks.append(
                Look(
                    trio.current_time() - begun,
                    phase,
                    answer,
                    self._server.resident(),
                    self._server.cpu_s(),
                    self._server.log_bytes,
                    self._server.starved_s(),
                    lag_s,
                    held.get("longest_ms", 0.0),
                    held.get("where", ""),
                    held.get("stolen_ms", 0.0),
                    held.get("long", []),
                    keys,
                    accounts,
                    held.get("sqlite_bytes", 0),
                    held.get("freed_bytes", 0),
                )
            )
            await trio.sleep(LOOK_S)

    async def _own_lag(self) -> None:
        """How late this process itself is: no answer can be seen to come sooner."""
        while True:
            begun = time.perf_counter()
            await trio.sleep(MINIMAL_S)
            late, phase = time.perf_counter() - begun - MINIMAL_S, self.record.log.phase
            self.record.harness_lag_s[phase] = max(late, self.record.harness_lag_s.get(phase, 0.0))

    async def _conclude(self) -> None:
        """What is left, what was logged, and whether the log can be replayed."""
        record, server = self.record, self._server
        with trio.move_on_after(SETTLE_S):
            while await in_thread(server.metric, "tradegame_connections") > 0:  # noqa: ASYNC110 - it tells nobody
                await trio.sleep(0.2)
        for name in ("tradegame_connections", "tradegame_audit_violations", "tradegame_game_serving"):
            record.metrics[name] = await in_thread(server.metric, name)
        path = self.directory / "exported.jsonl"
        path.write_bytes(await in_thread(server.get, "/v1/games/bazaar/log", Authorization=f"Bearer {ADMIN_TOKEN}"))
        report = await in_thread(verify_log, path, lambda done, total: None)
        if not report.ok:
            record.problems.append(f"tradegame verify: {report.problem}")
        for line in server.log.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                record.faults.append(line[:2_000])
                continue
            record.logged[f"{event['level']} {event['event']}"] += 1
            if "exception" in event or "reference" in event or event["level"] in ("error", "critical"):
                record.faults.append(line[:2_000])
