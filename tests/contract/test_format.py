"""Another version's data is refused, and left alone."""

from __future__ import annotations

import pytest
import trio

from tests.contract.helpers import keys_in, put
from tradegame.core.repositories import CorruptStoreError
from tradegame.infra.kv.format import FORMAT, check_format
from tradegame.infra.kv.port import KeyValueStore


async def test_an_empty_prefix_becomes_ours_and_stays_so(kv: KeyValueStore, prefix: str) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(check_format, kv, prefix)
    await put(kv, f"{prefix}/games/bazaar/meta")
    await check_format(kv, prefix)
    assert await keys_in(kv, f"{prefix}/") == [f"{prefix}/format", f"{prefix}/games/bazaar/meta"]


async def test_what_is_there_without_a_number_is_of_an_older_version(kv: KeyValueStore, prefix: str) -> None:
    await put(kv, f"{prefix}/games/bazaar/meta")
    with pytest.raises(CorruptStoreError, match=rf"format none; this version knows {FORMAT}.*del --prefix {prefix}/"):
        await check_format(kv, prefix)
    assert await keys_in(kv, f"{prefix}/") == [f"{prefix}/games/bazaar/meta"]


@pytest.mark.parametrize("value", [b'{"schema":1,"format":99}', b"what is this"])
async def test_another_number_is_refused(kv: KeyValueStore, prefix: str, value: bytes) -> None:
    await put(kv, f"{prefix}/format", value)
    with pytest.raises(CorruptStoreError, match=f"{prefix}/"):
        await check_format(kv, prefix)
