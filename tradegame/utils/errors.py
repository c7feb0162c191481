"""Faults: logged with their stack trace; clients get only a short reference."""

from __future__ import annotations

import secrets
from typing import Any, Protocol


class Logger(Protocol):
    def error(self, event: str, /, **facts: Any) -> Any: ...


def reference() -> str:
    """A short random word that appears in a client's error, and in the log beside the stack trace."""
    return secrets.token_hex(4)


def log_fault(logger: Logger, event: str, fault: BaseException, **facts: Any) -> str:
    """Log a fault with its stack trace, and its root cause in ``error``. Returns the reference to find it by."""
    found_by = reference()
    logger.error(event, reference=found_by, error=repr(innermost(fault)), exc_info=fault, **facts)
    return found_by


def innermost(fault: BaseException) -> BaseException:
    """Of a group, the first exception that is not a group."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return fault
