"""What a node tells Prometheus. The hot paths count in plain integers; they are read here when somebody asks."""

from __future__ import annotations

from collections.abc import Callable

from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.manager import ConnectionManager
from tradegame.core.use_cases.dispatcher import Dispatcher
from tradegame.core.use_cases.game_host import GameHost
from tradegame.core.use_cases.games import GameService
from tradegame.utils.metrics import Kind, Metrics


def node_metrics(
    games: GameService,
    dispatcher: Dispatcher,
    manager: ConnectionManager,
    hub: Hub,
    ready: Callable[[], str | None],
) -> Metrics:
    """Everything about one node, by game where it is a game's."""
    metrics = Metrics()
    add = metrics.register
    add("tradegame_ready", "1 while this node can serve", "gauge", lambda: float(ready() is None))
    add("tradegame_connections", "Open WebSocket connections", "gauge", lambda: len(manager))
    add("tradegame_connections_opened", "Connections let in", "counter", lambda: manager.opened)
    add("tradegame_cluster_connections", "Signed-in connections on all nodes", "gauge", lambda: len(hub.presence))
    add("tradegame_cluster_nodes", "Live nodes", "gauge", lambda: len(hub.presence.nodes))
    add("tradegame_frames_broadcast", "Event frames shown", "counter", lambda: hub.counters.frames)
    add("tradegame_frames_delivered", "Event frames times followers", "counter", lambda: hub.counters.deliveries)
    add("tradegame_requests", "Requests, by op", "counter", lambda: _by(dispatcher.handled), ["op"])
    add(
        "tradegame_request_errors",
        "Requests refused before a game saw them, by code",
        "counter",
        lambda: _by(dispatcher.failed),
        ["code"],
    )

    def of_games(name: str, documentation: str, kind: Kind, read: Callable[[GameHost], float]) -> None:
        add(name, documentation, kind, lambda: {(game,): read(host) for game, host in games.hosts.items()}, ["game"])

    of_games("tradegame_game_commands", "Commands applied", "counter", lambda host: host.counters.commands)
    of_games("tradegame_game_entries", "Log entries applied", "counter", lambda host: host.counters.entries)
    of_games("tradegame_game_timeouts", "Commands answered timeout", "counter", lambda host: host.counters.timeouts)
    of_games(
        "tradegame_game_unavailable", "Commands answered unavailable", "counter", lambda host: host.counters.unavailable
    )
    of_games("tradegame_game_snapshots", "Snapshots saved here", "counter", lambda host: host.counters.snapshots)
    of_games(
        "tradegame_game_rebuilds", "Replicas read from the store anew", "counter", lambda host: host.counters.rebuilds
    )
    of_games("tradegame_game_queue", "Commands that wait for an entry", "gauge", lambda host: host.waiting)
    of_games("tradegame_game_seq", "The last frame", "gauge", lambda host: host.game.state.seq)
    of_games("tradegame_game_players", "Accounts", "gauge", lambda host: len(host.game.state.players))
    of_games(
        "tradegame_game_serving", "1 while it is served, 0 after a fault", "gauge", lambda host: host.failure is None
    )
    of_games(
        "tradegame_audit_violations",
        "Invariants that the last audit found broken; must be 0",
        "gauge",
        lambda host: host.counters.violations,
    )
    metrics.register_histogram(
        "tradegame_append_seconds",
        "From an entry's append to its outcomes",
        lambda: {(game,): host.append_seconds for game, host in games.hosts.items()},
        ["game"],
    )
    return metrics


def _by(counts: dict[str, int]) -> dict[tuple[str, ...], float]:
    return {(name,): count for name, count in counts.items()}
