"""What etcd's and gRPC's errors become, and above all: whether a write may have happened."""

import grpc
import pytest

from tradegame.core.repositories.errors import (
    CompactedError,
    LeaseLostError,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
)
from tradegame.infra.etcd.errors import RefusedError, translate, watch_cancelled
from tradegame.infra.etcd.messages import rpc

Code = grpc.StatusCode


class FakeRpcError(grpc.RpcError):  # type: ignore[misc, unused-ignore]
    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        self._code = code
        self._details = details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        (Code.NOT_FOUND, "etcdserver: requested lease not found", LeaseLostError),
        (Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", CompactedError),
        (Code.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", StoreFullError),
        (Code.UNAUTHENTICATED, "etcdserver: invalid auth token", RefusedError),
        (Code.PERMISSION_DENIED, "etcdserver: permission denied", RefusedError),
        (Code.INVALID_ARGUMENT, "etcdserver: user name is empty", RefusedError),
        (Code.INVALID_ARGUMENT, "etcdserver: authentication failed, invalid user ID or password", RefusedError),
        (Code.UNAVAILABLE, "etcdserver: no leader", StoreUnavailableError),
        (Code.UNAVAILABLE, "Socket closed", StoreUnavailableError),
        (Code.DEADLINE_EXCEEDED, "Deadline Exceeded", StoreUnavailableError),
        (Code.INVALID_ARGUMENT, "etcdserver: request is too large", StoreRefusedError),
        (Code.RESOURCE_EXHAUSTED, "grpc: received message larger than max (1 vs. 2)", StoreRefusedError),
    ],
)
def test_an_error_becomes_the_stores_own(code: grpc.StatusCode, details: str, kind: type[StoreError]) -> None:
    error = translate(FakeRpcError(code, details), "h1:2379", write=True)
    assert type(error) is kind
    assert details in str(error)
    assert "h1:2379" in str(error)


@pytest.mark.parametrize(
    ("code", "details", "definite"),
    [
        (Code.UNAVAILABLE, "failed to connect to all addresses; last error: UNKNOWN: Connection refused", True),
        (Code.UNAVAILABLE, "DNS resolution failed for h1:2379", True),
        (Code.UNAVAILABLE, "etcdserver: no leader", True),
        (Code.RESOURCE_EXHAUSTED, "etcdserver: too many requests", True),
        (Code.UNAVAILABLE, "etcdserver: request timed out", False),
        (Code.UNAVAILABLE, "etcdserver: request timed out, possibly due to previous leader failure", False),
        (Code.UNAVAILABLE, "etcdserver: leader changed", False),
        (Code.UNAVAILABLE, "etcdserver: server stopped", False),
        (Code.UNAVAILABLE, "Socket closed", False),
        (Code.UNAVAILABLE, "recvmsg:Connection reset by peer", False),
        (Code.DEADLINE_EXCEEDED, "Deadline Exceeded", False),
        (Code.CANCELLED, "Channel closed!", False),
        (Code.INTERNAL, "", False),
        (Code.UNKNOWN, "anything", False),
    ],
)
def test_a_writes_failure_is_definite_only_where_it_cannot_have_happened(
    code: grpc.StatusCode, details: str, definite: bool
) -> None:
    error = translate(FakeRpcError(code, details), "h1:2379", write=True)
    assert isinstance(error, StoreUnavailableError)
    assert error.definite is definite
    read = translate(FakeRpcError(code, details), "h1:2379", write=False)
    assert isinstance(read, StoreUnavailableError)
    assert read.definite


def test_a_cancelled_watch_tells_why() -> None:
    compacted = rpc.WatchResponse(canceled=True, compact_revision=7)
    assert isinstance(watch_cancelled(compacted, "h1:1"), CompactedError)
    leaderless = watch_cancelled(rpc.WatchResponse(canceled=True, cancel_reason="etcdserver: no leader"), "h1:1")
    assert type(leaderless) is StoreUnavailableError
    denied = watch_cancelled(rpc.WatchResponse(canceled=True, cancel_reason="etcdserver: permission denied"), "h1:1")
    assert isinstance(denied, RefusedError)
    assert denied.stale_token
