"""Which connections there are, on all nodes: in which games each player is online."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from attrs import define, field, frozen

from tradegame.core.repositories import ConnectionsChanged, LiveConnection, NodeInfo

LOOKED_THROUGH_AT_ONCE = 500


@frozen
class PresenceDelta:
    """Players who came and went in one game since the last delta; never the same player in both."""

    online: tuple[str, ...]
    offline: tuple[str, ...]


@define
class Presence:
    """Counts connections per player, so that a second tab is not a second arrival."""

    _connections: dict[str, LiveConnection] = field(factory=dict, init=False)
    _players: dict[str, int] = field(factory=dict, init=False)
    _counts: dict[str, dict[str, int]] = field(factory=dict, init=False)
    _playing: dict[str, dict[str, int]] = field(factory=dict, init=False)
    _told: dict[str, dict[str, None]] = field(factory=dict, init=False)
    _changed: dict[str, dict[str, None]] = field(factory=dict, init=False)
    nodes: tuple[NodeInfo, ...] = field(default=(), init=False)
    _read: bool = field(default=False, init=False)

    def change(self, change: ConnectionsChanged) -> None:
        """Apply what the register says."""
        for _ in self.steps(change):
            pass

    def steps(self, change: ConnectionsChanged) -> Iterator[None]:
        """Apply what the register says, in steps of about 1 ms: when a node dies, all its connections go at once."""
        gone: Iterable[str] = change.removed
        if change.reset:
            there = {connection.id for connection in change.saved}
            gone = [key for key in self._connections if key not in there]
        for number, connection in enumerate(change.saved, 1):
            if number % LOOKED_THROUGH_AT_ONCE == 0:
                yield
            self._forget(connection.id)
            self._connections[connection.id] = connection
            self._players[connection.player] = self._players.get(connection.player, 0) + 1
            for game in connection.games:
                _more(self._counts, game, connection.player)
                self._changed.setdefault(game, {})[connection.player] = None
            for game in connection.plays:
                _more(self._playing, game, connection.player)
        for number, removed in enumerate(gone, 1):
            if number % LOOKED_THROUGH_AT_ONCE == 0:
                yield
            self._forget(removed)
        self._read = self._read or change.reset

    def online(self, game: str) -> tuple[str, ...]:
        """Everyone who was announced as online in this game."""
        return tuple(self._told.get(game, ()))

    def deltas(self) -> dict[str, PresenceDelta]:
        """What changed since the last call, by game. Costs what has changed, however many are online."""
        deltas: dict[str, PresenceDelta] = {}
        for game, changed in self._changed.items():
            now, told = self._counts.get(game, {}), self._told.setdefault(game, {})
            online = tuple(player for player in changed if player in now and player not in told)
            offline = tuple(player for player in changed if player in told and player not in now)
            if online or offline:
                deltas[game] = PresenceDelta(online, offline)
            told.update(dict.fromkeys(online))
            for player in offline:
                del told[player]
            if not told:
                del self._told[game]
        self._changed.clear()
        return deltas

    def knows(self, connection_id: str, game: str) -> bool:
        """Whether the register has this connection in this game."""
        connection = self._connections.get(connection_id)
        return connection is not None and game in connection.games

    def absent(self, player: str, game: str) -> bool:
        """Whether no connection follows the game as this player, on any node; never before the register was read."""
        return self._read and player not in self._playing.get(game, ())

    def node_ids(self) -> list[str]:
        """The ids of the nodes that live."""
        return [node.id for node in self.nodes]

    def playing(self, game: str) -> Collection[str]:
        """Who follows the game as a player, on any node."""
        return self._playing.get(game, {}).keys()

    def followed(self, game: str) -> bool:
        """Whether anybody follows the game, on any node."""
        return game in self._counts

    def connected(self, player: str) -> bool:
        """Whether the player has a connection on any node."""
        return player in self._players

    def __len__(self) -> int:
        return len(self._connections)

    def _forget(self, connection_id: str) -> None:
        connection = self._connections.pop(connection_id, None)
        if connection is None:
            return
        self._players[connection.player] -= 1
        if not self._players[connection.player]:
            del self._players[connection.player]
        for game in connection.games:
            _less(self._counts, game, connection.player)
            self._changed.setdefault(game, {})[connection.player] = None
        for game in connection.plays:
            _less(self._playing, game, connection.player)


def _more(counts: dict[str, dict[str, int]], game: str, player: str) -> None:
    players = counts.setdefault(game, {})
    players[player] = players.get(player, 0) + 1


def _less(counts: dict[str, dict[str, int]], game: str, player: str) -> None:
    players = counts[game]
    players[player] -= 1
    if not players[player]:
        del players[player]
    if not players:
        del counts[game]
