"""Builds the cluster, runs it, and takes it apart, however it ends."""

from __future__ import annotations

import math
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import trio
from attrs import define, field

from tradegame.cluster.log import Log
from tradegame.cluster.options import ClusterOptions
from tradegame.cluster.processes.child import Shared
from tradegame.cluster.processes.gauges import Gauges
from tradegame.cluster.processes.reaper import Reaper, open_reaper
from tradegame.cluster.processes.stage import ClusterError, Stage
from tradegame.cluster.screen.keyboard import has_keyboard
from tradegame.cluster.screen.observer import Observer
from tradegame.cluster.screen.show import print_line, save_picture, show_lines, show_screen
from tradegame.cluster.witness.traffic import Traffic

FAVOURITE_GAME = "bazaar"
JOIN_DEADLINE_S = 60.0
SETTLE_S = 20.0
SETTLE_IN_A_HURRY_S = 2.0
END_DEADLINE_S = 20.0
NOT_EVEN_UP = 130
"""The exit code of a shell for Ctrl-C: nothing was found wrong, but nothing was checked."""

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


async def run_cluster(options: ClusterOptions) -> int:
    """Run until a key, a signal, a plan or ``seconds`` ends it; then no process of it is left.

    Returns the exit code: 0; 1 if anything was lost or doubled, a process ended by itself, or nothing could be checked
    in all the ``seconds``; 130 if it was stopped before it was up. A second signal skips the orderly shutdown. Must run
    in the main thread. Raises ClusterError, EtcdMissing, NoPorts and OSError.
    """
    run = _Run(options, _choose_game(options))
    with trio.open_signal_receiver(*SIGNALS) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.heed, signals)
            async with open_reaper() as reaper:
                with _directory(options, reaper) as directory:
                    await run.perform(directory, reaper)
                    if options.keep or options.directory is not None:
                        run.said.append(f"data and logs are in {directory}")
            nursery.cancel_scope.cancel()
    for line in run.said:
        print(line, flush=True)
    return run.exit_code


@define(eq=False)
class _Run:
    options: ClusterOptions
    game: str
    said: list[str] = field(factory=list, init=False)
    exit_code: int = field(default=0, init=False)
    _log: Log = field(factory=Log, init=False)
    _over: trio.Event = field(factory=trio.Event, init=False)
    _interrupted: bool = field(default=False, init=False)
    _planned: bool = field(default=False, init=False)
    _unanswered: int = field(default=0, init=False)
    _ending: trio.CancelScope = field(factory=lambda: trio.CancelScope(shield=True), init=False)

    async def heed(self, signals: AsyncIterator[int]) -> None:
        async for _ in signals:
            if self._interrupted:
                self._ending.cancel()
            self._interrupted = True
            self._over.set()

    async def perform(self, directory: Path, reaper: Reaper) -> None:
        """Everything between the first process and the last."""
        async with trio.open_nursery() as processes:
            stage = Stage(self.options, Shared(directory, self._log, reaper), processes)
            gauges = Gauges(stage.nodes, stage.members, self._log)
            stage.leader = gauges.leader
            traffic = Traffic(self.options.clients, self.options.rate, self._log)
            observer = Observer(self.options, stage, gauges, traffic, self._log)
            try:
                async with trio.open_nursery() as around:
                    around.start_soon(gauges.run)
                    await self._show(observer, around)
                    await self._play(observer, around)
                    around.cancel_scope.cancel()
            finally:
                self._ending.deadline = trio.current_time() + END_DEADLINE_S
                with self._ending:
                    await stage.end()
                processes.cancel_scope.cancel()
        self._sum_up(observer)

    async def _show(self, observer: Observer, around: trio.Nursery) -> None:
        if self.options.plain or not has_keyboard():
            self._log.listener = print_line
            around.start_soon(show_lines, observer, self._log)
        else:
            around.start_soon(show_screen, observer, self._over, around)

    async def _play(self, observer: Observer, around: trio.Nursery) -> None:
        with trio.CancelScope() as starting:
            around.start_soon(self._end_start, starting)
            await self._start(observer, around)
        if observer.began is None:
            return
        around.start_soon(self._follow_plan, observer.stage)
        seconds = self.options.seconds if self.options.seconds is not None else math.inf
        with trio.move_on_at(observer.began + seconds):
            await self._over.wait()
        if self.options.picture is not None:
            save_picture(observer.view(), self.options.picture)
        self._log.add("cluster", "ending")
        # Ctrl-C means now: what was acknowledged a moment ago may then stay unchecked.
        patient = self._planned or not self._over.is_set()
        await observer.traffic.finish(SETTLE_S if patient else SETTLE_IN_A_HURRY_S, patient=patient)
        self._unanswered = observer.traffic.unanswered  # before the witnesses are gone

    async def _end_start(self, starting: trio.CancelScope) -> None:
        await self._over.wait()
        starting.cancel()

    async def _start(self, observer: Observer, around: trio.Nursery) -> None:
        stage = observer.stage
        await stage.start()
        observer.game = self.game
        await stage.start_bots(self.game)
        around.start_soon(observer.traffic.run, stage.urls, self.game)
        with trio.move_on_after(JOIN_DEADLINE_S) as waiting:
            await observer.traffic.until_all_play()
        if waiting.cancelled_caught:
            raise ClusterError(f"the clients have not joined {self.game} after {JOIN_DEADLINE_S:g} s")
        stage.check()
        observer.began = trio.current_time()
        self._log.up()
        self._log.add("cluster", f"up: {len(stage.nodes)} nodes, {len(stage.members)} members")

    async def _follow_plan(self, stage: Stage) -> None:
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for step in self.options.plan:
                await trio.sleep_until(began + step.at)
                self._log.add("plan", str(step))
                if step.action == "quit":
                    self._planned = True
                    self._over.set()
                else:
                    nursery.start_soon(stage.do, step)

    def _sum_up(self, observer: Observer) -> None:
        traffic, ledger, tape = observer.traffic, observer.traffic.ledger, observer.traffic.tape
        if observer.began is None:
            self.said.append("stopped before it was up: nothing was checked")
            self.exit_code = NOT_EVEN_UP
            return
        crashed = [child.name for child in observer.stage.children if child.ended_by_itself]
        self.said += [
            f"{traffic.acknowledged:,} commands acknowledged, {self._unanswered} unanswered at the end; "
            f"{traffic.failovers} failovers, longest wait {traffic.timings.longest:.2f} s",
            f"{traffic.checked:,} effects checked, {ledger.unchecked:,} could not be; "
            f"{tape.frames:,} frames, compared {tape.compared:,} times",
        ]
        self.said.append(f"lost: {ledger.lost}, doubled: {ledger.doubled}")
        self.said += ledger.findings
        if crashed:
            self.said.append(f"ended by themselves: {', '.join(crashed)}")
        nothing = not traffic.checked and self.options.seconds is not None and bool(self.options.clients)
        if nothing:
            self.said.append("nothing could be checked")
        self.exit_code = int(traffic.wrong or bool(crashed) or nothing)


def _choose_game(options: ClusterOptions) -> str:
    """Raises ClusterError."""
    games, asked = options.games, options.game
    if asked is not None and asked not in games:
        raise ClusterError(f"there is no game {asked!r}; there are {', '.join(games) or 'none'}")
    if not games:
        raise ClusterError("the configuration has no game")
    return asked or (FAVOURITE_GAME if FAVOURITE_GAME in games else games[0])


@contextmanager
def _directory(options: ClusterOptions, reaper: Reaper) -> Iterator[Path]:
    """The directory for all files; deleted afterwards if it is temporary and not to be kept."""
    if options.directory is not None:
        options.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(options.directory.iterdir()):
            # The members of an earlier run know each other by ports that have changed.
            raise ClusterError(f"{options.directory} is not empty")
        yield options.directory.resolve()
        return
    directory = Path(tempfile.mkdtemp(prefix="tradegame-cluster-"))
    if options.keep:
        yield directory
        return
    reaper.add_directory(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            reaper.forget_directory(directory)
