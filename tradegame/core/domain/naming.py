"""What players are called in a game: the second who looks like Anna is *Anna (2)*, as a name is for a token's life.

Whether two names look alike says the log, in skeletons: see `tradegame.protocol.names`. Here they are only compared.
"""

from __future__ import annotations

from attrs import field, frozen

from tradegame.core.domain.state import GameState, Player

_DIGITS = str.maketrans("01", "ol")
"""The skeletons of digits: those of the others are themselves."""


@frozen
class NamingService:
    """Names that are taken, of those who have an account."""

    state: GameState
    _taken: dict[str, None] = field(init=False)
    _alike: dict[str, int] = field(init=False)
    """By skeleton, how many were called so."""

    @_taken.default
    def _taken_names(self) -> dict[str, None]:
        return {_look(player): None for player in self.state.players.values()}

    @_alike.default
    def _count(self) -> dict[str, int]:
        alike: dict[str, int] = {}
        for player in self.state.players.values():
            alike[player.skeleton] = alike.get(player.skeleton, 0) + 1
        return alike

    def alike(self, skeleton: str) -> int:
        """How many players bear a name of this skeleton."""
        return self._alike.get(skeleton, 0)

    def call(self, name: str, skeleton: str) -> Player:
        """A new player of that name; if it is taken, with the next number that is not."""
        player = Player(name, skeleton=skeleton or name)
        alike = self._alike[player.skeleton] = self._alike.get(player.skeleton, 0) + 1
        if _look(player) in self._taken:
            player.number = max(2, alike)
            while _look(player) in self._taken:
                player.number += 1
            player.name = f"{name} ({player.number})"
        self._taken[_look(player)] = None
        return player

    def free(self, player: Player) -> None:
        """The player is removed, and the name is free again."""
        del self._taken[_look(player)]
        self._alike[player.skeleton] -= 1
        if not self._alike[player.skeleton]:
            del self._alike[player.skeleton]


def _look(player: Player) -> str:
    """The skeleton of the name that is shown."""
    if player.number == 1:
        return player.skeleton
    return f"{player.skeleton} ({str(player.number).translate(_DIGITS)})"
