"""Faults: logged with their stack, known to the outside by a short reference only."""

from __future__ import annotations

import secrets
from typing import Any, Protocol


class Logger(Protocol):
    def error(self, event: str, /, **facts: Any) -> Any: ...


def reference() -> str:
    """A short random word that stands in a client's error and in the log beside the stack trace."""
    return secrets.token_hex(4)


def log_fault(logger: Logger, event: str, fault: BaseException, **facts: Any) -> str:
    """Log a fault with its stack trace; returns the reference under which it can be found."""
    found_by = reference()
    logger.error(event, reference=found_by, exc_info=fault, **facts)
    return found_by
