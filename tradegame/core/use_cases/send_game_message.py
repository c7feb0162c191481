"""Chat: to everyone in the game, or to one player."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.commands import Say
from tradegame.core.use_cases.buy_good import submit
from tradegame.core.use_cases.clients import ClientSession, Reply
from tradegame.core.use_cases.games import GameService
from tradegame.core.use_cases.requests import SayRequest


@frozen
class SendMessageUseCase:
    games: GameService

    def say(self, client: ClientSession, request: SayRequest, reply: Reply) -> None:
        host = self.games.host(request.game)
        submit(host, client, Say(player=client.player, key=request.key, text=request.text, to=request.to), reply)
