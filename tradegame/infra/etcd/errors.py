"""Maps the errors of gRPC and etcd to the store's own: the one place that knows their texts.

The texts are etcd's, from api/v3rpc/rpctypes/error.go. They are part of its interface; the status codes alone are too
coarse.
"""

from __future__ import annotations

from typing import Any

import grpc

from tradegame.core.repositories.errors import (
    CompactedError,
    LeaseLostError,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
)

_TOKEN_REFUSED = ("invalid auth token", "user name is empty", "revision of auth store is old")

# etcd and gRPC return these before a request can have any effect. Everything else leaves a write's outcome open:
# "request timed out", "leader changed", "server stopped", and a broken connection.
_WITHOUT_EFFECT = (
    "failed to connect to all addresses",
    "dns resolution failed",
    "no leader",
    "too many requests",
    "not capable",
    "authentication failed",
    "permission denied",
)

_REFUSED = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})

_UNCERTAIN = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.DATA_LOSS,
    }
)


class RefusedError(StoreUnavailableError):
    """etcd refuses us: a wrong user, password or token, or a missing permission. The call had no effect."""

    def __init__(self, message: str, *, stale_token: bool) -> None:
        super().__init__(message, definite=True)
        self.stale_token = stale_token


class ClosedError(StoreUnavailableError):
    """The client was closed by its owner: a retry is useless."""

    def __init__(self) -> None:
        super().__init__("this etcd client is closed", definite=True)


def translate(error: Any, endpoint: str, *, write: bool) -> StoreError:
    """The error to raise for one that gRPC raised. A failed read is always definite."""
    code: grpc.StatusCode = error.code()
    details: str = error.details() or ""
    said = details.lower()
    message = f"etcd at {endpoint}: {details or code.name}"
    if "requested lease not found" in said:
        return LeaseLostError(message)
    if "has been compacted" in said:
        return CompactedError(message)
    if "database space exceeded" in said:
        return StoreFullError(message)
    if code in _REFUSED or "authentication failed" in said or _token_refused(said):
        return RefusedError(message, stale_token=_token_refused(said))
    if any(text in said for text in _WITHOUT_EFFECT):
        return StoreUnavailableError(message, definite=True)
    if code in _UNCERTAIN:
        return StoreUnavailableError(f"{message} ({code.name})", definite=not write)
    # INVALID_ARGUMENT, RESOURCE_EXHAUSTED (too large) and the like: the request itself is wrong, on every member.
    return StoreRefusedError(f"{message} ({code.name})")


def watch_cancelled(response: Any, endpoint: str) -> StoreError:
    """The error for a watch that etcd ended."""
    message = f"etcd at {endpoint} ended a watch: {response.cancel_reason or 'no reason given'}"
    said = response.cancel_reason.lower()
    if response.compact_revision or "has been compacted" in said:
        return CompactedError(f"{message} (compacted up to revision {response.compact_revision})")
    if "permission denied" in said or _token_refused(said):
        # etcd before 3.5.5 also says "permission denied" for a token that it no longer knows.
        return RefusedError(message, stale_token=True)
    return StoreUnavailableError(message, definite=True)


def _token_refused(said: str) -> bool:
    return any(text in said for text in _TOKEN_REFUSED)
