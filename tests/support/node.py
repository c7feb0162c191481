"""The process behind ``tests.support.process``: ``python -m tests.support.node ORDER`` serves until SIGTERM.

ORDER is JSON: ``flags`` as the command line gives them, and ``host``, the fields of HostSettings, which nobody but
a test has a reason to set. ``clock_offset_s``: so far ahead is its clock. ``next_version``: see
tests.support.next_version. One line of JSON on stdout says where it serves; stderr is the log, JSON too.

Where the environment names a file by ``VIOLATIONS``, frames that are not as published are written there, one a line.

``GET /test/replicas/{game}`` tells where this node's own replica is, and its hash: what no user has a use for.
``GET /test/holds`` tells the longest that its loop was held since it was asked last, in ms of CPU, and by what; only
where ``holds`` is true.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import trio
from attrs import define, field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import tradegame.app.node
from tests.support import next_version
from tests.support.loop_holds import LoopHolds, slowness
from tradegame.app import Running, serve, wall_clock_ms
from tradegame.controller.http.routes import HttpServices, build_app
from tradegame.core.domain import snapshot
from tradegame.core.games.settings import HostSettings
from tradegame.infra.config import load_settings
from tradegame.utils.boot_clock import BootClock
from tradegame.utils.logging import configure_logging

VIOLATIONS = "TRADEGAME_TEST_VIOLATIONS"


@define(eq=False)
class Holds(LoopHolds):
    """``long``: when it was held longer than a bound, on the machine that bounds are given for: from and until, in ns
    of `time.perf_counter_ns`, for how long, in ms, and by what.

    It says of such a stretch what the time was, too: the kernel's, with how many page faults, or the collector's. When
    another virtual machine has the processor, the thread's clock goes on: what was stolen during a long stretch,
    or in the ``STOLEN_NS`` before it, is not counted, and ``stolen_ms`` is the sum.
    """

    slowness: float = 1.0
    long: list[tuple[int, int, float, str]] = field(factory=list)
    stolen_ms: float = 0.0
    _usage: resource.struct_rusage = field(factory=lambda: resource.getrusage(resource.RUSAGE_THREAD), init=False)
    _stolen_before_ms: float = field(default=0.0, init=False)
    _stolen_looked: int = field(default=0, init=False)
    _began: int = field(default=0, init=False)
    _collected_ms: float = field(default=0.0, init=False)
    _collecting: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        gc.callbacks.append(self._collected)

    def reset(self) -> None:
        super().reset()
        self.long, self.stolen_ms = [], 0.0

    def after_io_wait(self, timeout: float) -> None:
        super().after_io_wait(timeout)
        if self._looked - self._stolen_looked > STOLEN_NS:
            self._look_for_stolen()
        self._begin()

    def _look_for_stolen(self) -> float:
        """What was stolen since the last such look."""
        before, self._stolen_before_ms = self._stolen_before_ms, _stolen_ms()
        self._stolen_looked = self._looked
        return self._stolen_before_ms - before

    def _own(self, held_ms: float) -> float:
        if held_ms <= LONG_MS * self.slowness:
            return held_ms
        stolen_ms = min(self._look_for_stolen(), held_ms)
        self.stolen_ms += stolen_ms
        return held_ms - stolen_ms

    def _begin(self) -> None:
        self._usage, self._collected_ms = resource.getrusage(resource.RUSAGE_THREAD), 0.0
        self._began = time.perf_counter_ns()

    def _collected(self, phase: str, _: object) -> None:
        if phase == "start":
            self._collecting = time.perf_counter()
        else:
            self._collected_ms += 1_000 * (time.perf_counter() - self._collecting)

    def _mark(self, where: str) -> float:
        held_ms = super()._mark(where)
        if held_ms > LONG_MS * self.slowness and len(self.long) < MOST_LONG:
            before, now = self._usage, resource.getrusage(resource.RUSAGE_THREAD)
            by = (
                f"{where}, {1_000 * (now.ru_stime - before.ru_stime):.0f} ms in the kernel, "
                f"{now.ru_minflt - before.ru_minflt} page faults, {self._collected_ms:.0f} ms of collecting"
            )
            self.long.append((self._began, time.perf_counter_ns(), held_ms / self.slowness, by))
        self._begin()
        return held_ms


def _sqlite_bytes() -> int:
    """What SQLite has allocated, https://www.sqlite.org/c3ref/memory_highwater.html; 0 where it cannot be asked."""
    try:
        used = ctypes.CDLL("libsqlite3.so.0").sqlite3_memory_used
    except (OSError, AttributeError):
        return 0
    used.restype = ctypes.c_int64
    return int(used())


_MALLINFO = ["arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"]


class _Mallinfo2(ctypes.Structure):
    """https://man7.org/linux/man-pages/man3/mallinfo.3.html"""

    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO]


def _freed_bytes() -> int:
    """What malloc keeps of what was freed; 0 where it cannot be asked."""
    try:
        mallinfo2 = ctypes.CDLL("libc.so.6").mallinfo2
    except (OSError, AttributeError):
        return 0
    mallinfo2.restype = _Mallinfo2
    return int(mallinfo2().fordblks)


def _stolen_ms() -> float:
    """For how long both processors were kept by other virtual machines."""
    with Path("/proc/stat").open() as file:
        return float(file.readline().split()[8]) * 1_000 / os.sysconf("SC_CLK_TCK")


LONG_MS, MOST_LONG = 10.0, 1_000
STOLEN_NS = 50_000_000
HOLDS = Holds()


def main() -> None:
    faulthandler.enable()
    order = json.loads(sys.argv[1])
    settings = load_settings(None, {}, order["flags"])
    configure_logging(settings.log.level, "json")
    tradegame.app.node.build_app = _with_replicas  # type: ignore[attr-defined]
    if os.environ.get(VIOLATIONS):
        _record(Path(os.environ[VIOLATIONS]))
    if order["next_version"]:
        next_version.pretend()

    def now_ms() -> int:
        return wall_clock_ms() + int(order["clock_offset_s"] * 1000)

    async def run() -> None:
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:

                async def serve_to_the_end(*, task_status: trio.TaskStatus[Running]) -> None:
                    host_settings = HostSettings(**order["host"])
                    await serve(
                        settings,
                        now_ms=now_ms,
                        host_settings=host_settings,
                        own_process=True,
                        task_status=task_status,
                    )
                    nursery.cancel_scope.cancel()

                running = await nursery.start(serve_to_the_end)
                place = {"node": running.node, "url": running.websocket_url, "http": running.http_url.rstrip("/")}
                print(json.dumps(place), flush=True)
                async for _ in signals:
                    running.stop()

    if order.get("holds"):
        HOLDS.slowness = slowness()
    trio.run(run, clock=BootClock(), instruments=[HOLDS] if order.get("holds") else [])


def _record(file: Path) -> None:
    from tests.support.frame_recorder import FrameRecorder

    def report(violation: str) -> None:
        with file.open("a") as lines:
            lines.write(violation + "\n")

    FrameRecorder(report).install()


def _with_replicas(services: HttpServices) -> Starlette:
    async def replica(request: Request) -> JSONResponse:
        host = services.games.hosts.get(request.path_params["game"])
        if host is None:
            return JSONResponse({}, 404)
        state = host.game.state
        return JSONResponse({"seq": state.seq, "chain": state.chain, "digest": snapshot.state_hash(host.game)})

    async def holds(request: Request) -> JSONResponse:
        told = {
            "longest_ms": HOLDS.longest_ms / HOLDS.slowness,
            "where": HOLDS.where,
            "long": HOLDS.long,
            "stolen_ms": HOLDS.stolen_ms,
            "sqlite_bytes": _sqlite_bytes(),
            "freed_bytes": _freed_bytes(),
        }
        HOLDS.reset()
        return JSONResponse(told)

    app = build_app(services)
    app.router.routes.append(Route("/test/replicas/{game}", replica))
    app.router.routes.append(Route("/test/holds", holds))
    return app


if __name__ == "__main__":
    main()
