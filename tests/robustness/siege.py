"""A siege: traffic from 50 clients on a real cluster, every failpoint again and again, and then all the checks."""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import Request, urlopen

import trio
from attrs import define, field, frozen

from tests.guarantees.history import History
from tests.guarantees.truth import Truth
from tests.robustness.campaign import GAME_DEFINITION
from tests.robustness.checks import Run
from tests.robustness.commands import FramePool
from tests.robustness.failpoints import FAILPOINTS
from tests.robustness.manners import WIDE, Manners
from tests.robustness.onlookers import ReadyPoller, Seen, Visitor, get
from tests.robustness.recorder import Recorder
from tests.robustness.stage import Place, Stage, in_thread
from tests.robustness.strike import Failpoint, Strike
from tests.robustness.traffic import GAME, Client
from tests.robustness.words import shortened
from tests.support.server import ADMIN_TOKEN
from tradegame.core.games.verify import verify_log

CLIENTS = 50
AT_ONCE = 2
"""Of three nodes so many may be struck at the same time."""
LOAD_COMMANDS = 100
RECOVERY_DEADLINE_S = 60.0
SETTLE_DEADLINE_S = 300.0
"""At the end the harness replays the whole log, up to ``COMPARED_MOST`` times."""
RECORDER_AHEAD = 1_000
"""Well under ``snapshot_every``: a command counts for itself and, at most, for an entry of its own; some go twice."""
EXPORT_DEADLINE_S = 4.0
MOVE = 0.25
"""So many clients go elsewhere once a fault is over, so that no node is left without any."""
EXPECTED = ("store_full",)
"""Errors that a node logs for good reason: the person on call must know."""
FREEZE_S = 20.0
COMPARED_MOST = 4
MANNERS: dict[str, Any] = {
    "open_s": 1.5,
    "moves_on": True,
    "stall": 0.003,
    "walk_out": 0.003,
    "forget": 0.2,
    "pause_most_s": 0.5,
    "look_s": 0.02,
}
PATIENCE_S = (2.5, 6.5)
LEAVERS = {3: 100, 7: 400}
"""These leave for good when so many of their commands are settled. They chose that their orders go then, as half do."""
WIDE_EACH = 25
"""One client of so many has a wide window."""


@frozen
class Record:
    """All that is known when it is over; times in s, of one clock. ``began_at`` to ``ended_at``: the trading."""

    seed: int
    etcd: str
    began_at: float
    ended_at: float
    run: Run
    strikes: Sequence[Strike]
    ready: dict[str, list[Seen]]
    generations: int
    entries: int


@define(eq=False, repr=False)
class Siege:
    """Each of ``failpoints`` strikes ``rounds`` times, in an order that the seed shuffles, and more of them until
    ``least_s`` are over."""

    directory: Path
    seed: int
    rounds: int
    least_s: float = 0.0
    failpoints: Sequence[Failpoint] = FAILPOINTS
    random: Random = field(init=False)
    stage: Stage = field(init=False)
    poller: ReadyPoller = field(init=False)
    visitor: Visitor = field(init=False)
    recorder: Recorder = field(init=False)
    clients: list[Client] = field(factory=list, init=False)
    strikes: list[Strike] = field(factory=list, init=False)
    acknowledged: int = field(default=0, init=False)
    _where: Random = field(init=False)
    _offset_s: float = field(default=0.0, init=False)
    _under_way: list[Failpoint] = field(factory=list, init=False)
    _problems: list[str] = field(factory=list, init=False)
    _news: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.random, self._where = Random(self.seed), Random(self.seed + 1)
        self.stage = Stage.build(self.directory, GAME_DEFINITION)
        self.poller = ReadyPoller([place.server for place in self.stage.places])
        self.visitor = Visitor(lambda: [place.server.url for place in self.stage.places])
        self.recorder = Recorder(self._http, GAME, self.directory / "export.log", RECORDER_AHEAD, EXPORT_DEADLINE_S)
        pool = FramePool()
        for number in range(CLIENTS):
            chance = Random(f"{self.seed} {number}")
            wide = {} if number % WIDE_EACH else WIDE
            manners = Manners(**{**MANNERS, **wide}, patience_s=chance.choice(PATIENCE_S))
            client = Client(History(f"c{number}"), self, pool, chance, manners, careful=number % 2 == 1)
            client.leaves_after = LEAVERS.get(number, math.inf)
            self.clients.append(client)

    async def run(self) -> Record:
        """Start everything, strike under load, let all settle, and replay. Kills all it started."""
        self._offset_s = time.time() - trio.current_time()
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self.stage.run)
                for task in (self.poller.run, self.recorder.run, self.visitor.run, self._keep_lean):
                    nursery.start_soon(task)
                for place in self.stage.places:
                    await self.poller.until_ready(place.server)
                began_at = trio.current_time()
                async with trio.open_nursery() as trading:
                    for client in self.clients:
                        trading.start_soon(client.run)
                    await self._strike_all(began_at)
                    await self._load()
                    ended_at = trio.current_time()
                    truth = await self._settle()
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await in_thread(self.stage.close)
            gc.unfreeze()
        return await in_thread(self._record, truth, began_at, ended_at)

    # What clients need of it

    async def address(self, avoid: Collection[str]) -> str:
        await trio.lowlevel.checkpoint()
        urls = [place.server.url for place in self.stage.places]
        return self._where.choice([url for url in urls if url not in avoid] or urls)

    async def leave_to_send(self, commands: int, *, urgent: bool = False) -> None:
        await self.recorder.leave_to_send(commands, urgent=urgent)

    def answered(self, url: str, connected_at: float) -> None:
        self.acknowledged += 1
        self._wake()

    # What strikes need of it

    def hit(self, strike: Strike, place: Place) -> None:
        clients = [
            client
            for client in self.clients
            if client.connected and not client.stalled and (not strike.place or client.url == place.server.url)
        ]
        strike.at = trio.current_time()
        strike.affected = frozenset(client.history.name for client in clients)
        strike.unanswered = sum(client.unanswered for client in clients)

    def _waiting(self, strike: Strike) -> list[str]:
        """Whom it hit, and who has not been answered anything since."""
        since = {c.history.name: c.acknowledged_sent_at for c in self.clients if c.left_at is None}
        return [name for name in strike.affected if since.get(name, strike.at) < strike.at]

    # The order of things

    async def _strike_all(self, began_at: float) -> None:
        async with trio.open_nursery() as nursery:
            for failpoint in self._schedule(began_at):
                await self._load()
                while not self._may_begin(failpoint):
                    await self._news.wait()
                free = [p for p in self.stage.places if not p.struck and self.poller.ready(p.server)]
                place = self.random.choice(free)
                place.struck = not failpoint.everywhere
                self._under_way.append(failpoint)
                nursery.start_soon(self._strike, failpoint, place)
            while self._under_way:
                await self._news.wait()

    def _schedule(self, began_at: float) -> Iterator[Failpoint]:
        """Those that may come together stand together, and so pass more quickly."""
        done = 0
        while done < self.rounds or trio.current_time() < began_at + self.least_s:
            together, alone = ([f for f in self.failpoints if f.alone is kind] for kind in (False, True))
            cut = len(alone) // 2
            alone = self.random.sample(alone, len(alone))
            for part in (alone[:cut], self.random.sample(together, len(together)), alone[cut:]):
                for failpoint in part:
                    if done >= self.rounds and trio.current_time() >= began_at + self.least_s:
                        return
                    yield failpoint
            done += 1

    def _may_begin(self, failpoint: Failpoint) -> bool:
        if failpoint.alone:
            return not self._under_way and all(self.poller.ready(place.server) for place in self.stage.places)
        if any(other.alone for other in self._under_way) or len(self._under_way) >= AT_ONCE:
            return False
        return sum(self.poller.ready(p.server) and not p.struck for p in self.stage.places) >= 2

    async def _strike(self, failpoint: Failpoint, place: Place) -> None:
        strike = Strike(failpoint.name, "" if failpoint.everywhere else place.name)
        self.hit(strike, place)
        self.strikes.append(strike)
        await failpoint.act(self, strike, place)
        strike.over_at = trio.current_time()
        waiting: list[str] = []
        with trio.move_on_after(RECOVERY_DEADLINE_S) as recovering:
            for each in self.stage.places if failpoint.everywhere else [place]:
                await self.poller.until_ready(each.server)
            while waiting := self._waiting(strike):
                await self._news.wait()
        if recovering.cancelled_caught:
            self._give_up(f"{failpoint.name} at {place.name} is not recovered from; {waiting} wait")
        strike.recovered_at = trio.current_time()
        for client in self.clients:
            if self.random.random() < MOVE:
                client.move()
        place.struck = False
        self._under_way.remove(failpoint)
        self._wake()

    async def _load(self) -> None:
        goal = self.acknowledged + LOAD_COMMANDS
        with trio.move_on_after(RECOVERY_DEADLINE_S) as waiting:
            while self.acknowledged < goal:
                await self._news.wait()
        if waiting.cancelled_caught:
            self._give_up("clients do not trade again")
        await trio.sleep(self.random.uniform(0, 0.3))

    # The end of things

    async def _settle(self) -> Truth:
        """Every command answered, the game closed, every frame seen, every account and every replica asked for."""
        for client in self.clients:
            client.finish()
        with trio.move_on_after(SETTLE_DEADLINE_S):
            for client in self.clients:
                await client.idle.wait()
            await in_thread(self._close_game)
            problems = ["nothing was compared"]
            for _ in range(COMPARED_MOST):
                if not problems:
                    break
                # Who comes back now arrives in the log, with no frame: then the nodes are ahead of what was exported.
                assert await self.recorder.export(), "the whole log could not be had"
                truth = await in_thread(self.recorder.recording.replay)
                found = [await self._compare(place, truth) for place in self.stage.places]
                problems = [problem for problem in found if problem is not None]
            self._problems += problems
            for client in self.clients:
                client.conclude(truth.seq)
            return truth
        busy = {c.history.name: (c.unanswered, c.doing) for c in self.clients if not c.idle.is_set()}
        self._give_up(f"it does not settle; these have unanswered commands: {busy}")
        raise AssertionError

    async def _compare(self, place: Place, truth: Truth) -> str | None:
        """Whether this node's own replica is in the state that the log leads to: else what is wrong."""
        told: dict[str, Any] = {}
        with trio.move_on_after(10):
            while int(told.get("seq", -1)) < truth.seq:
                answer = await get(place.server, f"/test/replicas/{GAME}", 5)
                told = json.loads(answer[1]) if answer is not None and answer[0] == 200 else {}
                await trio.sleep(0.05)
        if told == {"seq": truth.seq, "chain": truth.chain, "digest": truth.digest}:
            return None
        return f"{place.name}'s replica is at {told}, the log at {truth.seq} with {truth.digest}"

    def _close_game(self) -> None:
        request = Request(
            f"{self._http()}/v1/games/{GAME}/phase",
            data=b'{"phase":"closed"}',
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def _record(self, truth: Truth, began_at: float, ended_at: float) -> Record:
        recording = self.recorder.recording
        report = verify_log(self.recorder.file, lambda done, total: None)
        if report.problem is not None:
            truth.problems.append(f"tradegame verify, line {report.problem.line}: {report.problem.message}")
        elif report.chain != truth.chain:
            truth.problems.append(f"the last export leads to {report.chain}, the whole log to {truth.chain}")
        truth.problems += self._problems + list(self._faults_logged())
        histories = [client.history for client in self.clients]
        assert all(history.account is not None or history.left for history in histories)
        snapshots = self.recorder.recording.snapshots.items()
        visits = self.visitor.visits
        run = Run(
            histories,
            truth,
            1_000,
            snapshots=snapshots,
            visits=visits,
            strikes=self.strikes,
            careful={client.history.player for client in self.clients if client.careful},
            left={client.history.player: client.left_at for client in self.clients if client.left_at is not None},
            offset_s=self._offset_s,
            ended_at=ended_at,
        )
        return Record(
            self.seed,
            self.stage.etcd.version,
            began_at,
            ended_at,
            run,
            self.strikes,
            self.poller.changes,
            recording.entries[-1].generation,
            len(recording.entries),
        )

    def _faults_logged(self) -> Iterator[str]:
        """No node logged an error: an audit that failed, a game that stopped, a fault with its stack."""
        for place in self.stage.places:
            for line in place.server.log.splitlines():
                try:
                    event = json.loads(line)
                except ValueError:
                    yield f"{place.name} logged {line}"
                    continue
                expected = event.get("event") in EXPECTED or event.get("game") == "newer"
                if event["level"] not in ("debug", "info", "warning") and not expected:
                    yield f"{place.name} logged {line}"

    def _http(self) -> str | None:
        """A node that is ready, and is not struck."""
        good = [place.server for place in self.stage.places if not place.struck and self.poller.ready(place.server)]
        good = good or [place.server for place in self.stage.places if self.poller.ready(place.server)]
        return self._where.choice(good).http if good else None

    def _give_up(self, why: str) -> None:
        doing = {client.history.name: (client.url[-10:], client.doing, client.unanswered) for client in self.clients}
        logs = "\n".join(f"{place.name}: {place.server.log[-3000:]}" for place in self.stage.places)
        strikes = [(each.failpoint, each.place, round(each.at, 1)) for each in self.strikes[-4:]]
        seen = {name: changes[-1] for name, changes in self.poller.changes.items() if changes}
        told = (f"seed {self.seed}: {why}", strikes, self.recorder, doing, seen, logs)
        raise AssertionError("\n".join(shortened(each, 12_000) for each in told))

    async def _keep_lean(self) -> None:
        """Histories grow to millions of objects, none of which is ever garbage: do not look at them again.

        What is garbage now would else stay for ever.
        """
        while True:
            await trio.sleep(FREEZE_S)
            gc.collect()
            gc.freeze()

    def _wake(self) -> None:
        self._news.set()
        self._news = trio.Event()
