"""Processes that make files of a game's log: a replay in this one would share the interpreter with the event loop."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any, BinaryIO, TypeAlias

import trio

from tradegame.core.games.export import LogSource, export_log
from tradegame.core.repositories import CompactedError, GameGoneError, StoreError
from tradegame.protocol.errors import OverloadedError, UnknownGameError

TABLES_AT_ONCE = 2
"""So many logs are worked on at a time: each is a process, and the game once more in its memory."""
TABLES_S = 300.0
"""How long one may take: some 7 million commands."""
WORKER = sys.executable, "-m", "tradegame.core.tables.worker"
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def begun(source: LogSource, game: str) -> tuple[bytes, AsyncGenerator[bytes, None]]:
    """The first line of the game's log, and the rest. Raises UnknownGameError and StoreError."""
    try:
        lines = export_log(source, game)
        try:
            first = await anext(lines)
        except CompactedError:  # trimmed between two reads: the next base is there by now
            lines = export_log(source, game)
            first = await anext(lines)
    except GameGoneError:
        raise UnknownGameError(f"no game {game!r}") from None
    return first, lines


async def made(
    name: str, separator: str, first: bytes, lines: AsyncIterator[bytes], receive: Receive | None = None
) -> tuple[BinaryIO, str]:
    """The file that the worker makes of these lines, open and without a name, and its suffix.

    ``receive``: of the request for whose sake alone it is made. Raises StoreError and WorkerError, and OverloadedError
    when nobody waits any more.
    """
    folder = Path(await trio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix="tradegame-tables-")))
    try:
        await _work((*WORKER, str(folder / name), separator), first, lines, receive)
        return await trio.to_thread.run_sync(_only_file, folder)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(partial(rmtree, folder, ignore_errors=True))


async def _work(command: Sequence[str], first: bytes, lines: AsyncIterator[bytes], receive: Receive | None) -> None:
    """Run the worker to its end. It is killed when this is cancelled, when the store fails, and when nobody waits."""
    said, broken, pipe = b"", list[StoreError | OverloadedError](), subprocess.PIPE
    async with trio.open_nursery() as nursery:
        start = partial(trio.run_process, command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, check=False)
        process: trio.Process = await nursery.start(start)
        assert process.stdin is not None
        assert process.stderr is not None
        watching = trio.CancelScope()

        async def feed(stdin: trio.abc.SendStream) -> None:
            async with stdin:
                try:
                    await stdin.send_all(first)
                    async for piece in lines:
                        await stdin.send_all(piece)
                except trio.BrokenResourceError:
                    return  # it has ended, and says why
                except StoreError as error:
                    broken.append(error)
                    nursery.cancel_scope.cancel()

        async def watch(receive: Receive) -> None:
            with watching:
                while (await receive())["type"] != "http.disconnect":
                    pass
                broken.append(OverloadedError("nobody waits for the answer any more"))
                nursery.cancel_scope.cancel()

        nursery.start_soon(feed, process.stdin)
        if receive is not None:
            nursery.start_soon(watch, receive)
        async with process.stderr:
            async for piece in process.stderr:
                said = (said + piece)[-1_000:]
        watching.cancel()
    if broken:
        raise broken[0]
    if process.returncode != 0:
        raise WorkerError(f"ended with {process.returncode}: {said.decode(errors='replace').strip()}")


class WorkerError(Exception):
    """What the worker said last: the log is wrong, or there is no room for the files."""


def _only_file(folder: Path) -> tuple[BinaryIO, str]:
    """The file that the worker made, open, and its suffix."""
    (file,) = folder.iterdir()
    return file.open("rb"), file.suffix
