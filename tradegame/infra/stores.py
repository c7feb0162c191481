"""The store that an address names: ``memory:``, ``embedded:PATH`` or ``etcd://host:port,…/prefix``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tradegame.infra.config import StoreSettings
from tradegame.infra.kv.format import check_format
from tradegame.infra.kv.port import KeyValueStore

EMBEDDED_PREFIX = "tradegame"


@asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[tuple[KeyValueStore, str]]:
    """The store, and the prefix of its keys; closed at the end.

    Raises StoreError when it cannot be opened, or is of another version, OSError for a TLS file that cannot be read.
    """
    kind, _, rest = settings.url.partition(":")
    if kind in ("etcd", "etcds"):
        # imported here, since grpc is heavy and most servers run on the embedded store
        from tradegame.infra.etcd import EtcdSettings, open_etcd, parse_etcd_url

        endpoints, prefix = parse_etcd_url(settings.url)
        etcd = EtcdSettings(
            endpoints=endpoints,
            prefix=prefix,
            ca=settings.ca,
            cert=settings.cert,
            key=settings.key,
            user=settings.user,
            password=settings.password,
        )
        async with open_etcd(etcd) as store:
            await check_format(store, prefix)
            yield store, prefix
    else:
        from tradegame.infra.embedded import open_sqlite

        async with open_sqlite(":memory:" if kind == "memory" else rest) as store:
            yield store, EMBEDDED_PREFIX
