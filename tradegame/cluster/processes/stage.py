"""All processes of the cluster, and what can be done to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from tradegame.cluster.options import ClusterOptions
from tradegame.cluster.plan import Step
from tradegame.cluster.processes.child import CAN_FREEZE, Child, Shared, inherited, python
from tradegame.cluster.processes.etcd import Member, MemberPlace, etcd_binary, member_command
from tradegame.cluster.processes.node import Node, node_url
from tradegame.cluster.processes.ports import is_free, node_ports, quiet_ports
from tradegame.cluster.processes.readmit import NotReadmitted, readmit

START_DEADLINE_S = 90.0
ASK_EVERY_S = 0.1
GRACE_S = 8.0
"""Longer than a node's own shutdown_grace_s, 5 s."""
BETWEEN_RESTARTS_S = 1.0
PORTS_TRIED = 5
"""How many ports a node tries if its own is taken when it starts."""


class ClusterError(Exception):
    """The cluster cannot run; the message says why in a line."""


class Stage:
    """All child processes. ``leader``: set by whoever knows which member leads.

    ``start`` starts them in ``nursery``, and cancelling that kills them. ``end`` stops them in order. Raises
    EtcdMissing and NoPorts.
    """

    def __init__(self, options: ClusterOptions, shared: Shared, nursery: trio.Nursery) -> None:
        self.leader: Callable[[], Member | None] = lambda: None
        self.log = shared.log
        self.bots: Child | None = None
        self._options = options
        self._shared = shared
        self._nursery = nursery
        self._waiting_for = ""
        self._rolling = False
        self._busy: set[str] = set()
        binary = etcd_binary(options.etcd)
        ports = node_ports(options.nodes, options.port)
        inner = quiet_ports(2 * options.members, ports)
        self._taken = {*ports, *inner}
        places = [
            MemberPlace(f"etcd-{letter}", inner[2 * i], inner[2 * i + 1], shared.directory / f"etcd-{letter}")
            for i, letter in enumerate("abcde"[: options.members])
        ]
        self._store = f"etcd://{','.join(place.endpoint for place in places)}/tradegame"
        self.members = [Member(place, member_command(binary, place, places), shared) for place in places]
        self.nodes = [Node(number, port, self._serve(port), shared) for number, port in enumerate(ports, 1)]

    @property
    def urls(self) -> list[str]:
        """Every node's WebSocket URL, whether it lives or not; final once ``start`` has returned."""
        return [node.url for node in self.nodes]

    @property
    def children(self) -> list[Child]:
        return [*self.members, *self.nodes, *([self.bots] if self.bots else [])]

    async def start(self) -> None:
        """Start members, then nodes, until each can serve. A node whose port was taken meanwhile gets another, unless
        ``options`` name the port. Raises ClusterError and NoPorts.
        """
        with trio.move_on_after(START_DEADLINE_S):
            for member in self.members:
                await self._start(member)
            for member in self.members:
                await self._until(member, member.is_led)
            for node in self.nodes:
                await self._start(node)
            for node in self.nodes:
                await self._until_it_has_a_port(node)
            return
        raise ClusterError(f"{self._waiting_for} is not there after {START_DEADLINE_S:g} s")

    def check(self) -> None:
        """Check that everything that was started is alive. Raises ClusterError."""
        for child in self.children:
            if child.state == "ended":
                raise _ended(child)

    async def start_bots(self, game: str) -> None:
        """Bots come as clients do, from a process of their own. Raises ClusterError."""
        if self._options.bots:
            each = [word for url in self.urls for word in ("--url", url)]
            command = python("bots", *each, "--game", game, "--count", str(self._options.bots), "--no-live")
            shared = self._shared
            self.bots = Child("bots", command, inherited(), shared.log, shared.directory, shared.reaper)
            await self._start(self.bots)

    async def end(self) -> None:
        """Stop bots and nodes in order, within seconds; then the members, which have nothing left to do."""
        self._rolling = True  # nothing is restarted from here on
        async with trio.open_nursery() as nursery:
            for child in [*self.nodes, *([self.bots] if self.bots else [])]:
                nursery.start_soon(child.stop, GRACE_S)
        async with trio.open_nursery() as nursery:
            for member in self.members:
                nursery.start_soon(member.kill, "ended")

    async def do(self, step: Step) -> None:
        """Carry out one step of a plan, or one key. What cannot be done is logged, and is not an error."""
        if step.action == "rolling":
            await self.rolling_restart()
            return
        targets = self._targets(step.target)
        if not targets:
            self.log.add("cluster", f"it is not known which member is {step.target!r} now", "warning")
        async with trio.open_nursery() as nursery:
            for target in targets:
                nursery.start_soon(self._do, step.action, target)

    async def toggle(self, target: str) -> None:
        """Kill it if it lives, thaw it if it is frozen, else start it."""
        for child in self._targets(target):
            await self._do("kill" if child.state == "running" else "revive", child)

    async def toggle_frozen(self, target: str) -> None:
        for child in self._targets(target):
            await self._do("thaw" if child.state == "frozen" else "freeze", child)

    async def rolling_restart(self) -> None:
        """Restart every node in turn: SIGTERM, wait, start, wait until it serves. One rolling restart at a time."""
        if self._rolling:
            self.log.add("cluster", "a rolling restart is already under way", "warning")
            return
        self._rolling = True
        try:
            self.log.add("cluster", "rolling restart")
            for node in self.nodes:
                if node.state != "running":
                    continue
                await node.stop(GRACE_S)
                await self._start(node)
                with trio.move_on_after(START_DEADLINE_S):
                    await self._until(node, node.is_ready)
                await trio.sleep(BETWEEN_RESTARTS_S)
            self.log.add("cluster", "rolling restart done")
        except ClusterError as error:
            self.log.add("cluster", f"rolling restart stopped: {error}", "error")
        finally:
            self._rolling = False

    def _targets(self, target: str) -> list[Child]:
        if target == "leader":
            leader = self.leader()
            return [] if leader is None else [leader]
        groups: dict[str, list[Child]] = {
            "members": [*self.members],
            "nodes": [*self.nodes],
            "all": [*self.members, *self.nodes],
        }
        if target in groups:
            return groups[target]
        every = {**{node.name[-1]: node for node in self.nodes}, **{member.letter: member for member in self.members}}
        return [every[target]] if target in every else []

    async def _do(self, action: str, child: Child) -> None:
        if child.name in self._busy:
            return  # a key was pressed twice
        self._busy.add(child.name)
        try:
            if action in ("freeze", "thaw") and not CAN_FREEZE:
                self.log.add("cluster", "this system cannot freeze a process", "warning")
            elif action == "freeze":
                child.freeze()
            elif action == "thaw" or (action == "revive" and child.state == "frozen"):
                child.thaw()
            elif action == "kill":
                await child.kill()
            elif action == "stop":
                await child.stop(GRACE_S)
            elif action == "revive":
                await self._start(child)
        except ClusterError as error:
            self.log.add("cluster", str(error), "error")
        finally:
            self._busy.discard(child.name)

    async def _start(self, child: Child) -> None:
        try:
            if isinstance(child, Member) and child.has_lost_its_data:
                await self._readmit(child)
            await child.start(self._nursery)
        except OSError as error:
            raise ClusterError(f"{child.name} cannot be started: {error}") from error

    async def _readmit(self, member: Member) -> None:
        others = [each.place for each in self.members if each is not member]
        if not others:
            self.log.add(member.name, "its data is gone, and no other member has it: starts empty", "warning")
            return
        self.log.add(member.name, "its data is gone: the others readmit it and send it theirs")
        try:
            await readmit(member.place, others)
        except NotReadmitted as error:
            raise ClusterError(f"{member.name} cannot come back without its data: {error}") from error
        member.command = [*member.command, "--initial-cluster-state=existing"]

    async def _until_it_has_a_port(self, node: Node) -> None:
        """Retry with other ports: until a port is bound, another cluster that starts now may take it."""
        for _ in range(PORTS_TRIED):
            try:
                return await self._until(node, node.is_ready)
            except ClusterError as error:
                # Whoever took the port may have gone by now.
                taken = "cannot listen on" in str(error) or not is_free(node.port)
                if self._options.port is not None or not taken:
                    raise
            (port,) = quiet_ports(1, self._taken)
            self._taken.add(port)
            self.log.add(node.name, f"port {node.port} was taken by another process; trying {port}", "warning")
            node.move(port, self._serve(port))
            await self._start(node)
        raise ClusterError(f"{node.name} found {PORTS_TRIED} ports taken, one after the other")

    async def _until(self, child: Child, well: Callable[[], Awaitable[bool]]) -> None:
        """Raises ClusterError if it ends by itself instead."""
        self._waiting_for = child.name
        while True:
            looks_well = await well()
            if child.state in ("killed", "stopping", "stopped"):
                return  # it was stopped on purpose
            if not child.alive:  # something else answered on its port
                raise _ended(child)
            if looks_well:
                return
            await trio.sleep(ASK_EVERY_S)

    def _serve(self, port: int) -> list[str]:
        options = self._options
        config = ["--config", str(options.config)] if options.config is not None else []
        where = ["--host", "127.0.0.1", "--port", str(port), "--advertise", node_url(port), "--store", self._store]
        return python("serve", *config, *where, "--log-format", "json")


def _ended(child: Child) -> ClusterError:
    return ClusterError(f"{child.name} ended while starting: {child.last_words or 'it printed nothing'}")
