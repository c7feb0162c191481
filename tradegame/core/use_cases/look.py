"""Reading: games, an account, fills and orders, a book, the standings. Answered at once from this node's replica."""

from __future__ import annotations

from collections.abc import Awaitable

from attrs import frozen

from tradegame.core.domain import views
from tradegame.core.games.service import GameService
from tradegame.core.games.standings import Standings
from tradegame.core.use_cases.clients import Client, Reply
from tradegame.protocol.bounds import FILLS_KEPT
from tradegame.protocol.requests import (
    BookRequest,
    FillsRequest,
    GamesRequest,
    MeRequest,
    OrdersRequest,
    StandingsRequest,
)
from tradegame.protocol.state import Games

DEFAULT_DEPTH = 10


@frozen
class LookUseCase:
    games: GameService

    def list_games(self, client: Client, request: GamesRequest, reply: Reply) -> None:
        hosts = sorted(self.games.hosts.items())
        reply(Games(tuple(views.summary(host.game.state) for _, host in hosts if host.running)))

    def me(self, client: Client, request: MeRequest, reply: Reply) -> None:
        reply(views.account(self.games.present(request.game).game.state, client.player))

    def fills(self, client: Client, request: FillsRequest, reply: Reply) -> None:
        state = self.games.present(request.game).game.state
        reply(views.fills(state, client.player, request.limit or FILLS_KEPT))

    def orders(self, client: Client, request: OrdersRequest, reply: Reply) -> None:
        reply(views.orders(self.games.present(request.game).game.state, client.player))

    def book(self, client: Client, request: BookRequest, reply: Reply) -> None:
        state = self.games.present(request.game).game.state
        reply(views.book(state, request.good, request.depth or DEFAULT_DEPTH))

    def standings(self, client: Client, request: StandingsRequest, reply: Reply) -> Awaitable[None] | None:
        standings, limit = self.games.present(request.game).standings, request.limit or DEFAULT_DEPTH
        total = request.by == "total"
        known = standings.known(total=total)
        if known is None:
            return self._standings(standings, limit, total, reply)
        reply(standings.shown(known, limit))
        return None

    async def _standings(self, standings: Standings, limit: int, total: bool, reply: Reply) -> None:
        reply(standings.shown(await standings.ranked(total=total), limit))
