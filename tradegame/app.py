"""The composition root: builds everything, and nests it by lifetime: store, games, connections, listener."""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
import trio
from attrs import evolve, field, frozen

import tradegame
from tradegame.controller.access import Access
from tradegame.controller.backlog import Backlog
from tradegame.controller.front import Door, Listener, open_listeners
from tradegame.controller.http.host_token import HostToken
from tradegame.controller.http.metrics import Measured, node_metrics
from tradegame.controller.http.routes import HttpServices, build_app
from tradegame.controller.http.server import HttpServer
from tradegame.controller.http.vitals import Vitals
from tradegame.controller.tls import TlsListener
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.manager import ConnectionManager
from tradegame.core.repositories import NodeInfo, StoreError
from tradegame.core.use_cases.addresses import Addresses
from tradegame.core.use_cases.administer import AdministerUseCase
from tradegame.core.use_cases.budgets import Budgets
from tradegame.core.use_cases.clock import ClockWatch
from tradegame.core.use_cases.dispatcher import Dispatcher, ServerFacts
from tradegame.core.use_cases.game_host import HostSettings
from tradegame.core.use_cases.games import GameService
from tradegame.core.use_cases.keep_sessions import SessionKeeper
from tradegame.core.use_cases.lag import LoopLag
from tradegame.core.use_cases.node_clock import LOOK_S, NodeClock
from tradegame.core.use_cases.presence import ConnectionRegister, Presence, follow_register
from tradegame.core.use_cases.sessions import GUEST_S, SessionService, opaque_id
from tradegame.core.use_cases.strain import Strain
from tradegame.core.use_cases.vigil import Vigil
from tradegame.infra.config import AdminSettings, Settings, parse_game_definition
from tradegame.infra.config.presets import presets
from tradegame.infra.host_token import kept_token
from tradegame.infra.kv import KvConnectionRepository, KvGameStateRepository, KvSessionRepository
from tradegame.infra.kv.port import KeyValueStore
from tradegame.infra.stores import open_store
from tradegame.utils.boot_clock import BootClock, boot_s
from tradegame.utils.collector import Collector
from tradegame.utils.switching import quick_switching

ALL_NETWORKS = ("", "0.0.0.0", "::")
Clock = Callable[[], int]


def wall_clock_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def elapsed_s() -> float:
    """Seconds in which this process did not work, those included in which the machine slept.

    A large snapshot is no standstill.
    """
    return boot_s() - time.process_time()


@frozen
class Running:
    """A node that serves. ``port`` is the one that was bound; ``stop`` begins an orderly end."""

    node: str
    host: str
    port: int
    secure: bool
    stop: Callable[[], None]
    host_token: str = field(default="", repr=False)
    """The token that was made for the host; empty if one is configured."""

    @property
    def websocket_url(self) -> str:
        return f"{'wss' if self.secure else 'ws'}://{_url_host(self.host)}:{self.port}/ws"

    @property
    def http_url(self) -> str:
        return f"{'https' if self.secure else 'http'}://{_url_host(self.host)}:{self.port}/"

    @property
    def host_url(self) -> str:
        """Where the host signs in, with the token in the fragment, which no server and no proxy is sent."""
        here = evolve(self, host="localhost") if self.host in ALL_NETWORKS else self
        return f"{here.http_url}host#token={self.host_token}"

    @property
    def players_url(self) -> str:
        """Where others on the network reach a node that listens on all its addresses; empty for any other node."""
        if self.host not in ALL_NETWORKS:
            return ""
        return evolve(self, host=_address_in_network() or socket.gethostname()).http_url


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
    ) -> None:
        limits, server = settings.limits, settings.server
        self.access = Access(
            server.origins, server.hosts, (server.host, *names), server.advertise, server.proxies, server.path_prefix
        )
        self.settings = settings
        self.store = store
        self.id = node.id
        self.repository = KvGameStateRepository(store, prefix)
        sessions = KvSessionRepository(store, prefix)
        self.connections = KvConnectionRepository(store, prefix)
        self.presence = Presence()
        self.time = NodeClock(now_ms)
        self.register = ConnectionRegister(self.connections, node, now_ms)
        self.hub = Hub(self.presence, self.register, node.id, limits.connections_per_player)
        self.backlog = Backlog(limits.outboxes_bytes)
        self.clock = ClockWatch(node.id, now_ms)
        self.games = GameService(self.repository, node.id, self.hub, self.time.now_ms, host_settings, self.clock.wrong)
        accounts = SessionService(sessions, settings.session.expires_s, self.time.now_ms, self.presence.connected)
        self.dispatcher = Dispatcher(
            self.games,
            accounts,
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
            look=lambda: self.vigil.look(),
            refuses=lambda: self.vigil.refuses(),
        )
        self.budgets = Budgets(
            limits.commands_per_s,
            limits.burst,
            limits.address_commands_per_s,
            sign_ups=limits.connections_per_address,
            knocks=_of_every_kind(limits.connections_per_address),
        )
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
        )
        self.vigil = Vigil(self.register, self.presence, self, self.manager.send_away, elapsed_s)
        self.lag = LoopLag(elapsed_s)
        self.keeper = SessionKeeper(sessions, self.hub, min(GUEST_S, settings.session.expires_s), accounts.ended)
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
            self.vigil,
            self.lag,
            self.ready,
            lambda: self.door.turned_away,
            self.access.refused,
        )
        services = HttpServices(
            self.games,
            self.repository,
            AdministerUseCase(self.games, sessions),
            self.ready,
            node_metrics(measured).render,
            parse_game_definition,
            presets,
            Vitals(measured).take,
            self.budgets,
            HostToken(settings.admin.token, lambda: self.budgets, self.access.refused),
            self.access,
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
            self.hub.online.changed,
            self._nodes_seen,
            self.register.connections_seen,
        )
        background.start_soon(self.vigil.run)
        background.start_soon(self.lag.run)
        background.start_soon(Strain(self.budgets.pace).run)
        background.start_soon(self._keep_time)
        background.start_soon(self.hub.run)
        background.start_soon(self.hub.catch_up.run)
        background.start_soon(self.hub.online.run)
        background.start_soon(self.keeper.run)
        await background.start(self.games.run, self.settings.games)

    def ready(self) -> str | None:
        """None while this node can serve; else the reason why not."""
        if not self.serving:
            return "shutting down"
        self.vigil.look()
        return (
            self.vigil.refuses()
            or self.register.ready()
            or self.clock.wrong()
            or self.store.ready()
            or self.games.ready()
        )

    async def _keep_time(self) -> None:
        """Follow a wall clock that was set, once no round is open and the other nodes do not say that it is wrong."""
        while True:
            self.time.look()
            if not self.games.in_timed_round() and self.clock.wrong() is None and (by_ms := self.time.adopt()):
                self.games.node_jumped(by_ms)
            await trio.sleep(LOOK_S)

    def doubt(self) -> None:
        """What is known here may be the past: see Vigil."""
        self.clock.forget()
        self.games.doubt()

    def _nodes_seen(self, nodes: tuple[NodeInfo, ...]) -> None:
        self.clock.observe(nodes)
        self.register.nodes_seen(nodes)


async def serve(
    settings: Settings,
    *,
    now_ms: Clock = wall_clock_ms,
    host_settings: HostSettings | None = None,
    own_process: bool = False,
    task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until told to stop (``Running.stop``) or cancelled. ``own_process``: the process is this node's alone.

    Raises OSError when the address cannot be had, StoreError when the store cannot be opened.
    """
    server = settings.server
    async with open_store(settings.store) as (store, prefix):
        listeners = await open_listeners(server.host, server.port, tls_cert=server.tls_cert, tls_key=server.tls_key)
        async with _closing(listeners):
            stop = trio.Event()
            port = _port(listeners)
            made = "" if settings.admin.token else await kept_token(settings.store.url, store, prefix)
            running = Running(opaque_id(8), server.host, port, bool(server.tls_cert), stop.set, made)
            if made:
                settings = evolve(settings, admin=AdminSettings(token=made))
            address = server.advertise or evolve(running, host=_reachable(server.host)).websocket_url
            info = NodeInfo(running.node, address, tradegame.__version__, now_ms())
            node = Node(
                settings, store, prefix, info, now_ms, host_settings or HostSettings(), elapsed_s, await _names()
            )
            async with trio.open_nursery() as background:
                await node.start(background)
                if own_process:
                    background.start_soon(_tend_interpreter, node.manager)
                await _serve_connections(node, listeners, running, stop, task_status)
                background.cancel_scope.cancel()


async def _tend_interpreter(manager: ConnectionManager) -> None:
    """Python's own settings, for a server, until cancelled."""
    with quick_switching():
        await Collector(lambda: sum(manager.closed.values()), lambda: not len(manager)).run()


async def _serve_connections(
    node: Node,
    listeners: Sequence[Listener],
    running: Running,
    stop: trio.Event,
    task_status: trio.TaskStatus[Running],
) -> None:
    async with trio.open_nursery() as connections:
        async with trio.open_nursery() as listening:
            await listening.start(partial(node.door.serve, listeners, handler_nursery=connections))
            node.serving = True
            structlog.get_logger().info(
                "serving",
                node=node.id,
                websocket=running.websocket_url,
                http=running.http_url,
                games=sorted(node.games.hosts.keys() - set(node.games.unserved())),
            )
            if running.host in ALL_NETWORKS and not running.secure and not node.settings.server.proxies:
                structlog.get_logger().warning(
                    "listening_without_tls",
                    host=running.host,
                    reason="whoever is on the network can read tokens and whispers: set server.tls_cert",
                )
            task_status.started(running)
            await stop.wait()
            node.serving = False
            listening.cancel_scope.cancel()
        await _wind_down(node)
        connections.cancel_scope.cancel()


async def _wind_down(node: Node) -> None:
    """Answer what is under way, then send everyone away, all within the grace."""
    structlog.get_logger().info("shutting_down", node=node.id, connections=len(node.manager))
    grace_s = node.settings.server.shutdown_grace_s
    with trio.move_on_after(grace_s * 0.8):
        with trio.move_on_after(grace_s * 0.2):
            await node.register.withdraw()
        with trio.move_on_after(grace_s * 0.2):
            await node.http.finish()
        with trio.move_on_after(grace_s * 0.2):
            for host in list(node.games.hosts.values()):
                await host.drain()
        await node.manager.close_all()


@asynccontextmanager
async def _closing(listeners: Sequence[Listener]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for listener in listeners:
            await trio.aclose_forcefully(listener)


def run(settings: Settings, *, bots: int = 0) -> None:
    """Serve in the foreground until SIGINT or SIGTERM; the second one ends it at once.

    One that comes before anything is served ends it at once, with the exit code 128 and the signal's number.
    ``bots``: so many bots play along in the first game, in a process of their own. Raises what ``serve`` raises.
    """
    _raise_file_limit()
    failure: BaseException | None = None
    try:
        ended_by = trio.run(partial(_run, settings, bots), clock=BootClock())
        if ended_by is not None:
            failure = SystemExit(128 + ended_by)
    except* (OSError, StoreError) as errors:
        failure = _first(errors)
    except* KeyboardInterrupt:
        pass
    if failure is not None:  # not raised inside except*, which before Python 3.11.4 would wrap it in a group again
        raise failure


async def _run(settings: Settings, bots: int) -> int | None:
    """Returns the signal that ended it before it served, or None."""
    ended_by: int | None = None
    running: Running | None = None
    # Before anything else: opening the store and reading its games may take long.
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def heed() -> None:
                nonlocal ended_by
                async for number in signals:
                    if running is None:
                        structlog.get_logger().info("ended_before_it_served", signal=signal.Signals(number).name)
                        ended_by = number
                        nursery.cancel_scope.cancel()
                    else:
                        running.stop()
                        break
                async for _ in signals:
                    nursery.cancel_scope.cancel()

            nursery.start_soon(heed)
            running = await nursery.start(partial(_serve_then_cancel, settings, nursery.cancel_scope))
            print(
                f"tradegame {tradegame.__version__} serves {running.websocket_url} and {running.http_url}", flush=True
            )
            if running.host_token:
                print(f"host it at {running.host_url}", flush=True)
            if running.players_url and not (settings.server.advertise or settings.server.proxies):
                print(f"others on this network play at {running.players_url}", flush=True)
            if bots and settings.games:
                nursery.start_soon(_play_along, running, settings.games[0].id, bots, settings.store.url)
    return ended_by


async def _serve_then_cancel(
    settings: Settings, scope: trio.CancelScope, *, task_status: trio.TaskStatus[Running]
) -> None:
    await serve(settings, own_process=True, task_status=task_status)
    scope.cancel()


async def _play_along(running: Running, game: str, bots: int, store_url: str) -> None:
    """In the first game that the configuration names.

    The bots are clients like any others: they come over the socket, from their own process. Beside an embedded store
    it is kept who they are, in ``PATH.bots``: started again they are the same players.
    """
    if running.secure:
        structlog.get_logger().warning("no_bots", reason="over TLS, start them yourself: tradegame bots --url wss://…")
        return
    asked = ["--url", running.websocket_url, "--game", game, "--count", str(bots), "--no-live"]
    kind, _, path = store_url.partition(":")
    if kind == "embedded":
        asked += ["--keep", f"{path}.bots"]
    command = [sys.executable, "-m", "tradegame", "bots", *asked]
    result = await trio.run_process(command, check=False)
    if result.returncode not in (0, -signal.SIGINT, -signal.SIGTERM):
        structlog.get_logger().warning("bots_ended", exit_code=result.returncode)


def _raise_file_limit() -> None:
    """As many sockets as the system lets this process have."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _first(errors: BaseExceptionGroup[Exception]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _port(listeners: Sequence[Listener]) -> int:
    first = listeners[0]
    listener = first.transport_listener if isinstance(first, TlsListener) else first
    return int(listener.socket.getsockname()[1])


def _reachable(host: str) -> str:
    """What other machines may call this one, when it listens on every address."""
    return socket.gethostname() if host in ALL_NETWORKS else host


def _address_in_network() -> str:
    """The address from which this machine would speak to others; empty if it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))  # of no use to anybody (RFC 5737); nothing is sent
        except OSError:
            return ""
        return str(probe.getsockname()[0])


async def _names() -> Sequence[str]:
    """What this machine is called. The name service may be slow, and is not needed."""
    names = [socket.gethostname()]
    with trio.move_on_after(1):
        names.append(await trio.to_thread.run_sync(socket.getfqdn, abandon_on_cancel=True))
    return names


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host or "localhost"
