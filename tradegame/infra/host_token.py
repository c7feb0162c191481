"""The host's token if none is configured: generated once, and kept beside the store."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import trio

from tradegame.core.repositories import StoreError
from tradegame.infra.config.settings import is_host_token
from tradegame.infra.kv.port import Compare, KeyRange, KeyValueStore, Put
from tradegame.infra.store_url import parse_store_url


async def kept_token(url: str, store: KeyValueStore, prefix: str) -> str:
    """The token that belongs to the store at ``url``; generated if there is none yet.

    For an embedded store it is in a file, ``PATH.token``, that only its owner may read. In etcd it is a key, so that
    all nodes have the same token. For ``memory:`` it is not kept. Raises OSError, and StoreError if what is kept is
    not a valid token.
    """
    named = parse_store_url(url)
    if named.kind == "memory":
        return _new()
    if named.kind == "embedded":
        return await trio.to_thread.run_sync(_of_file, Path(f"{named.path}.token"))
    key = f"{prefix}/admin/token"
    await store.transaction([Compare(key, 0)], [Put(key, _new().encode())])
    found = (await store.range(KeyRange(key))).pairs[0].value.decode(errors="replace")
    if not is_host_token(found):
        raise StoreError(f"the key {key} does not hold a valid token: delete it, or set admin.token")
    return found


def _new() -> str:
    return secrets.token_urlsafe(24)


def _of_file(file: Path) -> str:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        found = file.read_text(errors="replace").strip()
        if not is_host_token(found):
            raise StoreError(f"{file} does not hold a valid token: delete it, or set admin.token") from None
        return found
    made = _new()
    with os.fdopen(descriptor, "w") as opened:
        opened.write(f"{made}\n")
        opened.flush()
        os.fsync(descriptor)
    return made
