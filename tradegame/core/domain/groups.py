"""Groups: several games of one definition, and the game by which all enter: the entrance.

The entrance is never played. Its log says who has which group, so every node puts a player into the same one.
"""

from __future__ import annotations

from attrs import evolve, frozen

from tradegame.core.domain.chance import draw_between
from tradegame.core.domain.definition import TITLE_LENGTH, GameDefinition, GroupDefinition
from tradegame.core.domain.state import Effects, GameState
from tradegame.protocol.commands import Join, SetGroup
from tradegame.protocol.errors import UnknownPlayerError
from tradegame.protocol.replies import Sent


def group_ids(definition: GameDefinition) -> tuple[str, ...]:
    """The ids of the games into which this one leads; empty if it is no entrance."""
    return tuple([f"{definition.id}-{number}" for number in range(1, len(definition.groups) + 1)])


def group_definitions(definition: GameDefinition) -> tuple[GameDefinition, ...]:
    """The games into which this one leads: each is the same but for its id, and its title, which has its name."""
    made = []
    for game, name in zip(group_ids(definition), definition.groups, strict=True):
        title = f"{(definition.title or definition.id)[: TITLE_LENGTH - len(name) - 3]} · {name}"
        made.append(evolve(definition, id=game, title=title, groups=(), group=GroupDefinition(definition.id, name)))
    return tuple(made)


def group_of(state: GameState, player: str) -> str | None:
    """The game that this entrance leads the player into; None: the player did not enter."""
    fields = state.players.get(player)
    return group_ids(state.definition)[fields.group - 1] if fields is not None and fields.group else None


def group_name(state: GameState, player: str) -> str:
    """What the player's group is called, in the entrance as in the group; "": there are none."""
    if state.definition.group is not None:
        return state.definition.group.name
    fields = state.players.get(player)
    return state.definition.groups[fields.group - 1] if fields is not None and fields.group else ""


@frozen
class GroupService:
    state: GameState

    def place(self, join: Join) -> None:
        """Who has just entered has a group: the one on their seat, else one of those with the fewest, by chance."""
        state, names = self.state, self.state.definition.groups
        if not names:
            return
        seat = state.seating.get(join.look)
        if seat is not None and seat.player == join.player and seat.group in names:
            number = names.index(seat.group) + 1
        else:
            fewest = min(state.grouped)
            free = [number for number, players in enumerate(state.grouped, 1) if players == fewest]
            state.chance, chosen = draw_between(state.chance, 0, len(free) - 1)
            number = free[chosen]
        state.players[join.player].group = number
        state.grouped[number - 1] += 1

    def move(self, command: SetGroup, effects: Effects) -> Sent:
        """Another group, by its number from 1. Raises UnknownPlayerError, also where there is no such group."""
        state, player = self.state, self.state.players.get(command.account)
        if player is None or not 1 <= command.number <= len(state.grouped):
            raise UnknownPlayerError(f"no player {command.account!r} in this game, or no group {command.number}")
        if player.group != command.number:
            state.grouped[player.group - 1] -= 1
            state.grouped[command.number - 1] += 1
            player.group = command.number
            effects.accounts[command.account] = None
        return Sent(seq=0)
