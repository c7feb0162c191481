"""The host's calls about people: who may join, who may speak, and who is out."""

from __future__ import annotations

import msgspec
import trio
from attrs import frozen
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.http.bodies import answer, body_of, game_id, key_of, number_of, published
from tradegame.controller.http.host_token import HostToken
from tradegame.controller.http.pieces import InPieces
from tradegame.core.domain import host_views
from tradegame.core.domain.groups import group_ids
from tradegame.core.games.service import GameService
from tradegame.core.use_cases.administer import AdministerUseCase
from tradegame.protocol.commands import SetAccess, SetRobots
from tradegame.protocol.errors import UnknownMessageError
from tradegame.protocol.http import Muting, Regrouping, RosterRow, Sitting, Telling
from tradegame.protocol.seats import NewRoster

ROWS_AT_ONCE = 2_000
"""Players of a roster that are encoded in one go: some 2 ms."""
_json = msgspec.json.Encoder().encode


@frozen
class People:
    games: GameService
    administer: AdministerUseCase
    host_token: HostToken

    async def access(self, request: Request) -> Response:
        self.host_token.require(request)
        body = await body_of(request, SetAccess)
        return published(await self.administer.set_access(game_id(request), body, key_of(request)))

    async def roster(self, request: Request) -> Response:
        self.host_token.require(request)
        game = self.games.present(game_id(request)).game
        state = game.state
        pieces, players = [_json(host_views.roster(state)).removesuffix(b"]}")], list(state.players)
        seats = {seat.player: seat for seat in state.seating.values()}
        for first in range(0, len(players), ROWS_AT_ONCE):
            some = players[first : first + ROWS_AT_ONCE]
            told = [self._in_group(row) for row in host_views.roster_rows(state, some, seats, game.refusals)]
            rows = _json(told)[1:-1]
            pieces.append(b"," + rows if first and rows else rows)
            await trio.lowlevel.checkpoint()
        return InPieces([*filter(None, pieces), b"]}"])

    def _in_group(self, row: RosterRow) -> RosterRow:
        """In an entrance: with what the player does in their group, as far as this node serves that."""
        host = None if row.group is None else self.games.hosts.get(row.group)
        if host is None or not host.running:
            return row
        there = host_views.roster_rows(host.game.state, (row.player,), {}, host.game.refusals)
        return structs.replace(there[0], seat=row.seat, label=row.label, group=row.group) if there else row

    async def set_roster(self, request: Request) -> Response:
        self.host_token.require(request)
        roster = await body_of(request, NewRoster)
        return published(await self.administer.set_roster(game_id(request), roster, key_of(request)))

    async def remove(self, request: Request) -> Response:
        self.host_token.require(request)
        player: str = request.path_params["player"]
        return published(await self.administer.remove(game_id(request), player, key_of(request)))

    async def readmit(self, request: Request) -> Response:
        self.host_token.require(request)
        player: str = request.path_params["player"]
        return published(await self.administer.readmit(game_id(request), player, key_of(request)))

    async def set_group(self, request: Request) -> Response:
        self.host_token.require(request)
        body, player = await body_of(request, Regrouping), request.path_params["player"]
        return published(await self.administer.set_group(game_id(request), player, body.group, key_of(request)))

    async def mute(self, request: Request) -> Response:
        self.host_token.require(request)
        muted, player = (await body_of(request, Muting)).muted, request.path_params["player"]
        outcome = await self.administer.mute(game_id(request), player, muted=muted, key=key_of(request))
        return published(outcome)

    async def tell(self, request: Request) -> Response:
        self.host_token.require(request)
        text, player = (await body_of(request, Telling)).text, request.path_params["player"]
        return published(await self.administer.tell(game_id(request), player, text, key_of(request)))

    async def robots(self, request: Request) -> Response:
        self.host_token.require(request)
        state = self.games.present(game_id(request)).game.state
        played = [self.games.present(group).game.state for group in group_ids(state.definition)] or [state]
        return answer(host_views.robots(*played))

    async def set_robots(self, request: Request) -> Response:
        self.host_token.require(request)
        body = await body_of(request, SetRobots)
        return published(await self.administer.set_robots(game_id(request), body, key_of(request)))

    async def sit_in(self, request: Request) -> Response:
        self.host_token.require(request)
        body, player = await body_of(request, Sitting), request.path_params["player"]
        strategy, key = body.strategy, key_of(request)
        outcome = await self.administer.sit_in(game_id(request), player, sits=body.sits, strategy=strategy, key=key)
        return published(outcome)

    async def unsay(self, request: Request) -> Response:
        self.host_token.require(request)
        number = number_of(request, "message")
        if number is None:
            raise UnknownMessageError("no such message is kept")
        return published(await self.administer.unsay(game_id(request), number, key_of(request)))
