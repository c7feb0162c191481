"""What makes a command happen at most once, over connections, processes and days. No I/O here."""

from __future__ import annotations

from typing import Self

from attrs import Factory, define

DOUBTS = 1_000
"""So many keys of commands that ended in doubt are known by their text, the newest."""


class Key(str):
    """A command's key, with what the client was told when it made the command.

    ``since``: the highest ``keys`` that the server had told for ``epoch``, this life of the game. A game forgets keys;
    by these two it tells a late copy of a command from a new one, so every copy must have the same. Written down and
    made again as ``Key(key, since, epoch)``, it is still the same copy. A plain text is the key of a new command, or of
    one that ended in doubt in this very client.
    """

    __slots__ = ("epoch", "since")

    since: int | None
    epoch: str | None

    def __new__(cls, key: str, since: int | None = None, epoch: str | None = None) -> Self:
        made = super().__new__(cls, key)
        made.since, made.epoch = since, epoch
        return made


@define
class Told:
    """The highest ``keys`` that the client was told, for the present epoch of each game."""

    _games: dict[str, tuple[str, int]] = Factory(dict)
    _doubts: dict[tuple[str, str], Key] = Factory(dict)

    def now(self, game: str) -> tuple[int | None, str | None]:
        """``since`` and ``epoch`` of a command that is made now; None where the server told nothing."""
        epoch, keys = self._games.get(game, (None, None))
        return keys, epoch

    def joined(self, game: str, epoch: str, keys: int | None) -> None:
        """An account was shown. What was told for another epoch is over."""
        if keys is None:
            self._games.pop(game, None)
        else:
            known, before = self._games.get(game, (epoch, 0))
            self._games[game] = epoch, max(keys, before if known == epoch else 0)

    def answered(self, game: str, epoch: str | None, keys: int | None, *, went_back: bool) -> None:
        """A command of that epoch was answered. ``went_back``: the store did, so less than before is true now."""
        known, before = self._games.get(game, (None, 0))
        if keys is not None and epoch is not None and epoch == known:
            self._games[game] = epoch, keys if went_back else max(keys, before)

    def doubt(self, game: str, key: Key) -> None:
        """The call of that key ends in doubt: it may be made again by the text of its key."""
        self._doubts.pop((game, str(key)), None)
        self._doubts[game, str(key)] = key
        if len(self._doubts) > DOUBTS:
            del self._doubts[next(iter(self._doubts))]

    def known(self, game: str, key: str) -> Key:
        """The key that a caller gave, with what its copies say, if that is known."""
        return key if isinstance(key, Key) and key.since is not None else self._doubts.get((game, key), Key(key))

    def over(self, game: str) -> None:
        """The epoch is over."""
        self._games.pop(game, None)
