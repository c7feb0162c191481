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
    """By skeleton, how many are called so."""
    _highest: dict[str, int] = field(init=False)
    """By skeleton, the highest number of those."""

    @_taken.default
    def _taken_names(self) -> dict[str, None]:
        return {_look(player): None for player in self.state.players.values()}

    @_alike.default
    def _count(self) -> dict[str, int]:
        alike: dict[str, int] = {}
        for player in self.state.players.values():
            alike[player.skeleton] = alike.get(player.skeleton, 0) + 1
        return alike

    @_highest.default
    def _highest_numbers(self) -> dict[str, int]:
        highest: dict[str, int] = {}
        for player in self.state.players.values():
            highest[player.skeleton] = max(highest.get(player.skeleton, 0), player.number)
        return highest

    def alike(self, skeleton: str) -> int:
        """How many players bear a name of this skeleton."""
        return self._alike.get(skeleton, 0)

    def call(self, name: str, skeleton: str) -> Player:
        """A new player of that name; if it is taken, with the next number that is not.

        Numbers go on from the highest that one called so has, so that what is taken is passed once, and not by each.
        """
        player = Player(name, skeleton=skeleton or name)
        look = player.skeleton
        if look in self._taken:
            player.number = max(1, self._highest.get(look, 0))
            while _look(player) in self._taken:
                player.number += 1
            player.name = f"{name} ({player.number})"
        self._alike[look] = self._alike.get(look, 0) + 1
        self._highest[look] = max(self._highest.get(look, 0), player.number)
        self._taken[_look(player)] = None
        return player

    def free(self, player: Player) -> None:
        """The player is removed, and the name is free again."""
        look = player.skeleton
        del self._taken[_look(player)]
        self._alike[look] -= 1
        if not self._alike[look]:
            del self._alike[look], self._highest[look]
        elif player.number == self._highest[look]:
            self._highest[look] = max(
                other.number for other in self.state.players.values() if other.skeleton == look and other is not player
            )


def _look(player: Player) -> str:
    """The skeleton of the name that is shown."""
    if player.number == 1:
        return player.skeleton
    return f"{player.skeleton} ({str(player.number).translate(_DIGITS)})"
