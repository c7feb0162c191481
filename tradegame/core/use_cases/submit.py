"""What goes through a game's log: a player's commands, a join, what the host says."""

from __future__ import annotations

from attrs import field, frozen

from tradegame.core.domain.keys import stamp
from tradegame.core.domain.robots import NO_SEAT, played_by_server
from tradegame.core.games.service import GameService
from tradegame.core.games.submissions import Submission
from tradegame.core.use_cases.clients import Asked, Client, Commander
from tradegame.protocol.bounds import UNANSWERED
from tradegame.protocol.commands import Command
from tradegame.protocol.errors import NotAdmittedError, OverloadedError, UnknownGoodError, UnknownOpError
from tradegame.protocol.requests import AnyCommand, Say

CROWDED_MS = 100
"""When a player with too many unanswered commands may come again: a few entries later."""


@frozen
class SubmitUseCase:
    """``unanswered``: by game and player, how many commands with a key this node has taken in and not answered.

    More than `UNANSWERED` are refused: while one is on its way, so many newer keys may pass it that it would be stale.
    """

    games: GameService
    unanswered: dict[Commander, int] = field(factory=dict, init=False)

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
        stamp(host.game.state, command)
        return host.execute(command)

    def submit(self, client: Client, command: AnyCommand, asked: Asked) -> None:
        """A player's command, as this client's; the reply follows when it was applied.

        Raises NotAdmittedError for a robot whose seat is taken: it need not be told by the log.
        """
        game = command.game
        if client.robot and not played_by_server(self.games.host(game).game.state, client.player):
            raise NotAdmittedError(NO_SEAT)
        command.player, command.by_robot, command.id, command.game = client.player, client.robot, None, ""
        key, whose = command.key, (game, command.player)
        if key is not None and self.unanswered.get(whose, 0) >= UNANSWERED:
            raise OverloadedError("too many of your commands are unanswered", retry_after_ms=CROWDED_MS)
        if isinstance(command, Say):
            self._charge(client, game, command)
        submission = self.execute(game, command)
        submission.answer = asked
        asked.submitted(submission, self.unanswered, None if key is None else whose)

    def _charge(self, client: Client, game: str, command: Say) -> None:
        """What others must read has budgets of its own. Raises RateLimitedError.

        What the game will refuse is shown to nobody, and takes nothing from them.
        """
        state = self.games.host(game).game.state
        speaker = state.players.get(command.player)
        if speaker is None or speaker.muted or not state.chat:
            return
        if command.to is None:
            client.budgets.messages.talk(game, command.player, command.text)
        elif command.to != command.player:
            client.budgets.messages.whisper(command.to, command.text)
