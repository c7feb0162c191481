"""The host's calls about rounds: how they are defined, their phases and clock, the news in them, what they came to."""

from __future__ import annotations

from attrs import evolve, frozen
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.http.bodies import answer, body_of, game_id, key_of, published
from tradegame.controller.http.host_token import HostToken
from tradegame.core.domain import host_views
from tradegame.core.domain.definition import to_json
from tradegame.core.games.service import GameService
from tradegame.core.use_cases.administer import AdministerUseCase
from tradegame.protocol.commands import AddTime, Announce, Pause, SetPhase
from tradegame.protocol.http import Defined


@frozen
class Rounds:
    games: GameService
    administer: AdministerUseCase
    host_token: HostToken

    async def phase(self, request: Request) -> Response:
        self.host_token.require(request)
        body = await body_of(request, SetPhase)
        return published(await self.administer.set_phase(game_id(request), body, key_of(request)))

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
        return answer(host_views.coming(self.games.present(game_id(request)).game.state))

    async def definition(self, request: Request) -> Response:
        """It is the host's: it has the news that are to come, and everybody's values."""
        self.host_token.require(request)
        definition = self.games.present(game_id(request)).game.state.definition
        return answer(Defined(to_json(evolve(definition, group=None))))  # a game like this group would be none

    async def news(self, request: Request) -> Response:
        self.host_token.require(request)
        body = await body_of(request, Announce)
        news = body.text, body.good, body.anchor_bps
        return published(await self.administer.announce(game_id(request), *news, key_of(request)))

    async def reveal(self, request: Request) -> Response:
        self.host_token.require(request)
        return published(await self.administer.reveal(game_id(request), key_of(request)))
