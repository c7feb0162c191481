"""Limits of a transaction. etcd refuses more, so every store must: otherwise a test on another store would mean
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tradegame.core.repositories.errors import StoreRefusedError
from tradegame.infra.kv.port import Compare, Delete, KeyRange, Operation, Put

MAX_OPERATIONS = 100
"""Of each list. etcd's default is 128 (``--max-txn-ops``)."""

MAX_VALUE_BYTES = 1 << 20
"""Of all values of one transaction together. etcd's default is 1.5 MiB per request, with keys and framing."""


def check_transaction(compare: Sequence[Compare], success: Sequence[Operation], failure: Sequence[Operation]) -> None:
    """Raises StoreRefusedError for what etcd would refuse: too much, or two writes to one key in one branch."""
    if len(compare) > MAX_OPERATIONS:
        raise StoreRefusedError(f"{len(compare)} comparisons in one transaction; the limit is {MAX_OPERATIONS}")
    for operations in (success, failure):
        if len(operations) > MAX_OPERATIONS:
            raise StoreRefusedError(f"{len(operations)} operations in one transaction; the limit is {MAX_OPERATIONS}")
        size = sum(len(operation.value) for operation in operations if isinstance(operation, Put))
        if size > MAX_VALUE_BYTES:
            raise StoreRefusedError(f"{size} bytes of values in one transaction; the limit is {MAX_VALUE_BYTES}")
        _check_written_once(operations)


def batches(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    """The operations in order, in lists that each fit into one transaction. A value that is too large for any is alone
    in its list.
    """
    batch: list[Operation] = []
    size = 0
    for operation in operations:
        adds = len(operation.value) if isinstance(operation, Put) else 0
        if batch and (len(batch) == MAX_OPERATIONS or size + adds > MAX_VALUE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(operation)
        size += adds
    if batch:
        yield batch


def _check_written_once(operations: Sequence[Operation]) -> None:
    put: set[str] = set()
    deleted: list[KeyRange] = [operation.range for operation in operations if isinstance(operation, Delete)]
    for operation in operations:
        if isinstance(operation, Put):
            if operation.key in put or any(operation.key in keys for keys in deleted):
                raise StoreRefusedError(f"the key {operation.key!r} is written twice in one transaction")
            put.add(operation.key)
