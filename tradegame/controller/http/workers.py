"""A game's log as a file, and processes that make others of it: a replay in this one would hold up the event loop."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any, BinaryIO, TypeAlias, cast

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


async def log_of(source: LogSource, game: str) -> BinaryIO:
    """The game's log, in a file without a name, at its begin.

    All of it is read before anybody is given any: a log may be trimmed meanwhile, and is then read anew.
    Raises UnknownGameError, StoreUnavailableError, and UnavailableError for one that is trimmed at each try.
    """
    file = cast("BinaryIO", await trio.to_thread.run_sync(tempfile.TemporaryFile))
    try:
        for _ in range(TRIES):
            try:
                async with aclosing(export_log(source, game)) as pieces:
                    async for piece in pieces:
                        await trio.to_thread.run_sync(file.write, piece)
            except CompactedError:
                file.seek(0)
                file.truncate()
            else:
                file.seek(0)
                return file
        raise UnavailableError("the log is trimmed faster than it can be read: try again")
    except BaseException as error:
        file.close()
        if isinstance(error, GameGoneError):
            raise UnknownGameError(f"no game {game!r}") from None
        raise


async def made(
    name: str, separator: str, source: LogSource, game: str, receive: Receive | None = None
) -> tuple[BinaryIO, str]:
    """The file that the worker makes of the game's log, open and without a name, and its suffix.

    ``receive``: of the request for whose sake alone it is made. Raises what `log_of` raises, WorkerError,
    OverloadedError when nobody waits any more, and trio.TooSlowError.
    """
    with trio.fail_after(TABLES_S):
        log = await log_of(source, game)
        folder = Path(await trio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix="tradegame-tables-")))
        try:
            with log:
                await _work((*WORKER, str(folder / name), separator), log, receive)
            return await trio.to_thread.run_sync(_only_file, folder)
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(partial(rmtree, folder, ignore_errors=True))


async def _work(command: Sequence[str], log: BinaryIO, receive: Receive | None) -> None:
    """Run the worker to its end. It is killed when this is cancelled, and when nobody waits."""
    said, left = b"", False
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(
            partial(
                trio.run_process, command, stdin=log, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
            )
        )
        assert process.stderr is not None
        watching = trio.CancelScope()

        async def watch(receive: Receive) -> None:
            nonlocal left
            with watching:
                while (await receive())["type"] != "http.disconnect":
                    pass
                left = True
                nursery.cancel_scope.cancel()

        if receive is not None:
            nursery.start_soon(watch, receive)
        async with process.stderr:
            async for piece in process.stderr:
                said = (said + piece)[-1_000:]
        watching.cancel()
    if left:
        raise OverloadedError("nobody waits for the answer any more")
    if process.returncode != 0:
        raise WorkerError(f"ended with {process.returncode}: {said.decode(errors='replace').strip()}")


class WorkerError(Exception):
    """What the worker said last: the log is wrong, or there is no room for the files."""


def _only_file(folder: Path) -> tuple[BinaryIO, str]:
    """The file that the worker made, open, and its suffix."""
    (file,) = folder.iterdir()
    return file.open("rb"), file.suffix
