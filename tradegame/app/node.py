"""A node: every part of it, wired up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

import tradegame
from tradegame.app.robots import RobotRunner
from tradegame.controller.access import Access
from tradegame.controller.backlog import Backlog
from tradegame.controller.front import Door
from tradegame.controller.http.host_token import HostToken
from tradegame.controller.http.metrics import Measured, node_metrics
from tradegame.controller.http.routes import HttpServices, build_app
from tradegame.controller.http.server import HttpServer
from tradegame.controller.http.vitals import Vitals
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.manager import ConnectionManager
from tradegame.controller.websocket.poller import poller
from tradegame.controller.websocket.timers import Timers
from tradegame.core.admission.budgets import Budgets
from tradegame.core.admission.strain import Strain
from tradegame.core.games.clock import LOOK_S, NodeClock
from tradegame.core.games.service import GameService
from tradegame.core.games.settings import HostSettings
from tradegame.core.membership.addresses import Addresses
from tradegame.core.membership.clock_watch import ClockWatch
from tradegame.core.membership.presence import Presence
from tradegame.core.membership.register import ConnectionRegister, follow_register
from tradegame.core.membership.session_keeper import SessionKeeper
from tradegame.core.membership.watchdog import STOOD_STILL_S, Watchdog
from tradegame.core.repositories import NodeInfo
from tradegame.core.use_cases.administer import AdministerUseCase
from tradegame.core.use_cases.dispatcher import Dispatcher
from tradegame.core.use_cases.robots import RobotKeeper
from tradegame.core.use_cases.seats import SeatService
from tradegame.core.use_cases.sessions import GUEST_S, SessionService
from tradegame.core.use_cases.sign_in import ServerFacts
from tradegame.core.use_cases.submit import SubmitUseCase
from tradegame.infra.config import Settings, parse_game_definition
from tradegame.infra.config.presets import presets
from tradegame.infra.embedded import SqliteStore
from tradegame.infra.embedded.backup import Backups
from tradegame.infra.embedded.database import MEMORY
from tradegame.infra.kv import KvConnectionRepository, KvGameStateRepository, KvSessionRepository
from tradegame.infra.kv.fence import Fence
from tradegame.infra.kv.port import KeyValueStore
from tradegame.protocol.http import Unready, UnreadyPart
from tradegame.utils.loop_lag import LoopLag

Clock = Callable[[], int]


def _of_every_kind(websockets: int) -> int:
    """The connections that are let in where so many may be WebSockets: handshakes and HTTP need room, too."""
    return websockets * 2 + 1_000


class Node:
    """One node's parts, wired up and not yet running."""

    def __init__(
        self,
        settings: Settings,
        store: KeyValueStore,
        prefix: str,
        node: NodeInfo,
        now_ms: Clock,
        host_settings: HostSettings,
        elapsed_s: Callable[[], float] = trio.current_time,
        names: Sequence[str] = (),
        elsewhere: Callable[[], str] = str,
    ) -> None:
        limits, server = settings.limits, settings.server
        self.access = Access(
            server.origins, server.hosts, (server.host, *names), server.advertise, server.proxies, server.path_prefix
        )
        self.settings = settings
        self.store = store
        self.id = node.id
        fence = Fence(prefix) if store.shared else None
        self.repository = KvGameStateRepository(store, prefix, fence=fence)
        sessions = KvSessionRepository(store, prefix)
        self.connections = KvConnectionRepository(store, prefix, fence=fence)
        self.presence = Presence()
        self.time = NodeClock(now_ms)
        self.register = ConnectionRegister(self.connections, node, now_ms)
        self.hub = Hub(self.presence, self.register, node.id, limits.connections_per_player)
        self.backlog = Backlog(limits.outboxes_bytes)
        self.clock = ClockWatch(node.id, now_ms)
        self.games = GameService(
            self.repository,
            node.id,
            self.hub,
            self.time.now_ms,
            host_settings,
            self._must_not_append,
            self.presence.absent,
        )
        session = settings.session
        self.sessions = SessionService(
            sessions, session.expires_s, self.time.now_ms, self.presence.connected, session.max_age_s
        )
        seats = SeatService(self.games, self.sessions)
        self.dispatcher = Dispatcher(
            self.games,
            seats,
            self.hub,
            ServerFacts(
                tradegame.__version__,
                node.id,
                settings.session.heartbeat_s,
                limits.frame_bytes,
                limits.commands_per_s,
                limits.burst,
                Addresses(node.address, lambda: self.presence.nodes).told,
            ),
            self.time.now_ms,
            look=lambda: self.watchdog.look(),
            refuses=lambda: self.watchdog.refuses(),
        )
        self.budgets = Budgets(
            limits.commands_per_s,
            limits.burst,
            limits.address_commands_per_s,
            sign_ups=limits.connections_per_address,
            knocks=_of_every_kind(limits.connections_per_address),
        )
        self.timers, self.poller = Timers(), poller()
        nodes = self.presence.node_ids
        self.manager = ConnectionManager(
            self.dispatcher,
            self.hub,
            self.time.now_ms,
            heartbeat_s=settings.session.heartbeat_s,
            budgets=self.budgets,
            frame_bytes=limits.frame_bytes,
            outbox_bytes=limits.outbox_bytes,
            backlog=self.backlog,
            max_connections=limits.max_connections,
            connections_per_address=limits.connections_per_address,
            timers=self.timers,
            poller=self.poller,
        )
        self.keeper_of_robots = RobotKeeper(self.games, self.presence, node.id, nodes)
        self.robots = RobotRunner(
            self.games,
            self.presence,
            node.id,
            nodes,
            self.sessions.robots,
            self.manager.serve,
            lambda: self.serving and self.watchdog.refuses() is None,
        )
        self.watchdog = Watchdog(self.register, self.presence, self, self.manager.send_away, elapsed_s)
        self.lag = LoopLag(elapsed_s, STOOD_STILL_S)
        self.keeper = SessionKeeper(
            sessions, self.hub.roster, min(GUEST_S, session.expires_s), self.sessions.renew, self.sessions.ended
        )
        self.serving = False
        measured = Measured(
            self.games,
            self.dispatcher,
            self.manager,
            self.hub,
            self.backlog,
            self.clock,
            self.time,
            self.register,
            self.watchdog,
            self.lag,
            self.ready,
            lambda: self.door.turned_away,
            self.access.refused,
        )
        services = HttpServices(
            self.games,
            self.repository,
            AdministerUseCase(self.games, SubmitUseCase(self.games), seats),
            self.ready,
            node_metrics(measured).render,
            parse_game_definition,
            presets,
            Vitals(measured).take,
            self.budgets,
            HostToken(settings.admin.token, lambda: self.budgets, self.access.refused),
            self.access,
            elsewhere,
            server.path_prefix,
            Backups(store).make if isinstance(store, SqliteStore) and store.path != MEMORY else None,
            self.sessions,
        )
        self.http = HttpServer(build_app(services), self.access, self.backlog, self.budgets.http_read)
        self.door = Door(
            self.manager.serve,
            self.http,
            most=_of_every_kind(limits.max_connections),
            most_per_address=_of_every_kind(limits.connections_per_address),
            admits=self.budgets.knock,
            access=self.access,
            reads=self.budgets.http_read,
        )

    async def start(self, background: trio.Nursery) -> None:
        """Start everything but the listener, for as long as ``background`` lives. Raises StoreUnavailableError."""
        await background.start(self.register.run)
        background.start_soon(
            follow_register,
            self.connections,
            self.presence,
            self.hub.presence_feed.changed,
            self._nodes_seen,
            self.register.connections_seen,
        )
        background.start_soon(self.watchdog.run)
        background.start_soon(self.lag.run)
        background.start_soon(Strain(self.budgets.pace, self.budgets.door).run)
        background.start_soon(self._keep_time)
        background.start_soon(self.hub.run)
        background.start_soon(self.hub.catch_up.run)
        background.start_soon(self.hub.presence_feed.run)
        background.start_soon(self.keeper.run)
        background.start_soon(self.timers.run)
        background.start_soon(self.keeper_of_robots.run)
        background.start_soon(self.robots.run)
        if self.poller is not None:
            background.start_soon(self.poller.run)
        await background.start(self.games.run, self.settings.games)

    def ready(self) -> Unready | None:
        """None while this node can serve; else what of it keeps it from that, and why."""
        if not self.serving:
            return "stopping", "shutting down"
        self.watchdog.look()
        parts: tuple[tuple[UnreadyPart, Callable[[], str | None]], ...] = (
            ("process", self.watchdog.refuses),
            ("register", self.register.ready),
            ("clock", self.clock.wrong),
            ("store", self.store.ready),
            ("game", self.games.ready),
        )
        return next(((part, reason) for part, ask in parts if (reason := ask()) is not None), None)

    async def _keep_time(self) -> None:
        """Follow a wall clock that was set, once no round is open and the other nodes do not say that it is wrong."""
        while True:
            self.time.look()
            if not self.games.in_timed_round() and self.clock.wrong() is None and (by_ms := self.time.adopt()):
                self.games.node_jumped(by_ms)
            await trio.sleep(LOOK_S)

    def _must_not_append(self) -> str | None:
        """Why not. Looks first whether the process stood still: no entry of now comes before one that says so."""
        self.watchdog.look()
        return self.clock.wrong()

    def slept(self, by_ms: int) -> None:
        self.games.slept(by_ms)

    def doubt(self) -> None:
        """What is known here may be the past: see Watchdog."""
        self.clock.forget()
        self.games.doubt()

    def _nodes_seen(self, nodes: tuple[NodeInfo, ...]) -> None:
        self.clock.observe(nodes)
        self.register.nodes_seen(nodes)
