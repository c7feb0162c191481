"""Opens the store that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tradegame.infra.config import StoreSettings
from tradegame.infra.kv.format import check_format
from tradegame.infra.kv.port import KeyValueStore
from tradegame.infra.store_url import parse_store_url

if TYPE_CHECKING:
    from tradegame.infra.etcd import EtcdSettings


def etcd_settings(settings: StoreSettings) -> EtcdSettings:
    """What an ``etcd://`` URL and the settings beside it say. Raises ValueError."""
    from tradegame.infra.etcd import EtcdSettings

    url = parse_store_url(settings.url)
    return EtcdSettings(
        endpoints=url.endpoints,
        prefix=url.prefix,
        ca=settings.ca,
        cert=settings.cert,
        key=settings.key,
        user=settings.user,
        password=settings.password,
    )


@asynccontextmanager
async def open_store(settings: StoreSettings) -> AsyncIterator[tuple[KeyValueStore, str]]:
    """The store and the prefix of its keys, for the length of the block.

    Raises StoreError if it cannot be opened or has another format, OSError if a TLS file cannot be read.
    """
    url = parse_store_url(settings.url)
    if url.kind == "etcd":
        # imported here because grpc is slow to import and most servers use the embedded store
        from tradegame.infra.etcd import open_etcd

        async with open_etcd(etcd_settings(settings)) as store:
            await check_format(store, url.prefix)
            yield store, url.prefix
    else:
        from tradegame.infra.embedded import open_sqlite

        async with open_sqlite(url.path or ":memory:") as store:
            yield store, url.prefix
