"""What goes through a game's log: a player's commands, a join, what the host says."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.events import Outcome
from tradegame.core.games.service import GameService
from tradegame.core.games.submissions import Submission
from tradegame.core.use_cases.clients import Client, Reply
from tradegame.protocol.commands import Command
from tradegame.protocol.errors import TradeGameError, UnknownGoodError, UnknownOpError
from tradegame.protocol.requests import AnyCommand


@frozen
class SubmitUseCase:
    games: GameService

    def execute(self, game: str, command: Command) -> Submission:
        """Send a command through the game's log; await what is returned, or set its ``answer``.

        Goods never change in a game, so a wrong one costs no entry. Raises what `GameService.host` and
        `GameHost.execute` raise, UnknownGoodError, and UnknownOpError for a command that the game's version of the
        rules does not have.
        """
        host = self.games.host(game)
        good = getattr(command, "good", None)
        if good is not None and good not in host.game.state.markets:
            raise UnknownGoodError(f"no good {good!r} in this game")
        if command.rules_from > host.meta.rules:
            raise UnknownOpError(f"this game is of before {command.op!r}", at="$.op")
        return host.execute(command)

    def submit(self, client: Client, command: AnyCommand, reply: Reply) -> None:
        """A player's command, as this client's; the reply follows when it was applied."""
        game = command.game
        command.player, command.id, command.game = client.player, None, ""

        def answered(outcome: Outcome | TradeGameError) -> None:
            client.in_flight -= 1
            reply(outcome)

        self.execute(game, command).answer = answered
        client.in_flight += 1
