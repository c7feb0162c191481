"""The server as a process: signals, the bots that play along, what the system lets it have."""

from __future__ import annotations

import faulthandler
import json
import signal
import sys
from functools import partial

import segno
import structlog
import trio

import tradegame
from tradegame.app.lifetimes import serve
from tradegame.app.running import Running
from tradegame.core.repositories import StoreError
from tradegame.infra.config import Settings
from tradegame.infra.store_url import parse_store_url
from tradegame.utils.boot_clock import BootClock


def run(settings: Settings, *, bots: int = 0) -> None:
    """Serve in the foreground until SIGINT or SIGTERM; the second one ends it at once.

    One that comes before anything is served ends it at once, with the exit code 128 and the signal's number.
    ``bots``: so many bots play along in the first game, in a process of their own. Raises what ``serve`` raises.
    Should Python itself crash, the stacks of all threads are the last lines on stderr.
    """
    if sys.__stderr__ is not None and not faulthandler.is_enabled():
        faulthandler.enable(sys.__stderr__)
    _raise_file_limit()
    failure: BaseException | None = None
    try:
        ended_by = trio.run(partial(_run, settings, bots), clock=BootClock())
        if ended_by is not None:
            failure = SystemExit(128 + ended_by)
    except* (OSError, StoreError) as errors:
        failure = _first(errors)
    except* KeyboardInterrupt:
        pass
    if failure is not None:  # not raised inside except*, which before Python 3.11.4 would wrap it in a group again
        try:
            raise failure
        finally:
            del failure


async def _run(settings: Settings, bots: int) -> int | None:
    """Returns the signal that ended it before it served, or None."""
    ended_by: int | None = None
    running: Running | None = None
    # Before anything else: opening the store and reading its games may take long.
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def heed() -> None:
                nonlocal ended_by
                async for number in signals:
                    if running is None:
                        structlog.get_logger().info("ended_before_it_served", signal=signal.Signals(number).name)
                        ended_by = number
                        nursery.cancel_scope.cancel()
                    else:
                        running.stop()
                        break
                async for _ in signals:
                    nursery.cancel_scope.cancel()

            nursery.start_soon(heed)
            running = await nursery.start(partial(_serve_then_cancel, settings, nursery.cancel_scope))
            say = partial(_say, settings.log.format)
            say(f"tradegame {tradegame.__version__} serves {running.websocket_url} and {running.http_url}")
            if running.host_token:
                say(f"host it at {running.host_url}")
            if running.players_url and (settings.server.advertise or not settings.server.proxies):
                say(f"others play at {running.players_url}")
                if sys.stdout.isatty() and settings.log.format != "json":
                    segno.make_qr(running.players_url, error="l").terminal(compact=True)
            if bots and settings.games:
                nursery.start_soon(_play_along, running, settings, bots)
    return ended_by


def _say(log_format: str, text: str) -> None:
    """On stdout, which whoever keeps the log often keeps with it: so as an object of JSON if the log is JSON.

    Not through the log, which has no secrets: the host's link has the token in it.
    """
    line = json.dumps({"event": text, "level": "info"}) if log_format == "json" else text
    print(f"{line}\n", end="", flush=True)  # in one write: a line of the log could come before the line's end


async def _serve_then_cancel(
    settings: Settings, scope: trio.CancelScope, *, task_status: trio.TaskStatus[Running]
) -> None:
    await serve(settings, own_process=True, task_status=task_status)
    scope.cancel()


async def _play_along(running: Running, settings: Settings, bots: int) -> None:
    """Let bots play in the first game. They are clients like any others: over the socket, from their own process.

    Beside an embedded store, ``PATH.bots`` keeps who they are: started again, they are the same players.
    """
    if running.secure:
        structlog.get_logger().warning("no_bots", reason="over TLS, start them yourself: tradegame bots --url wss://…")
        return
    options = ["--url", running.websocket_url, "--game", settings.games[0].id, "--count", str(bots), "--no-live"]
    options += ["--log-format", settings.log.format]
    if path := parse_store_url(settings.store.url).path:
        options += ["--keep", f"{path}.bots"]
    command = [sys.executable, "-m", "tradegame", "bots", *options]
    result = await trio.run_process(command, check=False)
    if result.returncode not in (0, -signal.SIGINT, -signal.SIGTERM):
        structlog.get_logger().warning("bots_ended", exit_code=result.returncode)


def _raise_file_limit() -> None:
    """As many sockets as the system lets this process have."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _first(errors: BaseExceptionGroup[Exception]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
