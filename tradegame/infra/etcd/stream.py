"""One stream of watch responses from one member, read in a thread and checked for silence."""

from __future__ import annotations

import queue
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

import grpc
import trio
from attrs import define, field

from tradegame.core.repositories.errors import StoreError, StoreUnavailableError
from tradegame.infra.etcd.errors import ClosedError, translate
from tradegame.infra.etcd.handoff import Handoff
from tradegame.infra.etcd.liveness import Pulse
from tradegame.infra.etcd.member import Member
from tradegame.infra.etcd.messages import PROGRESS_REQUEST
from tradegame.infra.etcd.unary import Metadata

IDLE_S = 2.0
"""After this long without a response, etcd is asked for progress."""
SILENT_S = 2.0
"""After this long without an answer to that, or to the opening, the stream is given up."""
_LOOK_S = 0.5

Deliver = Callable[[Sequence[Any]], Awaitable[None]]


@define(eq=False)
class WatchStream:
    """Open it with ``open``, then call ``read`` once, which also closes it."""

    _member: Member
    _call: Any
    _requests: queue.SimpleQueue[Any]
    _pulse: Pulse
    _silent: bool = field(default=False)

    @classmethod
    def open(cls, member: Member, request: Any, metadata: Metadata, pulse: Pulse) -> WatchStream:
        """Raises StoreUnavailableError if the client is closed."""
        # gRPC's own thread takes requests from here; None ends it.
        requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        requests.put(request)
        try:
            call = member.watch(iter(requests.get, None), metadata=metadata)
        except ValueError as error:
            requests.put(None)
            raise ClosedError from error
        return cls(member, call, requests, pulse)

    async def read(self, deliver: Deliver) -> NoReturn:
        """Pass all responses to ``deliver``, in order, a few at a time, until the stream ends.

        Always ends with a StoreError: the one that ``deliver`` raised, or that the stream broke or was silent.
        """
        responses: Handoff[Any] = Handoff()
        failure: list[StoreError] = []

        async def pump() -> None:
            failure.append(await self._pump(responses))

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pump)
                nursery.start_soon(self._check)
                try:
                    while taken := await responses.take():
                        await deliver(taken)
                except StoreError as error:
                    failure.append(error)
                finally:
                    # Also when cancelled: these two end the thread.
                    self._call.cancel()
                    responses.close()
                nursery.cancel_scope.cancel()
        finally:
            self._requests.put(None)
        raise failure[0]

    async def _pump(self, responses: Handoff[Any]) -> StoreError:
        """Read until the stream ends. Returns why it ended."""

        def pump() -> None:
            for response in self._call:
                # It waits here as long as the reader takes; gRPC's flow control does the rest.
                if not responses.put(response):
                    return

        try:
            # its own limiter: watches must not use up the threads that everything else shares
            await trio.to_thread.run_sync(pump, limiter=trio.CapacityLimiter(1))
        except grpc.RpcError as error:
            if not self._silent:
                return translate(error, self._member.address, write=False)
        finally:
            responses.close()
        message = "a watch is silent" if self._silent else "the stream of a watch was closed"
        return StoreUnavailableError(f"etcd at {self._member.address}: {message}", definite=True)

    async def _check(self) -> None:
        """Ask for progress if the stream is silent, and end it if it stays silent."""
        asked_at: float | None = trio.current_time()  # opening it asks for an answer, too
        while not self._silent:
            await trio.sleep(_LOOK_S)
            now = trio.current_time()
            if self._pulse.busy or (asked_at is not None and self._pulse.heard_at >= asked_at):
                asked_at = None
            elif asked_at is None and now - self._pulse.heard_at >= IDLE_S:
                self._requests.put(PROGRESS_REQUEST)
                asked_at = now
            elif asked_at is not None and now - asked_at >= SILENT_S:
                self._silent = True
        self._call.cancel()
