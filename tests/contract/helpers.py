"""What the contract tests say often."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from tradegame.core.domain.definition import RULES_VERSION
from tradegame.core.repositories import GameMeta, GameWatch, LogEntry, StoredGame
from tradegame.infra.kv.games import KvGameStateRepository
from tradegame.infra.kv.port import Event, KeyRange, KeyValueStore, Put, Watch

DEADLINE_S = 20.0


def new_meta(game: str = "bazaar", epoch: str = "k3v9") -> GameMeta:
    return GameMeta(
        game=game,
        definition={"id": game, "title": "Der Markt zu Köln", "goods": {"grain": {"endowment": 0}}, "fee_bps": 5},
        epoch=epoch,
        rules=RULES_VERSION,
        seed=2**53 + 1,
        created_at=1_790_000_000_000,
    )


async def put(kv: KeyValueStore, key: str, value: bytes = b"1", lease: int = 0) -> int:
    """The revision of the write."""
    return (await kv.transaction([], [Put(key, value, lease)])).revision


async def keys_in(kv: KeyValueStore, prefix: str) -> list[str]:
    return [pair.key for pair in (await kv.range(KeyRange.prefix(prefix))).pairs]


async def receive_events(watch: Watch, count: int) -> list[Event]:
    """The next events, at least that many."""
    events: list[Event] = []
    with trio.fail_after(DEADLINE_S):
        while len(events) < count:
            events.extend((await watch.receive()).events)
    return events


async def receive_told(watch: GameWatch, count: int) -> list[object]:
    told: list[object] = []
    with trio.fail_after(DEADLINE_S):
        while len(told) < count:
            told.extend(await watch.receive())
    return told


async def log_of(games: KvGameStateRepository, stored: StoredGame) -> Sequence[LogEntry]:
    return [entry async for page in games.entries(stored) for entry in page]


async def ids_in(games: KvGameStateRepository, game: str = "bazaar") -> list[str]:
    """The ids of what a replay would read now."""
    return [entry.id for entry in await log_of(games, await games.get(game))]
