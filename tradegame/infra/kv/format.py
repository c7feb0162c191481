"""How the keys under a prefix are laid out: a number beside them, so that another version's are not taken for ours."""

from __future__ import annotations

from tradegame.core.repositories.errors import CorruptStoreError
from tradegame.infra.kv.codec import decode_fields, encode
from tradegame.infra.kv.port import Compare, KeyRange, KeyValueStore, Put

FORMAT = 2


async def check_format(kv: KeyValueStore, prefix: str) -> None:
    """Write the number where nothing is yet. Raises CorruptStoreError where what is there is of another version."""
    key = f"{prefix}/format"
    # In this order: whoever finds anything of this version's finds its number, too.
    if not (await kv.range(KeyRange.prefix(f"{prefix}/"), limit=1)).pairs:
        await kv.transaction([Compare(key, 0)], [Put(key, encode({"format": FORMAT}))])
    found = (await kv.range(KeyRange(key))).pairs
    written = decode_fields(key, found[0].value).get("format") if found else "none"
    if written != FORMAT:
        raise CorruptStoreError(
            f"the data under {prefix}/ (format {written}; this version knows {FORMAT}) is not read: take another prefix"
            f" in store.url, or delete it: etcdctl del --prefix {prefix}/"
        )
