"""A log is read from the store whole before anybody is given any of it."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from tests.support.domain import LIVELY
from tradegame.controller.http import workers
from tradegame.core.domain.definition import RULES_VERSION, to_json
from tradegame.core.games.export import export_log
from tradegame.core.repositories import (
    CompactedError,
    GameGoneError,
    GameMeta,
    LogEntry,
    StoredGame,
    StoreUnavailableError,
)
from tradegame.protocol.errors import OverloadedError, UnavailableError, UnknownGameError


@define
class Trimmed:
    """A store that fails with each of ``errors`` in the midst of a log, once it is read."""

    errors: list[Exception]
    lost: Exception | None = None
    reads: int = field(default=0, init=False)

    async def get(self, game: str) -> StoredGame:
        self.reads += 1
        if self.lost is not None:
            raise self.lost
        return StoredGame(GameMeta("bazaar", to_json(LIVELY), "epoch", RULES_VERSION, 1, 1_790_000_000_000), 1, 1, None)

    async def entries(self, stored: StoredGame) -> AsyncIterator[Sequence[LogEntry]]:
        number = self.reads
        yield [LogEntry(number, 1, f"n1-{number}", b"x" * 100_000)]
        if self.errors:
            raise self.errors.pop(0)
        yield [LogEntry(number, 1, f"n2-{number}", b"y")]


async def test_without_room_for_a_file_the_host_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(workers.tempfile, "TemporaryFile", full)
    with pytest.raises(OverloadedError, match="temporary folder: No space left on device"):
        await workers.log_of(Trimmed([]), "bazaar")


async def test_work_is_cancelled_when_nobody_wants_it_any_more(autojump_clock: MockClock) -> None:
    async def leaves() -> dict[str, str]:
        await trio.sleep(1)
        return {"type": "http.disconnect"}

    async def works(for_s: float, error: Exception | None = None) -> str:
        await trio.sleep(for_s)
        if error is not None:
            raise error
        return "done"

    assert await workers.wanted(partial(works, 0.5), leaves) == "done"
    with pytest.raises(StoreUnavailableError):
        await workers.wanted(partial(works, 0.5, StoreUnavailableError("away", definite=True)), leaves)
    with pytest.raises(OverloadedError, match="nobody waits"):
        await workers.wanted(partial(works, 2), leaves)


async def test_a_log_that_is_trimmed_while_it_is_read_is_read_anew() -> None:
    source = Trimmed([CompactedError("trimmed")] * (workers.TRIES - 1))
    with await workers.log_of(source, "bazaar") as file:
        read = file.read()
    assert source.reads == workers.TRIES
    assert b"n1-5" in read
    assert b"n1-1" not in read, "nothing of what was read in vain is left"
    source.reads -= 1
    assert read == b"".join([piece async for piece in export_log(source, "bazaar")])


async def test_a_log_that_was_just_trimmed_is_there() -> None:
    await workers.begins(Trimmed([], CompactedError("trimmed")), "bazaar")
    with pytest.raises(UnknownGameError):
        await workers.begins(Trimmed([], GameGoneError("gone")), "bazaar")


@pytest.mark.parametrize(
    ("source", "raised"),
    [
        (Trimmed([CompactedError("trimmed")] * 100), UnavailableError),
        (Trimmed([StoreUnavailableError("away", definite=True)]), StoreUnavailableError),
        (Trimmed([], GameGoneError("gone")), UnknownGameError),
    ],
)
async def test_what_cannot_be_read_leaves_no_file(
    source: Trimmed, raised: type[Exception], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = list[object]()

    def temporary() -> object:
        made.append((tmp_path / "log").open("w+b"))
        return made[-1]

    monkeypatch.setattr(workers.tempfile, "TemporaryFile", temporary)
    with pytest.raises(raised):
        await workers.log_of(source, "bazaar")
    assert [file.closed for file in made] == [True]  # type: ignore[attr-defined]
    assert source.reads <= workers.TRIES
