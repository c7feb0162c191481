"""Reading: the list of games, an account, a book, the standings. Answered from this node's replica at once."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain import views
from tradegame.core.use_cases.clients import ClientSession, Reply
from tradegame.core.use_cases.games import GameService
from tradegame.core.use_cases.requests import BookRequest, GamesRequest, MeRequest, StandingsRequest

DEFAULT_DEPTH = 10


@frozen
class LookUseCase:
    games: GameService

    def list_games(self, client: ClientSession, request: GamesRequest, reply: Reply) -> None:
        hosts = sorted(self.games.hosts.items())
        reply({"games": [views.summary(host.game.state) for _, host in hosts if host.running]})

    def me(self, client: ClientSession, request: MeRequest, reply: Reply) -> None:
        reply(views.account(self.games.present(request.game).game.state, client.player))

    def book(self, client: ClientSession, request: BookRequest, reply: Reply) -> None:
        state = self.games.present(request.game).game.state
        reply(views.book(state, request.good, request.depth or DEFAULT_DEPTH))

    def standings(self, client: ClientSession, request: StandingsRequest, reply: Reply) -> None:
        state = self.games.present(request.game).game.state
        reply({"standings": views.standings(state, request.limit or DEFAULT_DEPTH)})
