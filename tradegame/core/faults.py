"""What went wrong inside, as the protocol says it: the one place where a store's fault becomes an answer."""

from __future__ import annotations

import structlog
import trio

from tradegame.core.repositories import StoreFullError, StoreRefusedError, StoreUnavailableError
from tradegame.protocol.errors import (
    CommandTimeoutError,
    InternalError,
    OverloadedError,
    TradeGameError,
    UnavailableError,
)
from tradegame.protocol.reasons import why
from tradegame.utils.errors import log_fault

FULL_WAIT_MS = 5_000
"""A store has room again only after somebody has made some."""


def store_fault(fault: StoreUnavailableError) -> TradeGameError:
    """The answer to whoever waits for a read or write that the store did not do."""
    match fault:
        case StoreFullError():
            return OverloadedError(why("store_full"), retry_after_ms=FULL_WAIT_MS)
        case StoreRefusedError():  # requests are bounded: it is the store that has too little room for this one
            return OverloadedError("the store does not take this", retry_after_ms=FULL_WAIT_MS)
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
            reference = log_fault(structlog.get_logger(), event, fault, **facts)
            return InternalError(why("internal_error", reference=reference))
