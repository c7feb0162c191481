"""What a node tells Prometheus. The hot paths count in plain integers; they are read here when somebody asks."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from tradegame.controller.backlog import Backlog
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.manager import ConnectionManager
from tradegame.core.domain.definition import RULES_VERSION
from tradegame.core.games.clock import NodeClock
from tradegame.core.games.host import GameHost
from tradegame.core.games.service import GameService
from tradegame.core.membership.clock_watch import ClockWatch
from tradegame.core.membership.register import ConnectionRegister
from tradegame.core.membership.watchdog import Watchdog
from tradegame.core.use_cases.dispatcher import Dispatcher
from tradegame.protocol.http import Unready
from tradegame.utils.loop_lag import LoopLag
from tradegame.utils.metrics import Kind, Metrics


@frozen
class Measured:
    """The parts of a node that have something to show. ``turned_away``: connections closed at the door.

    ``refused``: requests, by cause.
    """

    games: GameService
    dispatcher: Dispatcher
    manager: ConnectionManager
    hub: Hub
    backlog: Backlog
    clock: ClockWatch
    time: NodeClock
    register: ConnectionRegister
    watchdog: Watchdog
    lag: LoopLag
    ready: Callable[[], Unready | None]
    turned_away: Callable[[], int]
    refused: dict[str, int]


def node_metrics(node: Measured) -> Metrics:
    """Everything about one node, by game where it is a game's."""
    games, dispatcher, manager, hub = node.games, node.dispatcher, node.manager, node.hub
    metrics = Metrics()
    add = metrics.register
    facts = (dispatcher.facts.node, dispatcher.facts.version, str(RULES_VERSION))
    add("tradegame_node_info", "What this node is", "gauge", lambda: {facts: 1}, ["node", "version", "rules"])
    add("tradegame_ready", "1 while this node can serve", "gauge", lambda: float(node.ready() is None))
    add(
        "tradegame_store_silent_seconds",
        "How long ago the last question began that the store answered",
        "gauge",
        node.register.silent_s,
    )
    add(
        "tradegame_clock_offset_seconds",
        "How far this node's clock is ahead of the middle of all nodes' clocks",
        "gauge",
        lambda: -node.clock.offset_ms() / 1000,
    )
    add("tradegame_clock_steps", "Times that the wall clock was seen to be set", "counter", lambda: node.time.steps)
    add(
        "tradegame_clock_held_seconds",
        "How far the wall clock is ahead of the time that games are played by here",
        "gauge",
        lambda: node.time.behind_ms() / 1000,
    )
    add("tradegame_freezes", "Times that this process stood still", "counter", lambda: node.watchdog.freezes)
    metrics.register_histogram(
        "tradegame_loop_lag_seconds", "How late a task that is ready to run is run", node.lag.seconds
    )
    add("tradegame_connections", "Open WebSocket connections", "gauge", lambda: len(manager))
    add("tradegame_connections_opened", "Connections let in", "counter", lambda: manager.opened)
    add("tradegame_connections_closed", "By close code", "counter", lambda: _by(manager.closed), ["code"])
    add("tradegame_connections_turned_away", "Closed at the door, unheard", "counter", node.turned_away)
    add(
        "tradegame_budget_pace",
        "The part of every client's budget that is granted now",
        "gauge",
        lambda: manager.budgets.pace.value,
    )
    add(
        "tradegame_too_fast",
        "Refused, or read later, since a budget was spent: by budget",
        "counter",
        lambda: _by(manager.budgets.too_fast),
        ["budget"],
    )
    add("tradegame_refused", "Requests refused at the door, by cause", "counter", lambda: _by(node.refused), ["cause"])
    add("tradegame_cluster_connections", "Signed-in connections on all nodes", "gauge", lambda: len(hub.presence))
    add("tradegame_cluster_nodes", "Live nodes", "gauge", lambda: len(hub.presence.nodes))
    add("tradegame_backlog_bytes", "Wait for clients that have not read yet", "gauge", lambda: node.backlog.total)
    add("tradegame_backlog_closed", "Clients closed because too much waited", "counter", lambda: node.backlog.closed)
    add("tradegame_frames_broadcast", "Event frames shown", "counter", lambda: hub.counters.frames)
    add("tradegame_frames_delivered", "Event frames times followers", "counter", lambda: hub.counters.deliveries)
    add("tradegame_requests", "Requests, by op", "counter", lambda: _by(dispatcher.handled), ["op"])
    add(
        "tradegame_request_errors",
        "Requests answered with an error that is not a game's own, by code",
        "counter",
        lambda: _by(dispatcher.failed),
        ["code"],
    )

    add("tradegame_games_not_served", "Games that this node does not serve", "gauge", lambda: len(games.unserved()))
    add(
        "tradegame_game_serving",
        "1 while it is served, 0 after a fault, or where it cannot be read",
        "gauge",
        lambda: _by({**dict.fromkeys(games.hosts, 1), **dict.fromkeys(games.unserved(), 0)}),
        ["game"],
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
    of_games(
        "tradegame_game_mute_watches",
        "Watches given up because nothing came",
        "counter",
        lambda host: host.counters.mute_watches,
    )
    of_games("tradegame_game_queue", "Commands that wait for an entry", "gauge", lambda host: host.waiting)
    of_games("tradegame_game_seq", "The last frame", "gauge", lambda host: host.game.state.seq)
    of_games("tradegame_game_players", "Accounts", "gauge", lambda host: len(host.game.state.players))
    of_games(
        "tradegame_game_keys", "Keys of commands that the game remembers", "gauge", lambda host: host.game.state.known
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
