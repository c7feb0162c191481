"""The one thread that waits for the disk."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import structlog
import trio
from attrs import define, field

log = structlog.get_logger(__name__)

# How late a lease may end, in s. etcd looks as often. https://etcd.io/docs/v3.5/learning/api/#lease-api
_LEASE_TICK_S = 0.5


@define(eq=False)
class Committer:
    """Runs one blocking commit at a time in its thread, and tells trio when it is done.

    ``commit`` runs in the thread; what it returns is handed to the callback of `start`, in trio. In
    between, at least every half second, ``due`` is asked, in the thread; ``on_due`` then runs in trio.
    The callbacks must not raise: that would kill the trio run.
    """

    _commit: Callable[[], object]
    _done: Callable[[object], None]
    _due: Callable[[], bool]
    _on_due: Callable[[], None]
    _token: trio.lowlevel.TrioToken = field(factory=trio.lowlevel.current_trio_token)
    # At most one commit and the end are ever in it.
    _orders: queue.SimpleQueue[bool] = field(factory=queue.SimpleQueue)
    _thread: threading.Thread = field(init=False)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="tradegame-store", daemon=True)
        self._thread.start()

    def commit(self) -> None:
        """Begin a commit. None may be under way."""
        self._orders.put(True)

    def stop(self) -> None:
        """Ask the thread to end after what is under way."""
        self._orders.put(False)

    def join(self) -> None:
        """Wait for the thread's end; blocks."""
        self._thread.join()

    def _work(self) -> None:
        try:
            while True:
                # Asked before every wait, not only after one that timed out: a busy store's never does.
                if self._due():
                    self._token.run_sync_soon(self._on_due, idempotent=True)
                try:
                    go_on = self._orders.get(timeout=_LEASE_TICK_S)
                except queue.Empty:
                    continue
                if not go_on:
                    return
                self._token.run_sync_soon(self._done, self._commit())
        except trio.RunFinishedError:
            log.warning("store_thread_outlived_its_run")
