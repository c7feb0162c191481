"""The one thread that waits for the disk."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import structlog
import trio
from attrs import define, field

log = structlog.get_logger(__name__)

# How late a lease may end, in s. etcd looks as often. https://etcd.io/docs/v3.5/learning/api/#lease-api
_LEASE_TICK_S = 0.5


@define(eq=False)
class Committer:
    """Runs one piece of blocking work at a time in its thread, and reports to trio when it is done.

    The result of the work is passed to ``done``, in trio; if the work raises, the thread ends and ``broken`` is called.
    At least every half second the thread asks ``due``; if that returns true, ``on_due`` runs in trio. What runs in trio
    must not raise: that would end the trio run.
    """

    _done: Callable[[Any], None]
    _broken: Callable[[Exception], None]
    _due: Callable[[], bool]
    _on_due: Callable[[], None]
    _token: trio.lowlevel.TrioToken = field(factory=trio.lowlevel.current_trio_token)
    # It never holds more than one piece of work and the end (None).
    _orders: queue.SimpleQueue[Callable[[], object] | None] = field(factory=queue.SimpleQueue)
    _thread: threading.Thread = field(init=False)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="tradegame-store", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], object]) -> None:
        """Begin the work. No other may be under way."""
        self._orders.put(work)

    def stop(self) -> None:
        """Ask the thread to end after the current work."""
        self._orders.put(None)

    def join(self) -> None:
        """Block until the thread has ended."""
        self._thread.join()

    def _work(self) -> None:
        try:
            try:
                self._work_on()
            except trio.RunFinishedError:
                raise
            except Exception as error:  # noqa: BLE001 - handed on to the store, which logs it
                self._token.run_sync_soon(self._broken, error)
        except trio.RunFinishedError:
            log.warning("store_thread_outlived_its_run")

    def _work_on(self) -> None:
        while True:
            # Asked before every wait, not only after a timeout: the queue of a busy store never times out.
            if self._due():
                self._token.run_sync_soon(self._on_due, idempotent=True)
            try:
                work = self._orders.get(timeout=_LEASE_TICK_S)
            except queue.Empty:
                continue
            if work is None:
                return
            self._token.run_sync_soon(self._done, work())
