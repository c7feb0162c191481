"""Each player's own report, to that player alone: by a link, or by the session of who is signed in.

Nothing is asked of the event loop for it: a process replays the game's log once after each close, and all reports are
read from the file that it made.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import io
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.http import workers
from tradegame.controller.http.bodies import choice, game_id
from tradegame.controller.http.host_token import HostToken
from tradegame.controller.http.invitations import Invitations
from tradegame.controller.http.pieces import InPieces
from tradegame.core.admission.budgets import WRONG_TOKEN
from tradegame.core.domain.groups import group_ids, group_name
from tradegame.core.domain.private_values import are_secret
from tradegame.core.domain.state import GameState, RosterSeat
from tradegame.core.games.host import GameHost
from tradegame.core.games.service import GameService
from tradegame.core.repositories import GameStateRepository, StoreError
from tradegame.core.tables.csv_files import SEPARATORS, guarded
from tradegame.core.tables.report_file import NEVER, SUFFIX, ReportFile, last_closed
from tradegame.core.tables.reports import Facts, pieces
from tradegame.core.use_cases.sessions import SessionService
from tradegame.protocol.errors import (
    NotFoundError,
    NotJoinedError,
    OverloadedError,
    UnauthorizedError,
    UnavailableError,
    UnknownPlayerError,
)
from tradegame.protocol.http import SeparatorName

KEY_BITS = 128
TURN_S = 30.0
"""So long whoever asks waits for others who are before them; then they are told to come again."""
AGAIN_S = 30.0
"""After reports could not be made, they are tried again so much later."""
FILES_KEPT = 32
"""Games whose reports are kept, each as an open file without a name. Others are made again."""
ROWS_AT_ONCE = 250
"""Links that are made in one go: some 2 ms."""
KEY_LENGTH, TOKEN_LENGTH = 100, 256


@define(eq=False)
class _Shelf:
    """The reports of one life of a game. ``failed_at``: when they could not be made."""

    epoch: str
    turn: trio.Lock = field(factory=trio.Lock)
    file: ReportFile | None = None
    failed_at: float = -AGAIN_S

    def empty(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


@define(eq=False)
class PlayerReports:
    """``pay``: charges whoever asks. ``under_way``: logs that are worked on."""

    games: GameService
    repository: GameStateRepository
    sessions: SessionService
    host_token: HostToken
    invitations: Invitations
    pay: Callable[[Request, float], Awaitable[None]]
    under_way: trio.Semaphore
    _shelves: OrderedDict[str, _Shelf] = field(factory=OrderedDict, init=False)
    """By game, the one that was asked for last at the end."""

    async def own(self, request: Request) -> Response:
        """Raises NotFoundError while the host shows none, and what `_player` and `_made` raise."""
        host = self.games.present(game_id(request))
        if not host.game.state.reports:
            raise NotFoundError("the host does not show reports of this game, or not yet")
        player = await self._player(request, host)
        partial, rounds, own, compared = await self._made(host, player)
        state = host.game.state  # as it is after all that was awaited: what it keeps a secret is not told
        fields = state.players.get(player)
        if fields is None or not state.reports:
            raise UnknownPlayerError("this player has no account in the game, or none any more")
        private = state.definition.private_values
        facts = Facts(
            state.definition.id,
            state.definition.title,
            player,
            fields.name,
            None if private is None else private.good,
            partial,
            self._key(state, player),
        )
        response = InPieces(pieces(facts, rounds, own, None if are_secret(state) else compared))
        response.headers["Cache-Control"] = "no-store"
        return response

    async def links(self, request: Request) -> Response:
        """For the host: everybody's link, as CSV."""
        self.host_token.require(request)
        separator = SEPARATORS[choice(request, "separator", SeparatorName)]
        state = self.games.present(game_id(request)).game.state
        played = [self.games.present(group).game.state for group in group_ids(state.definition)] or [state]
        root, _ = self.invitations.root(request)
        text = io.StringIO("\ufeff", newline="")
        text.seek(0, io.SEEK_END)
        write = csv.writer(text, delimiter=separator, lineterminator="\r\n").writerow
        write(("player", "label", "name", "group", "link"))
        for each in played:
            seats, nobodys = {seat.player: seat for seat in each.seating.values()}, RosterSeat("")
            for number, player in enumerate(list(each.players), 1):
                if number % ROWS_AT_ONCE == 0:
                    await trio.lowlevel.checkpoint()
                fields, seat = each.players.get(player), seats.get(player, nobodys)
                if fields is None:  # removed meanwhile
                    continue
                link = f"{root}/report/{each.definition.id}#{self._key(each, player)}"
                group = group_name(each, player) or seat.group
                write((player, guarded(seat.label), guarded(fields.name), guarded(group), link))
        saved_as = f'attachment; filename="{state.definition.id}-reports.csv"'
        headers = {"Content-Disposition": saved_as, "Cache-Control": "no-store"}
        return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)

    def _key(self, state: GameState, player: str) -> str:
        """What is behind the # of a link: the same on every node, and after a restart, while the host's token is."""
        what = f"{state.definition.id}\n{state.epoch}\n{player}".encode()
        secret = hmac.digest(self.host_token.report_key, what, hashlib.sha256)[: KEY_BITS // 8]
        return f"{player}.{base64.urlsafe_b64encode(secret).rstrip(b'=').decode()}"

    async def _player(self, request: Request, host: GameHost) -> str:
        """Whose report is asked for. Raises UnauthorizedError, NotJoinedError and StoreError."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        given = given.strip()
        if scheme.lower() == "report" and len(given) <= KEY_LENGTH:
            player, state = given.rpartition(".")[0], host.game.state
            if hmac.compare_digest(self._key(state, player).encode(), given.encode()):
                return player
        elif scheme.lower() == "session" and 0 < len(given) <= TOKEN_LENGTH:
            try:
                player = (await self.sessions.sign_in(None, given)).player.id
            except UnauthorizedError:
                await self.pay(request, WRONG_TOKEN)
                raise
            if player not in host.game.state.players:
                raise NotJoinedError("this player has no account in the game")
            return player
        await self.pay(request, WRONG_TOKEN)
        raise UnauthorizedError("a report needs its link, or the session of its player")

    async def _made(self, host: GameHost, player: str) -> tuple[bool, bytes, bytes, bytes]:
        """Whether the log is partial, and the three parts of a report, as of the last close.

        All of a game's are made once, and everybody waits for that. Raises OverloadedError, UnavailableError, and what
        making them raises.
        """
        if last_closed(host.game.state) == NEVER:
            return False, b"[]", *_newcomers(host.game.state, player)
        shelf = self._shelf(host)
        with trio.move_on_after(TURN_S) as waiting:
            await shelf.turn.acquire()
        if waiting.cancelled_caught:
            raise OverloadedError("the reports are being made: try again soon", retry_after_ms=5_000)
        try:
            file = shelf.file
            if file is None or (file.closed != last_closed(host.game.state) and file.seq <= host.game.state.seq):
                file = await self._make(host, shelf)
            if (
                file.seq > host.game.state.seq
            ):  # what the node has not seen it might tell, though it is a secret by then
                raise UnavailableError("this node is behind: try again")
            found = await trio.to_thread.run_sync(file.read, player) or _newcomers(host.game.state, player)
            return file.partial, file.rounds, *found
        finally:
            shelf.turn.release()

    def _shelf(self, host: GameHost) -> _Shelf:
        shelf = self._shelves.get(host.id)
        if shelf is None or shelf.epoch != host.meta.epoch:
            if shelf is not None and not shelf.turn.locked():
                shelf.empty()
            shelf = self._shelves[host.id] = _Shelf(host.meta.epoch)
        self._shelves.move_to_end(host.id)
        for game, other in list(self._shelves.items()):
            if len(self._shelves) <= FILES_KEPT:
                break
            if not other.turn.locked() and other is not shelf:
                other.empty()
                del self._shelves[game]
        return shelf

    async def _make(self, host: GameHost, shelf: _Shelf) -> ReportFile:
        if trio.current_time() < shelf.failed_at + AGAIN_S:
            raise OverloadedError("the reports could not be made: try again later", retry_after_ms=int(AGAIN_S * 1000))
        async with self.under_way:
            try:
                file, _ = await workers.made(f"game{SUFFIX}", ",", self.repository, host.id)
                made = await trio.to_thread.run_sync(ReportFile.of, file)
            except (StoreError, UnavailableError):
                raise
            except Exception:
                shelf.failed_at = trio.current_time()
                raise
        shelf.empty()
        shelf.file = made
        return made


def _newcomers(state: GameState, player: str) -> tuple[bytes, bytes]:
    """What there is to tell of who took part in no round that has closed."""
    fields, players = state.players.get(player), state.players
    score = 0 if fields is None else fields.score
    rank = 1 + sum(each.score > score for each in players.values())
    return b'{"total":%d,"rounds":[]}' % score, b'{"rank":%d,"players":%d,"rounds":[]}' % (rank, len(players))
