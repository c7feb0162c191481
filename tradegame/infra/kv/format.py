"""A number beside the keys under a prefix identifies their layout, so that another version's keys are not misread."""

from __future__ import annotations

from tradegame.core.repositories.errors import CorruptStoreError
from tradegame.infra.kv.codec import decode_fields, encode
from tradegame.infra.kv.port import Compare, KeyRange, KeyValueStore, Put

FORMAT = 2


async def check_format(kv: KeyValueStore, prefix: str) -> None:
    """Write the number if nothing is there yet. Raises CorruptStoreError if what is there has another layout."""
    key = f"{prefix}/format"
    # In this order: a node that finds anything of this layout also finds its number.
    if not (await kv.range(KeyRange.prefix(f"{prefix}/"), limit=1)).pairs:
        await kv.transaction([Compare(key, 0)], [Put(key, encode({"format": FORMAT}))])
    found = (await kv.range(KeyRange(key))).pairs
    written = decode_fields(key, found[0].value).get("format") if found else "none"
    if written != FORMAT:
        raise CorruptStoreError(
            f"the data under {prefix}/ (format {written}; this version knows {FORMAT}) cannot be read: use another"
            f" prefix in store.url, or delete it: etcdctl del --prefix {prefix}/"
        )
