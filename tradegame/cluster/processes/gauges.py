"""Polls every node and member once a second: what the screen shows beside what the witnesses measure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import trio
from attrs import define, field

from tradegame.cluster.log import Log
from tradegame.cluster.processes.child import Child
from tradegame.cluster.processes.etcd import UNSOUND, Member, MemberStatus, parse_status
from tradegame.cluster.processes.http import NoAnswer, ask
from tradegame.cluster.processes.node import Node
from tradegame.protocol.requests import KEYED

EVERY_S = 1.0
DEADLINE_S = 0.9
MISSES = 3
"""After so many unanswered questions in a row a node or member counts as silent."""

COMMANDS = KEYED - {"join"}

Condition = Literal[
    "serving", "starting", "not ready", "silent", "frozen", "stopping", "killed", "stopped", "ended", "down"
]

_SAMPLE = re.compile(rb'^(tradegame_\w+)(?:\{(\w+)="([^"]*)"\})? ([-+.\deE]+)$', re.MULTILINE)


@define(eq=False)
class _Gauge:
    """``answered``: since it was started last."""

    answered: bool = False
    misses: int = 0
    starts: int = 0

    def condition(self, child: Child) -> Condition:
        if child.state != "running":
            return child.state
        if not self.answered or self.starts != child.starts:
            return "starting"
        return "silent" if self.misses >= MISSES else "serving"

    def heard(self, child: Child, *, well: bool) -> None:
        if self.starts != child.starts:
            self.starts, self.answered = child.starts, False
        self.answered = self.answered or well
        self.misses = 0 if well else self.misses + 1


@define(eq=False)
class NodeGauge(_Gauge):
    """``clients``: connections; ``per_s``: commands a second; ``seq``: its last frame; ``lag``: frames behind."""

    ready: bool = False
    clients: int = 0
    per_s: float = 0.0
    seq: int = 0
    lag: int = 0
    _commands: float | None = None
    _asked_at: float = 0.0

    def condition(self, child: Child) -> Condition:
        condition = super().condition(child)
        return "not ready" if condition == "serving" and not self.ready else condition

    def take(self, samples: dict[tuple[str, str], float], now: float) -> None:
        """A scrape of /metrics; ``samples`` by name and the one label's value."""
        self.ready = samples.get(("tradegame_ready", ""), 0.0) == 1.0
        self.clients = int(samples.get(("tradegame_connections", ""), 0.0))
        self.seq = int(max((value for (name, _), value in samples.items() if name == "tradegame_game_seq"), default=0))
        commands = sum(
            value for (name, op), value in samples.items() if name == "tradegame_requests_total" and op in COMMANDS
        )
        before, took = self._commands, now - self._asked_at
        self.per_s = (commands - before) / took if before is not None and commands >= before and took > 0 else 0.0
        self._commands, self._asked_at = commands, now

    def gone(self) -> None:
        self.ready, self.clients, self.per_s, self.lag, self._commands = False, 0, 0.0, 0, None


@define(eq=False)
class MemberGauge(_Gauge):
    status: MemberStatus | None = None

    def condition(self, child: Child) -> Condition:
        condition = super().condition(child)
        return "not ready" if condition == "serving" and not (self.status and self.status.led) else condition

    @property
    def leads(self) -> bool:
        return self.status is not None and self.status.leads


@define(eq=False)
class Gauges:
    nodes: Sequence[Node]
    members: Sequence[Member]
    log: Log
    of_node: dict[str, NodeGauge] = field(init=False)
    of_member: dict[str, MemberGauge] = field(init=False)
    _told: dict[str, Condition] = field(factory=dict, init=False)
    _told_leader: str = field(default="", init=False)
    _told_version: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.of_node = {node.name: NodeGauge() for node in self.nodes}
        self.of_member = {member.name: MemberGauge() for member in self.members}

    def leader(self) -> Member | None:
        """The member that leads and runs, as far as is known."""
        return next(
            (member for member in self.members if member.state == "running" and self.of_member[member.name].leads), None
        )

    @property
    def commands_per_s(self) -> float:
        return sum(gauge.per_s for gauge in self.of_node.values())

    async def run(self) -> None:
        """Ask them all, once a second, until cancelled."""
        while True:
            began = trio.current_time()
            async with trio.open_nursery() as nursery:
                for node in self.nodes:
                    nursery.start_soon(self._ask_node, node)
                for member in self.members:
                    nursery.start_soon(self._ask_member, member)
            ahead = max((gauge.seq for gauge in self.of_node.values()), default=0)
            for gauge in self.of_node.values():
                gauge.lag = max(0, ahead - gauge.seq) if gauge.clients or gauge.ready else 0
            self._tell()
            await trio.sleep_until(began + EVERY_S)

    def _tell(self) -> None:
        """Log changes that nobody else logs."""
        leader = self.leader()
        versions = {gauge.status.version for gauge in self.of_member.values() if gauge.status is not None}
        if not self._told_version and (unsound := sorted(versions.intersection(UNSOUND))):
            self._told_version = True
            text = f"etcd {unsound[0]} may itself lose what it acknowledged when it is killed; --etcd names another"
            self.log.add("cluster", text, "warning")
        if leader is not None and leader.name != self._told_leader:
            self._told_leader = leader.name
            self.log.add(leader.name, "leads")
        children: list[tuple[Child, _Gauge]] = [
            *((node, self.of_node[node.name]) for node in self.nodes),
            *((member, self.of_member[member.name]) for member in self.members),
        ]
        for child, gauge in children:
            condition, before = gauge.condition(child), self._told.get(child.name, "down")
            self._told[child.name] = condition
            if condition != before and condition in ("not ready", "silent"):
                self.log.add(child.name, condition, "warning")
            elif condition != before == "starting" and condition == "serving" and isinstance(child, Node):
                continue  # it has logged that itself
            elif condition != before and condition == "serving" and before != "frozen":
                self.log.add(child.name, "serves")

    async def _ask_node(self, node: Node) -> None:
        gauge = self.of_node[node.name]
        if node.state != "running":
            gauge.gone()
            return
        status, body = 0, b""
        if node.serves:
            with suppress(NoAnswer):
                status, body = await ask(node.port, "/metrics", deadline_s=DEADLINE_S)
        gauge.heard(node, well=status == 200)
        if status == 200:
            gauge.take(samples(body), trio.current_time())
        elif gauge.misses >= MISSES:
            gauge.gone()

    async def _ask_member(self, member: Member) -> None:
        gauge = self.of_member[member.name]
        status = None
        if member.state == "running":
            try:
                _, body = await ask(
                    member.place.client_port, "/v3/maintenance/status", deadline_s=DEADLINE_S, body=b"{}"
                )
                status = parse_status(body)
            except (NoAnswer, ValueError):
                status = None
        gauge.heard(member, well=status is not None)
        if status is not None or gauge.misses >= MISSES or member.state != "running":
            gauge.status = status


def samples(body: bytes) -> dict[tuple[str, str], float]:
    """Parse Prometheus' text: tradegame's metrics with at most one label, by name and that label's value."""
    return {(name.decode(), label.decode()): float(value) for name, _, label, value in _SAMPLE.findall(body)}
