"""Who the players of a game are: what its state says of them besides what they did.

That is their names, also in the results of closed rounds and on the roster with what the host noted there, and what
they said. Ids are made at random,
and stay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from tradegame.core.domain.state import GameState
from tradegame.protocol.state import Message

ERASED = "erased"
"""The name of a player who was erased."""
UNSAID = "…"
"""What stands where a message was left out."""


def rename(state: GameState, names: Mapping[str, str]) -> None:
    """Give players other names, by id; also those who were removed. The state is then another than the log led to."""
    for player, name in names.items():
        if (fields := state.players.get(player)) is not None:
            fields.name = name
        if player in state.removed:
            state.removed[player] = name
    for result in state.results:
        for row in result["players"]:
            row["name"] = names.get(row["player"], row["name"])


def unsay(state: GameState) -> None:
    """Leave out what was said, but not by whom and when."""
    state.messages = deque(
        (Message(each.player, UNSAID, each.at, each.number) for each in state.messages), state.messages.maxlen
    )


def erase(state: GameState, player: str) -> None:
    """Take a player's name and messages out of the state. Raises KeyError if there is no such player.

    Their account, orders and trades stay, under their id: they are part of everybody else's game, too. It counts as a
    frame, so that whoever saw the state before gets the whole of it.
    """
    if player not in state.players and player not in state.removed:
        raise KeyError(player)
    for look, seat in [each for each in state.seating.items() if each[1].player == player]:
        state.listed -= seat.listed
        del state.seating[look], state.looks[seat.number]
    erased, gone = state.players.get(player), state.removed.get(player)
    look = next((look for look, names in state.roster.items() if gone in names), "")
    rename(state, {player: ERASED})
    if erased is not None:
        look = erased.skeleton
        erased.skeleton, erased.number = player, 1  # looks like nobody else
    if names := state.roster.get(look):
        names.pop()
        if not names:
            del state.roster[look]
    state.messages = deque((each for each in state.messages if each.player != player), state.messages.maxlen)
    state.seq += 1
