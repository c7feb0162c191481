"""A server for end-to-end tests: the real one, on a free port, in a thread of this process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any

import attrs
import trio

from tradegame.app import Running, serve, wall_clock_ms
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.games.settings import HostSettings
from tradegame.infra.config import load_settings

ADMIN_TOKEN = "the-hosts-own-token"

BAZAAR: dict[str, Any] = {
    "id": "bazaar",
    "title": "The bazaar",
    "cash": 10_000,
    "open_orders": 5,
    "goods": {
        "grain": {
            "house": {
                "anchor": 22,
                "spread": 2,
                "step": 1,
                "levels": 5,
                "size": 20,
                "stock": 1_000,
                "cash": 100_000,
                "target": 1_000,
                "slope": 1,
                "tick_s": 2,
                "drift_bps": 50,
            }
        },
        "wood": {"endowment": 10},
    },
}


class ServerThread:
    """``with ServerThread("memory:") as server:`` a node that serves until the block ends.

    ``flags`` are configuration as the command line gives it: ``{"limits.burst": 5}``. ``definitions``: games instead
    of ``games``, whose ranges nobody checks.
    """

    def __init__(
        self,
        store: str,
        *,
        games: list[dict[str, Any]] | None = None,
        definitions: Sequence[GameDefinition] = (),
        flags: dict[str, Any] | None = None,
        host_settings: HostSettings | None = None,
        now_ms: Any = wall_clock_ms,
        instruments: Sequence[trio.abc.Instrument] = (),
        own_process: bool = False,
    ) -> None:
        settings = {
            "store.url": store,
            "server.port": 0,
            "admin.token": ADMIN_TOKEN,
            "limits.commands_per_s": 10_000,
            "limits.burst": 10_000,
            "server.shutdown_grace_s": 2,
            "games": games if games is not None else [BAZAAR],
        }
        self._settings = load_settings(None, {}, {**settings, **(flags or {})})
        if definitions:
            self._settings = attrs.evolve(self._settings, games=tuple(definitions))
        self._host_settings = host_settings
        self._now_ms = now_ms
        self._instruments = instruments
        self._own_process = own_process
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="server")
        self._failure: BaseException | None = None
        self.running: Running

    @property
    def url(self) -> str:
        return self.running.websocket_url

    @property
    def http(self) -> str:
        return self.running.http_url.rstrip("/")

    def __enter__(self) -> ServerThread:
        self._thread.start()
        assert self._started.wait(20), "the server did not start"
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """An orderly end; raises what the server ended with."""
        if self._thread.is_alive():
            with contextlib.suppress(trio.RunFinishedError):  # it ended by itself: the failure below says why
                self._token.run_sync_soon(self.running.stop)
            self._thread.join(20)
            assert not self._thread.is_alive(), "the server did not stop"
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            trio.run(self._main, instruments=self._instruments)
        except BaseException as failure:  # noqa: BLE001 - raised again in the test's thread
            self._failure = failure
        finally:
            self._started.set()

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        async with trio.open_nursery() as nursery:
            self.running = await nursery.start(
                partial(
                    serve,
                    self._settings,
                    now_ms=self._now_ms,
                    host_settings=self._host_settings,
                    own_process=self._own_process,
                )
            )
            self._started.set()
