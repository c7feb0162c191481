"""A game's log as a file, and processes that make others of it: a replay in this one would hold up the event loop."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any, BinaryIO, TypeAlias, TypeVar, cast

import trio

from tradegame.core.games.export import LogSource, export_log
from tradegame.core.repositories import CompactedError, GameGoneError
from tradegame.protocol.errors import OverloadedError, UnavailableError, UnknownGameError

TABLES_AT_ONCE = 2
"""So many logs are worked on at a time: each is a process, and the game once more in its memory."""
TABLES_S = 300.0
"""How long one may take: some 7 million commands."""
TRIES = 5
"""A log is read so often, if it is trimmed each time before its end."""
WORKER = sys.executable, "-m", "tradegame.core.tables.worker"
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
T = TypeVar("T")


async def log_of(source: LogSource, game: str) -> BinaryIO:
    """The game's log, in a file without a name, at its begin.

    All of it is read before anybody is given any: a log may be trimmed meanwhile, and is then read anew.
    Raises UnknownGameError, StoreUnavailableError, UnavailableError for one that is trimmed at each try,
    OverloadedError where there is no room for the file, and trio.TooSlowError.
    """
    file: BinaryIO | None = None
    try:
        with trio.fail_after(TABLES_S):
            file = cast("BinaryIO", await trio.to_thread.run_sync(tempfile.TemporaryFile))
            for _ in range(TRIES):
                try:
                    async with aclosing(export_log(source, game)) as pieces:
                        async for piece in pieces:
                            await trio.to_thread.run_sync(file.write, piece)
                    file.seek(0)  # which writes what is left
                    return file
                except CompactedError:
                    file.seek(0)
                    file.truncate()
        raise UnavailableError("the log is trimmed faster than it can be read: try again")
    except BaseException as error:
        if file is not None:
            with suppress(OSError):
                file.close()
        if isinstance(error, GameGoneError):
            raise UnknownGameError(f"no game {game!r}") from None
        if isinstance(error, OSError):
            message = f"there is no room for a file in the server's temporary folder: {error.strerror}"
            raise OverloadedError(message, retry_after_ms=5_000) from error
        raise


async def begins(source: LogSource, game: str) -> None:
    """Read no more than shows that there is a log. Raises UnknownGameError and StoreUnavailableError."""
    try:
        with suppress(CompactedError):  # it was just trimmed, and so is there
            async with aclosing(export_log(source, game)) as pieces:
                await anext(pieces)
    except GameGoneError:
        raise UnknownGameError(f"no game {game!r}") from None


async def wanted(work: Callable[[], Awaitable[T]], receive: Receive) -> T:
    """What ``work`` returns, or raises; it is cancelled when whoever asked for it leaves: raises OverloadedError.

    ``receive``: of the request, whose body was read.
    """
    done: list[T] = []
    failed: Exception | None = None
    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            nursery.cancel_scope.cancel()

        nursery.start_soon(watch)
        try:
            done.append(await work())
        except Exception as error:  # noqa: BLE001 - raised again, outside of the nursery: not in a group
            failed = error
        nursery.cancel_scope.cancel()
    if failed is not None:
        try:
            raise failed
        finally:
            del failed
    if not done:
        raise OverloadedError("nobody waits for the answer any more")
    return done[0]


async def made(name: str, separator: str, source: LogSource, game: str) -> tuple[BinaryIO, str]:
    """The file that the worker makes of the game's log, open and without a name, and its suffix.

    Raises what `log_of` raises, and WorkerError.
    """
    with trio.fail_after(TABLES_S):
        with await log_of(source, game) as log:
            folder = Path(await trio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix="tradegame-tables-")))
            try:
                await _work((*WORKER, str(folder / name), separator), log)
                return await trio.to_thread.run_sync(_only_file, folder)
            finally:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(partial(rmtree, folder, ignore_errors=True))


async def _work(command: Sequence[str], log: BinaryIO) -> None:
    """Run the worker to its end; it is killed when this is cancelled."""
    said, pipe = b"", subprocess.PIPE
    async with trio.open_nursery() as nursery:
        start = partial(trio.run_process, command, stdin=log, stdout=subprocess.DEVNULL, stderr=pipe, check=False)
        process: trio.Process = await nursery.start(start)
        assert process.stderr is not None
        async with process.stderr:
            async for piece in process.stderr:
                said = (said + piece)[-1_000:]
    if process.returncode != 0:
        raise WorkerError(f"ended with {process.returncode}: {said.decode(errors='replace').strip()}")


class WorkerError(Exception):
    """What the worker said last: the log is wrong, or there is no room for the files."""


def _only_file(folder: Path) -> tuple[BinaryIO, str]:
    """The file that the worker made, open, and its suffix."""
    (file,) = folder.iterdir()
    return file.open("rb"), file.suffix
