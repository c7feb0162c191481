"""Who the players of a game are: what its state says of them besides what they did.

That is their names, also in the results of closed rounds, and what they said. Ids are made at random, and stay.
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
    """Give players other names, by id. The state is then another one than the log led to."""
    for player, name in names.items():
        state.players[player].name = name
    for result in state.results:
        for row in result["players"]:
            row["name"] = names.get(row["player"], row["name"])


def unsay(state: GameState) -> None:
    """Leave out what was said, but not by whom and when."""
    state.messages = deque(
        (Message(message.player, UNSAID, message.at) for message in state.messages), state.messages.maxlen
    )


def erase(state: GameState, player: str) -> None:
    """Take a player's name and messages out of the state. Raises KeyError if there is no such player.

    Their account, orders and trades stay, under their id: they are part of everybody else's game, too. It counts as a
    frame, so that whoever saw the state before gets the whole of it.
    """
    rename(state, {player: ERASED})
    state.messages = deque((each for each in state.messages if each.player != player), state.messages.maxlen)
    state.seq += 1
