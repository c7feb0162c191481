"""What goes through a game's log: put into it, and answered by what came of it there."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.events import Outcome
from tradegame.core.use_cases.clients import ClientSession, Reply
from tradegame.core.use_cases.games import GameService
from tradegame.protocol.errors import TradeGameError, UnknownGoodError, UnknownOpError
from tradegame.protocol.requests import AnyCommand


@frozen
class SubmitUseCase:
    """Every command of a player but ``join``."""

    games: GameService

    def submit(self, client: ClientSession, command: AnyCommand, reply: Reply) -> None:
        """Put it into the log as this client's; the reply follows when it was applied.

        Goods never change in a game, so a wrong one costs no entry. Raises UnknownGoodError, and UnknownOpError for a
        command that the game's version of the rules does not have.
        """
        host = self.games.host(command.game)
        good = getattr(command, "good", None)
        if good is not None and good not in host.game.state.markets:
            raise UnknownGoodError(f"no good {good!r} in this game")
        if command.rules_from > host.meta.rules:
            raise UnknownOpError(f"this game is of before {command.op!r}", at="$.op")
        command.player, command.id, command.game = client.player, None, ""

        def answered(outcome: Outcome | TradeGameError) -> None:
            client.in_flight -= 1
            reply(outcome)

        host.submit(command, answered)
        client.in_flight += 1
