"""One gRPC call as one trio wait, without a thread of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import trio

Metadata = Sequence[tuple[str, str]]


async def call_unary(method: Any, request: Any, timeout_s: float, metadata: Metadata) -> Any:
    """Call and wait for the answer, at most ``timeout_s``, which gRPC itself enforces.

    Raises grpc.RpcError; ValueError if the channel is closed. Cancelling it cancels the call, whose effect on the
    server is then unknown.
    """
    await trio.lowlevel.checkpoint_if_cancelled()
    token = trio.lowlevel.current_trio_token()
    task = trio.lowlevel.current_task()
    waiting = True

    def wake() -> None:
        # In the trio thread, where an exception would end the whole run. A task must be woken only once, and not after
        # a cancellation.
        nonlocal waiting
        if waiting:
            waiting = False
            trio.lowlevel.reschedule(task)

    def done(_: Any) -> None:
        # In gRPC's thread. If the trio run is over, nobody waits.
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(wake)

    def abort(_: Any) -> trio.lowlevel.Abort:
        nonlocal waiting
        waiting = False
        future.cancel()
        return trio.lowlevel.Abort.SUCCEEDED

    future = method.future(request, timeout=timeout_s, metadata=metadata)
    future.add_done_callback(done)
    await trio.lowlevel.wait_task_rescheduled(abort)
    return future.result()
