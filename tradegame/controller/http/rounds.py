"""The host's calls about rounds: their phases and clock, the news in them, and what they came to."""

from __future__ import annotations

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.http.bodies import answer, body_of, game_id, key_of, published
from tradegame.controller.http.host_token import HostToken
from tradegame.core.domain import views
from tradegame.core.games.service import GameService
from tradegame.core.use_cases.administer import AdministerUseCase
from tradegame.protocol.commands import AddTime, Announce, Pause, SetPhase
from tradegame.protocol.errors import BadRequestError


@frozen
class Rounds:
    games: GameService
    administer: AdministerUseCase
    host_token: HostToken

    async def phase(self, request: Request) -> Response:
        self.host_token.require(request)
        body = await body_of(request, SetPhase)
        return published(await self.administer.set_phase(game_id(request), body.phase, key_of(request)))

    async def pause(self, request: Request) -> Response:
        self.host_token.require(request)
        paused = (await body_of(request, Pause)).paused
        return published(await self.administer.pause(game_id(request), paused=paused, key=key_of(request)))

    async def add_time(self, request: Request) -> Response:
        self.host_token.require(request)
        body = await body_of(request, AddTime)
        return published(await self.administer.add_time(game_id(request), body.add_s, key_of(request)))

    async def coming(self, request: Request) -> Response:
        self.host_token.require(request)
        return answer(views.coming(self.games.present(game_id(request)).game.state))

    async def news(self, request: Request) -> Response:
        self.host_token.require(request)
        body = await body_of(request, Announce)
        if body.anchor_bps and body.good is None:
            raise BadRequestError("expected the good whose anchor it shifts", at="$.good")
        news = body.text, body.good, body.anchor_bps
        return published(await self.administer.announce(game_id(request), *news, key_of(request)))

    async def reveal(self, request: Request) -> Response:
        self.host_token.require(request)
        return published(await self.administer.reveal(game_id(request), key_of(request)))
