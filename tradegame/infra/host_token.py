"""The host's token where none is configured: made once, and kept beside the store."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import trio

from tradegame.core.repositories import StoreError
from tradegame.infra.config.settings import is_host_token
from tradegame.infra.kv.port import Compare, KeyRange, KeyValueStore, Put


async def kept_token(url: str, store: KeyValueStore, prefix: str) -> str:
    """The token that belongs to the store of this URL; made if there is none yet.

    Of an embedded store it is in a file of its own, ``PATH.token``, that its owner alone may read; in etcd it is a key,
    so that all nodes have the same; of ``memory:`` it is nowhere. Raises OSError, and StoreError for what is no token.
    """
    kind, _, path = url.partition(":")
    if kind == "memory":
        return _new()
    if kind == "embedded":
        return await trio.to_thread.run_sync(_of_file, Path(f"{path}.token"))
    key = f"{prefix}/admin/token"
    await store.transaction([Compare(key, 0)], [Put(key, _new().encode())])
    found = (await store.range(KeyRange(key))).pairs[0].value.decode(errors="replace")
    if not is_host_token(found):
        raise StoreError(f"the key {key} holds no token: delete it, or set admin.token")
    return found


def _new() -> str:
    return secrets.token_urlsafe(24)


def _of_file(file: Path) -> str:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        found = file.read_text(errors="replace").strip()
        if not is_host_token(found):
            raise StoreError(f"{file} holds no token: delete it, or set admin.token") from None
        return found
    made = _new()
    with os.fdopen(descriptor, "w") as opened:
        opened.write(f"{made}\n")
        opened.flush()
        os.fsync(descriptor)
    return made
