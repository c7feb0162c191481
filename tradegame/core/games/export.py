"""A game's log as a file: JSON lines, from the oldest base that the store still has.

The first line is the base: the game's definition, and whether a state follows because older entries are gone. If so,
the lines of that state come next (see `snapshot`), the last of them ``["end"]``. Then one line per entry, with a digest
over the chain so far (SHA-256 over the previous chain and the entry's own bytes) and the rest of the line. The last
line has the number of entries, so that a truncated file is detected.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Protocol

from attrs import asdict

from tradegame.core.domain.definition import from_json
from tradegame.core.domain.game import Game
from tradegame.core.repositories import LogEntry, StoredGame

EXPORT_SCHEMA = 2
STATE_PIECE = 256 * 1024
"""How many bytes of a state are yielded in one piece."""
PIECE_BYTES = 65_536
"""How much is made and sent in one go: a page of the log may have megabytes."""
ENTRY_MARK = b'"entry":'


def base_line(stored: StoredGame) -> tuple[bytes, str]:
    """The first line, and the chain's digest at the base."""
    meta = stored.meta
    data: dict[str, Any] = {
        "schema": EXPORT_SCHEMA,
        "game": meta.game,
        "epoch": meta.epoch,
        "rules": meta.rules,
        "seed": meta.seed,
        "created_at": meta.created_at,
        "definition": meta.definition,
        "snapshots": [asdict(reference) for reference in meta.snapshots],
        "base_generation": stored.base_generation,
        "state": stored.snapshot is not None,
    }
    if stored.snapshot is None:
        chain = Game.create(from_json(meta.definition), meta.epoch, meta.created_at, meta.seed).state.chain
    else:
        chain = json.loads(stored.snapshot[: stored.snapshot.index(b"\n")])["chain"]
    digest = hashlib.sha256(json.dumps(data).encode()).hexdigest()
    return json.dumps({**data, "digest": digest}).encode() + b"\n", chain


def entry_line(entry: LogEntry, chain: str) -> tuple[bytes, str]:
    """One entry's line, and the chain's digest after it."""
    chain = hashlib.sha256(chain.encode() + entry.value).hexdigest()
    digest = line_digest(chain, entry.generation, entry.id)
    head = f'{{"generation":{entry.generation},"id":"{entry.id}","digest":"{digest}",'.encode()
    return head + ENTRY_MARK + entry.value + b"}\n", chain


def line_digest(chain: str, generation: int, entry_id: str) -> str:
    """The digest in an entry's line: it covers the chain after the entry, and the rest of the line."""
    return hashlib.sha256(f"{chain}\n{generation}\n{entry_id}".encode()).hexdigest()


def end_line(entries: int, chain: str) -> bytes:
    return json.dumps({"end": {"entries": entries, "chain": chain}}).encode() + b"\n"


class LogSource(Protocol):
    """As much of a `GameStateRepository` as an export reads."""

    async def get(self, game: str) -> StoredGame: ...

    def entries(self, stored: StoredGame) -> AsyncIterator[Sequence[LogEntry]]: ...


async def export_log(repository: LogSource, game: str) -> AsyncGenerator[bytes, None]:
    """The file in pieces. Raises GameGoneError, CompactedError (start again) and StoreUnavailableError."""
    stored = await repository.get(game)
    line, chain = base_line(stored)
    yield line
    for cut in range(0, len(stored.snapshot or b""), STATE_PIECE):
        assert stored.snapshot is not None
        yield stored.snapshot[cut : cut + STATE_PIECE]
    entries = 0
    async for page in repository.entries(stored):
        lines, size = [], 0
        for entry in page:
            line, chain = entry_line(entry, chain)
            lines.append(line)
            size += len(line)
            if size >= PIECE_BYTES:
                yield b"".join(lines)
                lines, size = [], 0
        entries += len(page)
        if lines:
            yield b"".join(lines)
    yield end_line(entries, chain)
