"""Which connections there are, on all nodes: in which games each player is online."""

from __future__ import annotations

from attrs import define, field, frozen

from tradegame.core.repositories import ConnectionsChanged, LiveConnection, NodeInfo


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
    _told: dict[str, dict[str, None]] = field(factory=dict, init=False)
    _changed: dict[str, dict[str, None]] = field(factory=dict, init=False)
    nodes: tuple[NodeInfo, ...] = field(default=(), init=False)

    def change(self, change: ConnectionsChanged) -> None:
        """Apply what the register says."""
        if change.reset:
            for connection in list(self._connections.values()):
                self._forget(connection.id)
        for connection in change.saved:
            self._forget(connection.id)
            self._connections[connection.id] = connection
            self._players[connection.player] = self._players.get(connection.player, 0) + 1
            for game in connection.games:
                counts = self._counts.setdefault(game, {})
                counts[connection.player] = counts.get(connection.player, 0) + 1
                self._changed.setdefault(game, {})[connection.player] = None
        for removed in change.removed:
            self._forget(removed)

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
            counts = self._counts[game]
            counts[connection.player] -= 1
            if not counts[connection.player]:
                del counts[connection.player]
            if not counts:
                del self._counts[game]
            self._changed.setdefault(game, {})[connection.player] = None
