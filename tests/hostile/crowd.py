"""A crowd: thousands of accounts and their small orders, written into a game's log before any node serves it."""

from __future__ import annotations

import secrets
import time
from typing import Any

from attrs import define

from tradegame.core.domain.definition import RULES_VERSION, to_json
from tradegame.core.repositories import GameMeta
from tradegame.infra.config import StoreSettings
from tradegame.infra.config.definitions import parse_game_definition
from tradegame.infra.kv.games import KvGameStateRepository
from tradegame.infra.stores import open_store
from tradegame.protocol.commands import Command, Entry, Join, encode_entry
from tradegame.protocol.requests import PlaceOrder

AT_ONCE = 200
"""Commands an entry, as a busy node would have them."""


@define
class Crowd:
    """``players`` who joined; the first ``dusty`` of them have ``orders`` bids of one unit each in the book.

    They would be the best of those who sell, and far too many of them to walk over.
    """

    players: int = 10_000
    dusty: int = 200
    orders: int = 50

    async def fill(self, store: str, game: dict[str, Any], good: str) -> None:
        """Make the game in this store, which no node serves yet."""
        definition = parse_game_definition(game)
        now = time.time_ns() // 1_000_000
        meta = GameMeta(
            game=definition.id,
            definition=to_json(definition),
            epoch=secrets.token_hex(8),
            rules=RULES_VERSION,
            seed=secrets.randbits(63),
            created_at=now,
        )
        commands: list[Command] = [Join(player=f"c-{n:05}", name=f"one of many {n}") for n in range(self.players)]
        for player in range(min(self.dusty, self.players)):
            for number in range(self.orders):
                price = 1 + (player * 7 + number) % 12
                commands.append(PlaceOrder(player=f"c-{player:05}", good=good, side="bid", qty=1, price=price))
        async with open_store(StoreSettings(url=store)) as (kv, prefix):
            repository = KvGameStateRepository(kv, prefix)
            meta = await repository.create(meta)
            for first in range(0, len(commands), AT_ONCE):
                value = encode_entry(Entry(now, tuple(commands[first : first + AT_ONCE])))
                meta = (await repository.update(meta, f"crowd-{first}", value)).meta
