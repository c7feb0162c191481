"""Converts the port's types to etcd's messages and back. The one file that imports etcd3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tradegame.infra.etcd import etcd3_messages
from tradegame.infra.kv.port import (
    Compare,
    Delete,
    Event,
    Get,
    KeyRange,
    KeyValuePair,
    Operation,
    Put,
    RangeResult,
    TransactionResult,
)

etcd3_messages.load()
from etcd3 import etcdrpc  # noqa: E402

# The generated messages and stubs, which have no types.
rpc: Any = etcdrpc

# etcd3's messages are older than WatchProgressRequest (etcd 3.4): field 3 of WatchRequest, an empty message. protobuf
# keeps unknown fields and writes them out again.
PROGRESS_REQUEST: Any = rpc.WatchRequest.FromString(b"\x1a\x00")


def _range_fields(keys: KeyRange) -> dict[str, bytes]:
    fields = {"key": keys.start.encode()}
    if keys.end is not None:
        fields["range_end"] = keys.end.encode()
    return fields


def range_request(keys: KeyRange, limit: int, *, keys_only: bool = False) -> Any:
    return rpc.RangeRequest(**_range_fields(keys), limit=limit, keys_only=keys_only)


def count_request(key: str) -> Any:
    """A linearizable read that returns nothing but proves that the cluster answers."""
    return rpc.RangeRequest(key=key.encode(), count_only=True)


def transaction_request(compare: Sequence[Compare], success: Sequence[Operation], failure: Sequence[Operation]) -> Any:
    return rpc.TxnRequest(
        compare=[
            rpc.Compare(
                key=each.key.encode(),
                target=rpc.Compare.MOD,
                result=rpc.Compare.EQUAL,
                mod_revision=each.mod_revision,
            )
            for each in compare
        ],
        success=[_operation(each) for each in success],
        failure=[_operation(each) for each in failure],
    )


def _operation(operation: Operation) -> Any:
    match operation:
        case Put():
            put = rpc.PutRequest(key=operation.key.encode(), value=operation.value, lease=operation.lease)
            return rpc.RequestOp(request_put=put)
        case Delete():
            return rpc.RequestOp(request_delete_range=rpc.DeleteRangeRequest(**_range_fields(operation.range)))
        case Get():
            return rpc.RequestOp(request_range=rpc.RangeRequest(**_range_fields(operation.range)))


def watch_request(keys: KeyRange, start_revision: int) -> Any:
    """From ``start_revision`` on, with etcd's own progress notices. Not fragmented, so revisions are whole."""
    create = rpc.WatchCreateRequest(**_range_fields(keys), start_revision=start_revision, progress_notify=True)
    return rpc.WatchRequest(create_request=create)


def is_answer_to_progress_request(response: Any) -> bool:
    """For all watches of the stream at once: its ``watch_id`` is -1."""
    return bool(response.watch_id == -1)


def _text(key: bytes) -> str:
    # Our keys are UTF-8. A foreign key must not stop the watch of the whole range.
    return key.decode(errors="backslashreplace")


def _pair(message: Any) -> KeyValuePair:
    return KeyValuePair(_text(message.key), message.value, message.create_revision, message.mod_revision, message.lease)


def range_result(response: Any) -> RangeResult:
    return RangeResult(response.header.revision, tuple(_pair(each) for each in response.kvs), response.more)


def transaction_result(response: Any) -> TransactionResult:
    pairs = tuple(
        tuple(_pair(each) for each in answer.response_range.kvs)
        for answer in response.responses
        if answer.HasField("response_range")
    )
    return TransactionResult(response.succeeded, response.header.revision, pairs)


def watch_event(message: Any) -> Event:
    pair = message.kv
    if message.type == message.DELETE:
        return Event(_text(pair.key), None, pair.mod_revision)
    return Event(_text(pair.key), pair.value, pair.mod_revision, pair.create_revision)
