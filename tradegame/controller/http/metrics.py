"""What a node tells Prometheus. The hot paths count in plain integers; they are read here when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.manager import ConnectionManager
from tradegame.core.use_cases.dispatcher import Dispatcher
from tradegame.core.use_cases.games import GameService


@frozen(eq=False)
class NodeMetrics(Collector):
    """Everything about one node, by game where it is a game's."""

    games: GameService
    dispatcher: Dispatcher
    manager: ConnectionManager
    hub: Hub
    ready: Callable[[], str | None]

    def render(self) -> bytes:
        """The text of ``GET /metrics``."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("tradegame_ready", "1 while this node can serve", float(self.ready() is None))
        yield GaugeMetricFamily("tradegame_connections", "Open WebSocket connections", len(self.manager))
        yield CounterMetricFamily("tradegame_connections_opened", "Connections let in", self.manager.opened)
        yield GaugeMetricFamily(
            "tradegame_cluster_connections", "Signed-in connections on all nodes", len(self.hub.presence)
        )
        yield GaugeMetricFamily("tradegame_cluster_nodes", "Live nodes", len(self.hub.presence.nodes))
        yield CounterMetricFamily("tradegame_frames_broadcast", "Event frames shown", self.hub.counters.frames)
        yield CounterMetricFamily(
            "tradegame_frames_delivered", "Event frames times their followers", self.hub.counters.deliveries
        )
        requests = CounterMetricFamily("tradegame_requests", "Requests dispatched, by op", labels=["op"])
        for op, count in self.dispatcher.handled.items():
            requests.add_metric([op], count)
        yield requests
        errors = CounterMetricFamily(
            "tradegame_request_errors", "Requests answered with an error before the game saw them", labels=["code"]
        )
        for code, count in self.dispatcher.failed.items():
            errors.add_metric([code], count)
        yield errors
        yield from self._games()

    def _games(self) -> Iterator[Metric]:
        def counter(name: str, documentation: str) -> CounterMetricFamily:
            return CounterMetricFamily(f"tradegame_game_{name}", documentation, labels=["game"])

        def gauge(name: str, documentation: str) -> GaugeMetricFamily:
            return GaugeMetricFamily(name, documentation, labels=["game"])

        commands = counter("commands", "Commands applied")
        entries = counter("entries", "Log entries applied")
        timeouts = counter("timeouts", "Commands answered timeout")
        unavailable = counter("unavailable", "Commands answered unavailable")
        snapshots = counter("snapshots", "Snapshots saved by this node")
        rebuilds = counter("rebuilds", "Times the replica was read from the store anew")
        seq = gauge("tradegame_game_seq", "The last frame")
        players = gauge("tradegame_game_players", "Accounts")
        serving = gauge("tradegame_game_serving", "1 while this node serves the game, 0 after a fault")
        violations = gauge("tradegame_audit_violations", "Invariants found broken by the last audit; must be 0")
        for game, host in sorted(self.games.hosts.items()):
            counters, state = host.counters, host.game.state
            for family, value in (
                (commands, counters.commands),
                (entries, counters.entries),
                (timeouts, counters.timeouts),
                (unavailable, counters.unavailable),
                (snapshots, counters.snapshots),
                (rebuilds, counters.rebuilds),
                (seq, state.seq),
                (players, len(state.players)),
                (serving, int(host.failure is None)),
                (violations, counters.violations),
            ):
                family.add_metric([game], value)
        yield from (commands, entries, timeouts, unavailable, snapshots, rebuilds, seq, players, serving, violations)
