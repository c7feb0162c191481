"""What went wrong inside, as the protocol says it: the one place where a store's fault becomes an answer."""

from __future__ import annotations

import structlog
import trio

from tradegame.core.repositories import StoreFullError, StoreRefusedError, StoreUnavailableError
from tradegame.protocol.errors import (
    BadRequestError,
    CommandTimeoutError,
    InternalError,
    OverloadedError,
    TradeGameError,
    UnavailableError,
)
from tradegame.utils.errors import log_fault

FULL_WAIT_MS = 5_000


def store_fault(fault: StoreUnavailableError) -> TradeGameError:
    """What a write or read that the store did not do is answered with."""
    match fault:
        case StoreFullError():
            return OverloadedError("the store is full", retry_after_ms=FULL_WAIT_MS)
        case StoreRefusedError():
            return BadRequestError("the store does not take this: it is too large")
        case _:
            return UnavailableError("the store did not answer in time")


def answer_to(fault: BaseException, event: str, **facts: object) -> TradeGameError:
    """The error to answer with. What nobody foresaw is logged as ``event`` with these facts."""
    match fault:
        case TradeGameError():
            return fault
        case StoreUnavailableError():
            return store_fault(fault)
        case trio.TooSlowError():
            return CommandTimeoutError("the command took too long")
        case _:
            return InternalError.of(log_fault(structlog.get_logger(), event, fault, **facts))
