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
    """Log a fault with its stack trace, and in ``error`` what is at the bottom of it.

    Returns the reference under which it can be found.
    """
    found_by = reference()
    logger.error(event, reference=found_by, error=repr(innermost(fault)), exc_info=fault, **facts)
    return found_by


def innermost(fault: BaseException) -> BaseException:
    """Of a group, which only says how many it holds, the first that is none."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return fault
