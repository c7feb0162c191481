"""What the host takes home: a game's log, its tables, a copy of the store."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import BinaryIO

import trio
from attrs import field, frozen
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tradegame.controller.http.bodies import choice, flag, game_id
from tradegame.controller.http.guard import BrokenOffError
from tradegame.controller.http.host_token import HostToken
from tradegame.core.games.export import LogSource, export_log
from tradegame.core.games.pseudonyms import PseudonymousGames, Pseudonyms
from tradegame.core.games.service import GameService
from tradegame.core.repositories import CompactedError, GameGoneError, GameStateRepository, StoreError
from tradegame.core.tables.csv_files import SEPARATORS
from tradegame.protocol.errors import NotFoundError, OverloadedError, UnknownGameError
from tradegame.protocol.http import SeparatorName, TableFormat

JSON_LINES = "application/x-ndjson"
SQLITE = "application/vnd.sqlite3"
KINDS = {".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".zip": "application/zip"}
SUFFIXES: Mapping[TableFormat, str] = {"xlsx": ".xlsx", "csv": ".zip"}
FILE_PIECE = 262_144
"""So many bytes of a file are read and sent in one go."""
TABLES_AT_ONCE = 2
"""So many exports of tables are made at a time: each is a process, and the game once more in its memory."""
TABLES_S = 300.0
"""How long one may take: some 7 million commands."""
WORKER = sys.executable, "-m", "tradegame.core.tables.worker"


@frozen
class Downloads:
    """``backup``: a copy of the store in a file without a name. None: the store is not a file."""

    games: GameService
    repository: GameStateRepository
    host_token: HostToken
    make_backup: Callable[[], Awaitable[BinaryIO]] | None
    _under_way: trio.Semaphore = field(factory=lambda: trio.Semaphore(TABLES_AT_ONCE), init=False)

    async def log(self, request: Request) -> Response:
        """From the store, not from a host: a game that this node stopped is the one whose log is wanted."""
        self.host_token.require(request)
        first, lines = await self._begun(request)

        async def body() -> AsyncIterator[bytes]:
            try:
                async with aclosing(lines):
                    yield first
                    async for piece in lines:
                        yield piece
            except StoreError as error:
                raise BrokenOffError from error

        return StreamingResponse(body(), media_type=JSON_LINES, headers=_saved_as(f"{self._name(request)}.jsonl"))

    async def tables(self, request: Request) -> Response:
        """The same log as tables. A process of its own replays it, so that nobody who plays waits for that."""
        self.host_token.require(request)
        suffix = SUFFIXES[choice(request, "format", TableFormat)]
        separator = SEPARATORS[choice(request, "separator", SeparatorName)]
        (first, lines), name = await self._begun(request), self._name(request)
        async with aclosing(lines):
            if request.method == "HEAD":
                return Response(media_type=KINDS[suffix])
            try:
                self._under_way.acquire_nowait()
            except trio.WouldBlock:
                raise OverloadedError("other tables are being made: try again soon", retry_after_ms=5_000) from None
            try:
                with trio.fail_after(TABLES_S):
                    file, suffix = await _made(f"{name}{suffix}", separator, first, lines, request)
            finally:
                self._under_way.release()
        return _file(file, KINDS[suffix], _saved_as(f"{name}{suffix}"))

    async def backup(self, request: Request) -> Response:
        self.host_token.require(request)
        if self.make_backup is None:
            raise NotFoundError("only the embedded store has one; etcd's is a snapshot")
        if request.method == "HEAD":
            return Response(media_type=SQLITE)
        return _file(await self.make_backup(), SQLITE, {})

    async def _begun(self, request: Request) -> tuple[bytes, AsyncGenerator[bytes, None]]:
        """The first line of the log as this request wants it, and the rest. Raises UnknownGameError."""
        game, repository = game_id(request), self._exported(request)
        try:
            lines = export_log(repository, game)
            try:
                first = await anext(lines)
            except CompactedError:  # trimmed between two reads: the next base is there by now
                lines = export_log(repository, game)
                first = await anext(lines)
        except GameGoneError:
            raise UnknownGameError(f"no game {game!r}") from None
        return first, lines

    def _exported(self, request: Request) -> LogSource:
        """The games as this request wants them exported. Raises BadRequestError."""
        pseudonyms, chat = flag(request, "pseudonyms"), flag(request, "chat")
        if not pseudonyms:
            return self.repository
        return PseudonymousGames(self.repository, Pseudonyms(self.host_token.pseudonym_key, chat))

    def _name(self, request: Request) -> str:
        game = game_id(request)
        host = self.games.hosts.get(game)
        return game if host is None else f"{game}-{host.meta.epoch}"


async def _made(
    name: str, separator: str, first: bytes, lines: AsyncIterator[bytes], request: Request
) -> tuple[BinaryIO, str]:
    """The file that the worker makes of these lines, open and without a name, and its suffix. Raises StoreError."""
    folder = Path(await trio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix="tradegame-tables-")))
    try:
        await _work((*WORKER, str(folder / name), separator), first, lines, request)
        return await trio.to_thread.run_sync(_only_file, folder)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(partial(rmtree, folder, ignore_errors=True))


async def _work(command: Sequence[str], first: bytes, lines: AsyncIterator[bytes], request: Request) -> None:
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

        async def watch() -> None:
            with watching:
                while (await request.receive())["type"] != "http.disconnect":
                    pass
                broken.append(OverloadedError("nobody waits for the answer any more"))
                nursery.cancel_scope.cancel()

        nursery.start_soon(feed, process.stdin)
        nursery.start_soon(watch)
        async with process.stderr:
            async for piece in process.stderr:
                said = (said + piece)[-1_000:]
        watching.cancel()
    if broken:
        raise broken[0]
    if process.returncode != 0:
        raise _WorkerError(f"ended with {process.returncode}: {said.decode(errors='replace').strip()}")


class _WorkerError(Exception):
    """What the worker said last: the log is wrong, or there is no room for the files."""


def _only_file(folder: Path) -> tuple[BinaryIO, str]:
    """The file that the worker made, open, and its suffix."""
    (file,) = folder.iterdir()
    return file.open("rb"), file.suffix


def _file(file: BinaryIO, kind: str, headers: dict[str, str]) -> Response:
    async def body() -> AsyncIterator[bytes]:
        with file:
            while piece := await trio.to_thread.run_sync(file.read, FILE_PIECE):
                yield piece

    size = os.fstat(file.fileno()).st_size
    return StreamingResponse(body(), media_type=kind, headers={**headers, "Content-Length": str(size)})


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
