"""A node's life: store ⊃ games, registers ⊃ connections ⊃ listener."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
import trio
from attrs import evolve

import tradegame
from tradegame.app.node import Clock, Node
from tradegame.app.running import ALL_NETWORKS, Running, own_names, port_of, reachable
from tradegame.controller.front import Listener, open_listeners
from tradegame.controller.websocket.manager import ConnectionManager
from tradegame.core.games.settings import HostSettings
from tradegame.core.repositories import NodeInfo
from tradegame.infra.config import AdminSettings, Settings
from tradegame.infra.host_token import kept_token
from tradegame.infra.stores import open_store
from tradegame.utils.collector import Collector
from tradegame.utils.idle_clock import IdleClock
from tradegame.utils.ids import opaque_id
from tradegame.utils.switching import quick_switching


def wall_clock_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


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
            port = port_of(listeners)
            made = "" if settings.admin.token else await kept_token(settings.store.url, store, prefix)
            running = Running(opaque_id(8), server.host, port, bool(server.tls_cert), stop.set, made, server.advertise)
            if made:
                settings = evolve(settings, admin=AdminSettings(token=made))
            address = server.advertise or evolve(running, host=reachable(server.host)).websocket_url
            info = NodeInfo(running.node, address, tradegame.__version__, now_ms())
            # A large snapshot is no standstill, so what is looked at is when the process does not work.
            idle_s, names = IdleClock(), await own_names()
            node = Node(
                settings,
                store,
                prefix,
                info,
                now_ms,
                host_settings or HostSettings(),
                idle_s,
                names,
                lambda: running.players_url,
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
        await wind_down(node)
        connections.cancel_scope.cancel()


async def wind_down(node: Node) -> None:
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
