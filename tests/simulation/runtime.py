"""One deterministic trio run: mock clock, scheduling, chance and ids all from one seed; and nodes that can be frozen.

Nothing may differ between two runs of a seed: not in another process, not under another PYTHONHASHSEED. So what trio
leaves to chance is seeded (as Hypothesis' own support for trio does it), ``random`` and ``secrets`` are, and nothing
runs in a thread.
"""

from __future__ import annotations

import gc
import random
import string
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from unittest import mock

import trio
import trio.testing
from trio._core import _run as trio_run

from tests.simulation.network import Network
from tradegame.core.games import service
from tradegame.core.use_cases import sessions
from tradegame.utils import errors, ids
from tradegame.utils.loop_lag import LoopLag

NODE: ContextVar[str] = ContextVar("node")
"""Which node's process the present task belongs to. Not set: nobody's, a client's or the world's own."""


RUNS_WITHOUT_TIME = 20_000
RUNS_AT_MOST = 2_000_000
"""So many steps no seed takes, by far: whoever takes more would go on for ever, whatever the clock says."""


class SeededSecrets:
    """Stands for the module ``secrets``."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def choice(self, items: Any) -> Any:
        return self._random.choice(items)

    def randbits(self, bits: int) -> int:
        return self._random.getrandbits(bits)

    def token_hex(self, size: int) -> str:
        return self._random.randbytes(size).hex()

    def token_urlsafe(self, size: int) -> str:
        return "".join(self._random.choice(string.ascii_letters) for _ in range(size))


class Freezer:
    """Time, the network, and the tasks of stopped processes, which it holds: SIGSTOP and SIGCONT.

    ``on_standstill`` is called when tasks run on and on and no time passes: something waits without waiting.

    A frozen node's tasks are not run, whatever wakes them; its deadlines pass. When it is thawed they all run, and find
    that time has jumped.
    """

    def __init__(self) -> None:
        self.network = Network()
        self._held: dict[str, list[tuple[Any, Any]]] = {}
        self._at, self._runs = -1.0, 0
        self.on_standstill: Callable[[], None] = lambda: None

    def freeze(self, node: str) -> None:
        self._held.setdefault(node, [])

    def thaw(self, node: str) -> None:
        for runner, task in self._held.pop(node, ()):
            runner.runq.append(task)

    def frozen(self, node: str) -> bool:
        return node in self._held

    def jump(self) -> None:
        """Stands for ``MockClock._autojump``: to the next deadline, or to what the network has to deliver first.

        trio calls it when nothing is left to do. The network is thereby no task that has to be woken: it was a quarter
        of a run's time.
        """
        runner = trio_run.GLOBAL_RUN_CONTEXT.runner
        clock: Any = runner.clock
        network = self.network
        time = min(runner.deadlines.next_deadline(), network.next_at())
        if clock._virtual_base < time < float("inf"):
            clock._virtual_base = time
        network.deliver(clock._virtual_base)

    @contextmanager
    def installed(self) -> Iterator[None]:
        reschedule, held = trio_run.Runner.reschedule, self._held

        def hold(runner: Any, task: Any, *outcome: Any) -> None:
            reschedule(runner, task, *outcome)
            self._runs += 1
            if self._runs % RUNS_WITHOUT_TIME == 0:
                if self._at == runner.clock._virtual_base:
                    self.on_standstill()
                self._at = runner.clock._virtual_base
            if self._runs > RUNS_AT_MOST:
                raise RuntimeError(f"no end after {RUNS_AT_MOST} steps, at {runner.clock._virtual_base} s")
            if held and (node := task.context.get(NODE)) in held:
                held[node].append((runner, runner.runq.pop()))

        with mock.patch.object(trio_run.Runner, "reschedule", hold):
            yield


def _now(clock: Any) -> float:
    return float(clock._virtual_base)


async def _not_measured(lag: LoopLag) -> None:
    await trio.sleep_forever()


async def _inline(function: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
    """Stands for ``trio.to_thread.run_sync``."""
    await trio.lowlevel.checkpoint()
    return function(*arguments)


def run(seed: int, main: Callable[[Freezer], Awaitable[None]]) -> None:
    """``trio.run(main)``, the same each time for one seed. The clock begins at 0 s."""
    freezer = Freezer()
    state, collecting = random.getstate(), gc.isenabled()
    gc.disable()  # a sixth of the time, and what it finalizes it would finalize at a moment of its own
    random.seed(f"{seed}/global")
    trio_run._r.seed(f"{seed}/trio")
    secrets = SeededSecrets(f"{seed}/secrets")
    try:
        with (
            mock.patch.object(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", True),
            mock.patch.object(trio.to_thread, "run_sync", _inline),
            mock.patch.object(sessions, "secrets", secrets),
            mock.patch.object(service, "secrets", secrets),
            mock.patch.object(ids, "secrets", secrets),
            mock.patch.object(errors, "secrets", secrets),
            # Time passes only while nothing is ready to run, so there is no lag to measure.
            mock.patch.object(LoopLag, "run", _not_measured),
            mock.patch.object(trio.testing.MockClock, "_autojump", freezer.jump),
            mock.patch.object(trio.testing.MockClock, "current_time", _now),
            freezer.installed(),
        ):
            trio.run(main, freezer, clock=trio.testing.MockClock(autojump_threshold=0), strict_exception_groups=True)
    finally:
        random.setstate(state)
        if collecting:
            gc.enable()
