"""The KeyValueStore on an etcd cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
import trio
from attrs import define

from tradegame.core.repositories.errors import LeaseLostError, StoreError
from tradegame.infra.etcd.cluster import Cluster, Effect
from tradegame.infra.etcd.messages import range_request, range_result, rpc, transaction_request, transaction_result
from tradegame.infra.etcd.settings import EtcdSettings
from tradegame.infra.etcd.watch import EtcdWatch
from tradegame.infra.kv.limits import check_transaction
from tradegame.infra.kv.port import Compare, Get, KeyRange, Operation, RangeResult, TransactionResult

log = structlog.get_logger(__name__)

_PROBE_AFTER_S = 2.0
_LOOK_S = 0.5


@asynccontextmanager
async def open_etcd(settings: EtcdSettings) -> AsyncIterator[EtcdClient]:
    """A client of the cluster, for the length of the context; at its end all watches and calls end.

    Does not wait for a connection: ``ready()`` tells whether etcd has answered. Raises OSError if a file of the TLS
    settings cannot be read. Exceptions of the body are raised unchanged, not in a group.
    """
    cluster = Cluster.open(settings)
    raised: Exception | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_keep_probing, cluster)
            try:
                yield EtcdClient(cluster, nursery)
            except Exception as error:  # noqa: BLE001 - raised again as soon as the nursery cannot wrap it
                raised = error
            nursery.cancel_scope.cancel()
    finally:
        cluster.close()
    if raised is not None:
        try:
            raise raised
        finally:
            del raised


async def _keep_probing(cluster: Cluster) -> None:
    """Ask now and then if nothing else does, so that ``ready()`` never relies on an old answer."""
    well = True
    while True:
        try:
            if cluster.liveness.silent_s() >= _PROBE_AFTER_S:
                await cluster.probe()
        except StoreError as error:
            if well:
                log.warning("etcd_does_not_answer", reason=str(error))
            well = False
        else:
            if not well:
                log.info("etcd_answers_again", endpoint=cluster.current.address)
            well = True
        await trio.sleep(_LOOK_S)


@define(eq=False)
class EtcdClient:
    """See KeyValueStore for each method. From ``open_etcd``; use it in the trio run that opened it."""

    _cluster: Cluster
    _nursery: trio.Nursery

    async def range(
        self, keys: KeyRange, *, limit: int = 0, tolerant: bool = False, keys_only: bool = False
    ) -> RangeResult:
        request = range_request(keys, limit, keys_only=keys_only)
        return range_result(await self._cluster.call("range", request, Effect.NONE))

    async def transaction(
        self,
        compare: Sequence[Compare],
        success: Sequence[Operation],
        failure: Sequence[Operation] = (),
    ) -> TransactionResult:
        check_transaction(compare, success, failure)
        request = transaction_request(compare, success, failure)
        reads_only = all(isinstance(operation, Get) for operation in (*success, *failure))
        effect = Effect.NONE if reads_only else Effect.ONCE
        return transaction_result(await self._cluster.call("transaction", request, effect))

    @asynccontextmanager
    async def watch(self, keys: KeyRange, after_revision: int) -> AsyncIterator[EtcdWatch]:
        watch = EtcdWatch(self._cluster, keys, after_revision)
        scope = trio.CancelScope()

        async def run() -> None:
            with scope:
                await watch.run()

        # In the client's nursery, not in one of its own, so that exceptions of the body are not wrapped in a group.
        self._nursery.start_soon(run)
        try:
            yield watch
        finally:
            scope.cancel()

    async def grant(self, ttl_s: int) -> int:
        # If it was granted twice, the lease that nobody knows expires.
        answer = await self._cluster.call("grant", rpc.LeaseGrantRequest(TTL=ttl_s), Effect.REPEATABLE)
        lease: int = answer.ID
        return lease

    async def keep_alive(self, lease: int) -> int:
        answer = await self._cluster.call("keep_alive", rpc.LeaseKeepAliveRequest(ID=lease), Effect.REPEATABLE)
        ttl_s: int = answer.TTL
        if ttl_s <= 0:
            raise LeaseLostError(f"etcd: the lease {lease:x} is over")
        return ttl_s

    async def revoke(self, lease: int) -> None:
        try:
            await self._cluster.call("revoke", rpc.LeaseRevokeRequest(ID=lease), Effect.REPEATABLE)
        except LeaseLostError:
            log.debug("etcd_lease_was_over", lease=lease)

    @property
    def shared(self) -> bool:
        return True

    def ready(self) -> str | None:
        return self._cluster.liveness.ready()
