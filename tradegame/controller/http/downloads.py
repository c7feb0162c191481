"""What the host takes home: a game's log, its tables, a copy of the store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from shutil import copyfileobj
from typing import BinaryIO, TypeVar, cast
from zipfile import ZipFile

import trio
from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tradegame.controller.http import workers
from tradegame.controller.http.bodies import choice, flag, game_id
from tradegame.controller.http.host_token import HostToken
from tradegame.core.domain.groups import group_ids
from tradegame.core.games.export import LogSource
from tradegame.core.games.pseudonyms import PseudonymousGames, Pseudonyms
from tradegame.core.games.service import GameService
from tradegame.core.repositories import GameStateRepository
from tradegame.core.tables.csv_files import SEPARATORS
from tradegame.protocol.errors import NotFoundError, OverloadedError
from tradegame.protocol.http import SeparatorName, TableFormat

JSON_LINES = "application/x-ndjson"
SQLITE = "application/vnd.sqlite3"
KINDS = {".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".zip": "application/zip"}
SUFFIXES: Mapping[TableFormat, str] = {"xlsx": ".xlsx", "csv": ".zip"}
T = TypeVar("T")
FILE_PIECE = 262_144
"""So many bytes of a file are read and sent in one go."""


@frozen
class Downloads:
    """``backup``: a copy of the store in a file without a name. None: the store is not a file. ``under_way``: logs that
    are worked on.
    """

    games: GameService
    repository: GameStateRepository
    host_token: HostToken
    make_backup: Callable[[], Awaitable[BinaryIO]] | None
    under_way: trio.Semaphore

    async def log(self, request: Request) -> Response:
        """From the store, not from a host: a game that this node stopped is the one whose log is wanted."""
        self.host_token.require(request)
        source, game = self._exported(request), game_id(request)
        if request.method == "HEAD":
            await workers.begins(source, game)
            return Response(media_type=JSON_LINES)
        log = await self._in_turn(partial(workers.log_of, source, game), request)
        return _file(log, JSON_LINES, _saved_as(f"{self._name(request)}.jsonl"))

    async def tables(self, request: Request) -> Response:
        """The same log as tables. A process of its own replays it, so that nobody who plays waits for that."""
        self.host_token.require(request)
        kind = choice(request, "format", TableFormat)
        suffix = SUFFIXES[kind]
        separator = SEPARATORS[choice(request, "separator", SeparatorName)]
        source, name, groups = self._exported(request), self._name(request), self._groups(request)
        if groups and kind == "csv":
            name = f"{name}-csv"  # an archive of workbooks is a .zip, too
        if request.method == "HEAD":
            await workers.begins(source, game_id(request))
            return Response(media_type=KINDS[".zip" if groups else suffix])

        async def make() -> tuple[BinaryIO, str]:
            if not groups:
                return await workers.made(f"{name}{suffix}", separator, source, game_id(request))
            file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - whoever sends it closes it
            try:
                for each in (game_id(request), *groups):  # the entrance has the roster, and so who never came
                    one, one_as = await workers.made(f"{each}{suffix}", separator, source, each)
                    await trio.to_thread.run_sync(_put_in, file, one, f"{each}{one_as}")
                file.seek(0)
            except BaseException:
                file.close()
                raise
            return file, ".zip"

        file, made_as = await self._in_turn(make, request)
        return _file(file, KINDS[made_as], _saved_as(f"{name}{made_as}"))

    async def backup(self, request: Request) -> Response:
        self.host_token.require(request)
        if self.make_backup is None:
            raise NotFoundError("only the embedded store has one; etcd's is a snapshot")
        if request.method == "HEAD":
            return Response(media_type=SQLITE)
        return _file(await self.make_backup(), SQLITE, {})

    async def _in_turn(self, work: Callable[[], Awaitable[T]], request: Request) -> T:
        """What ``work`` makes of a log while whoever asked waits for it. Raises OverloadedError, and what it raises."""
        try:
            self.under_way.acquire_nowait()
        except trio.WouldBlock:
            raise OverloadedError("other logs are being read: try again soon", retry_after_ms=5_000) from None
        try:
            return await workers.wanted(work, request.receive)
        finally:
            self.under_way.release()

    def _exported(self, request: Request) -> LogSource:
        """The games as this request wants them exported. Raises BadRequestError."""
        pseudonyms, chat = flag(request, "pseudonyms"), flag(request, "chat")
        if not pseudonyms:
            return self.repository
        return PseudonymousGames(self.repository, Pseudonyms(self.host_token.pseudonym_key, chat))

    def _groups(self, request: Request) -> tuple[str, ...]:
        """The games whose tables are asked for by their entrance; none: of that game itself."""
        host = self.games.hosts.get(game_id(request))
        return () if host is None else group_ids(host.game.state.definition)

    def _name(self, request: Request) -> str:
        game = game_id(request)
        host = self.games.hosts.get(game)
        return game if host is None else f"{game}-{host.meta.epoch}"


def _file(file: BinaryIO, kind: str, headers: dict[str, str]) -> Response:
    async def body() -> AsyncIterator[bytes]:
        with file:
            while piece := await trio.to_thread.run_sync(file.read, FILE_PIECE):
                yield piece

    size = os.fstat(file.fileno()).st_size
    return StreamingResponse(body(), media_type=kind, headers={**headers, "Content-Length": str(size)})


def _put_in(archive: BinaryIO, file: BinaryIO, name: str) -> None:
    """Add a file to an archive, as it is: it is compressed already."""
    with file, ZipFile(archive, "a") as made, made.open(name, "w") as entry:
        copyfileobj(file, entry)


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
