"""One stream of watch responses from one member, read in a thread, checked for silence."""

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
from tradegame.infra.etcd.health import Pulse
from tradegame.infra.etcd.member import Member
from tradegame.infra.etcd.messages import PROGRESS_REQUEST
from tradegame.infra.etcd.unary import Metadata

IDLE_S = 2.0
"""After this long without a word, etcd is asked for a sign of life."""
SILENT_S = 2.0
"""And after this long without an answer to that, or to the opening, the stream is given up."""
_LOOK_S = 0.5

Deliver = Callable[[Sequence[Any]], Awaitable[None]]


@define(eq=False)
class WatchStream:
    """Opened by ``open``, then ``read`` once, which also ends it."""

    _member: Member
    _call: Any
    _requests: queue.SimpleQueue[Any]
    _pulse: Pulse
    _silent: bool = field(default=False)

    @classmethod
    def open(cls, member: Member, request: Any, metadata: Metadata, pulse: Pulse) -> WatchStream:
        """Raises StoreUnavailableError when the client is closed."""
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
        """Give all responses to ``deliver``, in order, as many at a time as there are, until the stream ends.

        It always ends with a StoreError: the one that ``deliver`` raised, or that the stream broke or was silent.
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
                    # Here too when cancelled: these two are what ends the thread.
                    self._call.cancel()
                    responses.close()
                nursery.cancel_scope.cancel()
        finally:
            self._requests.put(None)
        raise failure[0]

    async def _pump(self, responses: Handoff[Any]) -> StoreError:
        """Read until the stream ends; why it did."""

        def pump() -> None:
            for response in self._call:
                # It waits here for as long as the reader takes: gRPC's flow control does the rest.
                if not responses.put(response):
                    return

        try:
            # a limiter of its own: watches must not use up the threads that everything else shares
            await trio.to_thread.run_sync(pump, limiter=trio.CapacityLimiter(1))
        except grpc.RpcError as error:
            if not self._silent:
                return translate(error, self._member.address, write=False)
        finally:
            responses.close()
        message = "a watch is silent" if self._silent else "the stream of a watch was closed"
        return StoreUnavailableError(f"etcd at {self._member.address}: {message}", definite=True)

    async def _check(self) -> None:
        """Ask for a sign of life where none comes, and end the stream when there is still none."""
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
