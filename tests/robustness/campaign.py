"""A campaign: traffic from 20 clients, kills in the midst of it, and then the checks on all that was recorded."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import Request, urlopen

import trio
from attrs import define, field, frozen

from tests.guarantees.checks import Run, violations
from tests.guarantees.history import Answered, Followed, FrameSeen, History, Lost, Sent
from tests.guarantees.truth import Truth
from tests.robustness.commands import FramePool
from tests.robustness.faults import Cluster
from tests.robustness.manners import PATIENT, WIDE, Manners
from tests.robustness.proxy import Proxy
from tests.robustness.recorder import Recorder
from tests.robustness.traffic import GAME, Client
from tests.robustness.words import counted
from tests.support.etcd import EtcdServer
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN
from tradegame.core.use_cases.verify import verify_log

CLIENTS = 20
LOAD_COMMANDS = 150
"""Commands that were answered since the last fault, before the next one may come."""
LOAD_MOST_S = 0.8
SETTLE_DEADLINE_S = 60.0

TROUBLES = (
    ("kill", 0, 0),
    ("kill", 1, 6),
    ("freeze", 1.5, 5),
    ("lose answers", 0.1, 0.5),
    ("lose answers", 4.5, 6),
)
"""What befalls etcd, and for how long, in s. A call may take 2 s, an append with all its tries 4 s."""

GAME_DEFINITION: dict[str, Any] = {
    "id": GAME,
    "cash": 1_000_000,
    "fee_bps": 250,
    "open_orders": 20,
    "goods": {
        "grain": {
            "endowment": 1_000,
            "house": {
                "anchor": 22,
                "levels": 5,
                "size": 200,
                "stock": 1_000_000,
                "target": 1_000_000,
                "cash": 1_000_000_000,
                "tick_s": 1,
            },
        },
        "wood": {"endowment": 10_000},
    },
}
HOST: dict[str, Any] = {"snapshot_every": 1_500, "generation_frames": 60, "audit_s": 1.0}
"""So that generations turn and logs are trimmed while clients trade."""
RECORDER_AHEAD = 600
"""Well under ``snapshot_every``: a command counts for itself and, at most, for an entry of its own."""


def node(store: str, directory: Path, name: str = "node") -> ServerProcess:
    """A node as these tests run it; not started."""
    # The harness may be slow to read on a busy machine, and what it does not read is no fault of the server's.
    flags = {"limits.outbox_bytes": 64 * 1024 * 1024}
    return ServerProcess(store, directory, name=name, games=[GAME_DEFINITION], flags=flags, host=HOST)


@frozen
class Summary:
    """What a campaign came to. Times in s. ``recovery_s``: from a fault until a command was answered
    on a connection made after it (when etcd is troubled: after the trouble, on any)."""

    title: str
    seed: int
    kills: int
    kills_while_starting: int
    store_faults: int
    commands: int
    acknowledged: int
    unknown: int
    unanswered: int
    sent_again: int
    taken_back: int
    frames: int
    entries: int
    generations: int
    unanswered_at_kills: Sequence[int]
    start_s: Sequence[float]
    recovery_s: Sequence[float]
    violations: Sequence[str]

    def lines(self) -> list[str]:
        """For people."""
        struck = f"{self.kills} kills under load, {self.kills_while_starting} while starting"
        if self.store_faults:
            struck = f"{self.store_faults} faults of etcd under load"
            struck += f", {self.taken_back} clients were shown an older state by a node that lagged behind"
        return [
            f"{self.title} (seed {self.seed}): {struck}; {counted(len(self.violations), 'violation')}",
            f"  {self.commands} commands: {self.acknowledged} acknowledged, {self.unknown} without a key never known; "
            f"{self.unanswered} were unanswered when a connection went; {self.sent_again} times one was sent again",
            f"  {self.frames} frames checked; {self.entries} entries in the log, {self.generations} generations",
            f"  at a fault {_spread(self.unanswered_at_kills, 0)} commands were unanswered",
            f"  start to serving {_spread(self.start_s)} s; "
            f"fault to first acknowledged command {_spread(self.recovery_s)} s",
        ]


@frozen
class _Struck:
    """A fault at the time ``at``; over once a command is answered on a connection as young as ``connected_since``."""

    at: float
    connected_since: float


def _spread(values: Sequence[float], digits: int = 2) -> str:
    if not values:
        return "-"
    return f"p50 {statistics.median(values):.{digits}f}, max {max(values):.{digits}f}"


@define(eq=False, repr=False)
class Campaign:
    """``rounds`` faults on these nodes and this etcd. ``strike`` carries out one of them."""

    title: str
    nodes: Sequence[ServerProcess]
    directory: Path
    rounds: int
    seed: int
    etcd: EtcdServer | None = None
    proxy: Proxy | None = None
    random: Random = field(init=False)
    cluster: Cluster = field(init=False)
    recorder: Recorder = field(init=False)
    clients: list[Client] = field(factory=list, init=False)
    kills: int = field(default=0, init=False)
    kills_while_starting: int = field(default=0, init=False)
    store_faults: int = field(default=0, init=False)
    unanswered_at_kills: list[int] = field(factory=list, init=False)
    recovery_s: list[float] = field(factory=list, init=False)
    _troubles: list[tuple[str, float, float]] = field(factory=list, init=False)
    _answered: int = field(default=0, init=False)
    _struck: _Struck | None = field(default=None, init=False)
    _news: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.random = Random(self.seed)
        self.cluster = Cluster(self.nodes, Random(self.seed + 1))
        self.recorder = Recorder(self.cluster.http, GAME, self.directory / "export.log", RECORDER_AHEAD)

    async def run(self, strike: Callable[[Campaign], Any]) -> Summary:
        """Start everything, strike ``rounds`` times under load, let all settle, and check. Kills all it started."""
        pool = FramePool()
        self.clients = [
            Client(
                History(f"c{number}"),
                self,
                pool,
                Random(f"{self.seed} {number}"),
                PATIENT if number else Manners(**WIDE),
            )
            for number in range(CLIENTS)
        ]
        try:
            async with trio.open_nursery() as nursery:
                if self.proxy is not None:
                    await nursery.start(self.proxy.run)
                for each in self.nodes:
                    await self.cluster.start(each)
                nursery.start_soon(self.recorder.run)
                async with trio.open_nursery() as trading:
                    for client in self.clients:
                        trading.start_soon(client.run)
                    for _ in range(self.rounds):
                        await self._load()
                        await strike(self)
                    await self._load()
                    await self._settle()
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(self.cluster.close)
        return await trio.to_thread.run_sync(self._check)

    # What clients need of it

    async def address(self, avoid: Collection[str]) -> str:
        return await self.cluster.address()

    async def leave_to_send(self, commands: int, *, urgent: bool = False) -> None:
        await self.recorder.leave_to_send(commands, urgent=urgent)

    def answered(self, url: str, connected_at: float) -> None:
        self._answered += 1
        if self._struck is not None and connected_at >= self._struck.connected_since:
            self.recovery_s.append(trio.current_time() - self._struck.at)
            self._struck = None
        self._news.set()
        self._news = trio.Event()

    # Faults

    async def kill_a_node(self) -> None:
        """Kill one node under load, now and then once more while it starts, and start it on the same store."""
        victim = self.random.choice(list(self.cluster.serving.values()))
        self.unanswered_at_kills.append(sum(c.unanswered for c in self.clients if c.url == victim.url))
        self._struck = _Struck(trio.current_time(), trio.current_time())
        self.kills += 1
        await self.cluster.kill(victim)
        if self.random.random() < 0.2:
            await self.cluster.kill_while_starting(victim)
            self.kills_while_starting += 1
        await self.cluster.start(victim)
        if len(self.nodes) > 1:
            for client in self.clients:
                if self.random.random() < 0.3:
                    client.move()

    async def trouble_etcd(self) -> None:
        """Kill the store itself under load, freeze it, or lose its answers; the nodes live on, and so do connections.

        Frozen for longer than a call may take, it does afterwards what was given up by then.
        """
        assert self.etcd is not None
        assert self.proxy is not None
        self.store_faults += 1
        self.unanswered_at_kills.append(sum(client.unanswered for client in self.clients))
        begun = trio.current_time()
        if not self._troubles:
            self._troubles = self.random.sample(TROUBLES, len(TROUBLES))
        kind, least_s, most_s = self._troubles.pop()
        seconds = self.random.uniform(least_s, most_s)
        match kind:
            case "kill":
                await trio.to_thread.run_sync(self.etcd.kill)
                await trio.sleep(seconds)
                await trio.to_thread.run_sync(self.etcd.start)
            case "freeze":
                self.etcd.pause()
                await trio.sleep(seconds)
                self.etcd.resume()
            case "lose answers":
                await self.proxy.lose_answers(seconds)
        self._struck = _Struck(begun, 0)

    # The course of things

    async def _load(self) -> None:
        """Until clients trade again, and then for a random while."""
        self._answered = 0
        with trio.move_on_after(SETTLE_DEADLINE_S) as waiting:
            while self._answered < LOAD_COMMANDS or self._struck is not None:
                await self._news.wait()
        if waiting.cancelled_caught:
            raise AssertionError(f"{self.title}: clients do not trade again; the log ends with\n{self._logs()}")
        await trio.sleep(self.random.uniform(0, LOAD_MOST_S))

    async def _settle(self) -> None:
        """Every command answered, the game closed, every frame seen, every account asked for."""
        for client in self.clients:
            client.finish()
        with trio.move_on_after(SETTLE_DEADLINE_S):
            for client in self.clients:
                await client.idle.wait()
            await trio.to_thread.run_sync(self._close_game)
            assert await self.recorder.export(), "the whole log could not be had"
            seq = self.recorder.recording.replay().seq
            for client in self.clients:
                client.conclude(seq)
            return
        busy = {c.history.name: (c.unanswered, c.doing) for c in self.clients if not c.idle.is_set()}
        raise AssertionError(
            f"{self.title}: these have unanswered commands: {busy}; {self.recorder}; the log ends with\n{self._logs()}"
        )

    def _close_game(self) -> None:
        """Orders are given back and the house stops: accounts stay as they are from here on."""
        request = Request(
            f"{self.cluster.http()}/v1/games/{GAME}/phase",
            data=b'{"phase":"closed"}',
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def _check(self) -> Summary:
        recording = self.recorder.recording
        truth = recording.replay()
        truth.problems += self._verified(truth)
        truth.problems += self._faults_logged()
        histories = [client.history for client in self.clients]
        assert all(history.account is not None for history in histories)
        snapshots = recording.snapshots.items()
        run = Run(histories, truth, HOST["generation_frames"], self.store_faults > 0, snapshots)
        settled = [{answered.command for answered in h.of(Answered) if answered.settles} for h in histories]
        return Summary(
            title=self.title,
            seed=self.seed,
            kills=self.kills,
            kills_while_starting=self.kills_while_starting,
            store_faults=self.store_faults,
            commands=sum(len(history.commands) for history in histories),
            acknowledged=sum(map(len, settled)),
            unknown=sum(
                command.key is None and number not in known
                for history, known in zip(histories, settled, strict=True)
                for number, command in enumerate(history.commands)
            ),
            unanswered=sum(lost.unanswered for history in histories for lost in history.of(Lost)),
            sent_again=sum(len(h.of(Sent)) - len({sent.command for sent in h.of(Sent)}) for h in histories),
            taken_back=sum(
                joined.after is not None and joined.seq < joined.after for h in histories for joined in h.of(Followed)
            ),
            frames=sum(len(history.of(FrameSeen)) for history in histories),
            entries=len(recording.entries),
            generations=recording.entries[-1].generation,
            unanswered_at_kills=self.unanswered_at_kills,
            start_s=self.cluster.start_s,
            recovery_s=self.recovery_s,
            violations=violations(run),
        )

    def _verified(self, truth: Truth) -> list[str]:
        """What ``tradegame verify`` says of the last export; it must end where the whole log does."""
        report = verify_log(self.recorder.file, lambda done, total: None)
        if report.problem is not None:
            return [f"tradegame verify, line {report.problem.line}: {report.problem.message}"]
        if report.chain != truth.chain:
            return [f"the last export leads to {report.chain}, the whole log to {truth.chain}"]
        return []

    def _faults_logged(self) -> list[str]:
        """No node logged an error: an audit that failed, a game that stopped, a fault with its stack."""
        found = []
        for each in self.nodes:
            for line in each.log.splitlines():
                try:
                    level = json.loads(line).get("level")
                except ValueError:
                    level = "no JSON"
                if level not in ("debug", "info", "warning"):
                    found.append(f"{each.name} logged {line}")
        return found

    def _logs(self) -> str:
        return "\n".join(each.log[-3000:] for each in self.nodes)
