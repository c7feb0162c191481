"""How players come along: who said that they are ready, what they know of the game, and who is refused again and again.

All of it is for the host to see. Only where the definition asks for it, nobody trades before the quiz is answered.
"""

from __future__ import annotations

from itertools import chain, repeat
from typing import get_args

from attrs import field, frozen

from tradegame.core.domain.state import Effects, GameState, Player
from tradegame.protocol.commands import Command
from tradegame.protocol.errors import NotReadyError
from tradegame.protocol.replies import Readied
from tradegame.protocol.requests import AnyCommand, CancelAll, CancelOrder, Ready, Say

_TALK, _CANCELS = frozenset({Say, Ready}), frozenset({CancelOrder, CancelAll})
TRADES = frozenset(get_args(AnyCommand)) - _TALK - _CANCELS
"""What waits for the quiz: every command that is not named here."""
COUNTED = TRADES | _CANCELS


@frozen
class ReadinessService:
    """``refusals``: by player, how many commands in a row were refused, if any were. It is counted of what was applied
    here, and no part of the state: what is refused changes nothing in that.
    """

    state: GameState
    refusals: dict[str, int] = field(factory=dict, init=False)

    def ready(self, command: Ready, effects: Effects) -> Readied:
        """What is not answered is wrong. Of several attempts the best one counts."""
        player, quiz = self.state.players[command.player], self.state.definition.quiz
        given = chain(command.answers or (), repeat(None))
        right = tuple([answer == question.right for question, answer in zip(quiz, given, strict=False)])
        player.ready = True
        if quiz and command.answers is not None:
            player.right = max(player.right or 0, sum(right))
        effects.accounts[command.player] = None
        return Readied(right, seq=0)

    def check(self, command: Command, player: Player) -> None:
        """Raises NotReadyError for a trade that has to wait for the quiz."""
        definition = self.state.definition
        if not definition.quiz_first or type(command) not in TRADES or (player.right or 0) >= len(definition.quiz):
            return
        if command.player not in self.state.robots:
            raise NotReadyError("answer the quiz after the instructions first, all of it rightly")

    def count(self, command: Command, *, refused: bool) -> None:
        """Whether a command was refused that is no late copy."""
        if (not refused and command.player not in self.refusals) or type(command) not in COUNTED:
            return
        if not refused:
            del self.refusals[command.player]
            return
        self.refusals[command.player] = self.refusals.get(command.player, 0) + 1
        if len(self.refusals) > len(self.state.players):
            for gone in self.refusals.keys() - self.state.players.keys():
                del self.refusals[gone]
