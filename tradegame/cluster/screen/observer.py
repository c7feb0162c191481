"""Collects everything that the screen and the status line show."""

from __future__ import annotations

import trio
from attrs import define

from tradegame.cluster.log import Log
from tradegame.cluster.options import ClusterOptions
from tradegame.cluster.processes.gauges import Gauges
from tradegame.cluster.processes.stage import Stage
from tradegame.cluster.screen.view import MemberRow, NodeRow, View
from tradegame.cluster.witness.traffic import Traffic


@define(eq=False)
class Observer:
    """``game`` and ``began`` (on trio's clock) are set once they are known. ``hint`` replaces the help on keys."""

    options: ClusterOptions
    stage: Stage
    gauges: Gauges
    traffic: Traffic
    log: Log
    game: str = ""
    began: float | None = None
    hint: str = ""

    def view(self) -> View:
        now, traffic = trio.current_time(), self.traffic
        return View(
            game=self.game,
            join=self.stage.nodes[0].page,
            running_s=now - self.began if self.began is not None else 0.0,
            bots=self.options.bots,
            clients=len(traffic.witnesses),
            playing=sum(witness.connected for witness in traffic.witnesses),
            nodes=self._nodes(now),
            members=self._members(),
            per_s=self.gauges.commands_per_s,
            p99_ms=_milliseconds(traffic.timings.p99(now)),
            failovers=traffic.failovers,
            longest_s=traffic.timings.longest,
            acknowledged=traffic.acknowledged,
            checked=traffic.checked,
            unanswered=traffic.unanswered,
            lost=traffic.ledger.lost,
            doubled=traffic.ledger.doubled,
            lines=list(self.log.lines),
            hint=self.hint,
        )

    def _nodes(self, now: float) -> list[NodeRow]:
        rows = []
        for node in self.stage.nodes:
            gauge = self.gauges.of_node[node.name]
            rows.append(
                NodeRow(
                    key=str(node.number),
                    name=node.name,
                    port=node.port,
                    condition=gauge.condition(node),
                    clients=gauge.clients,
                    per_s=gauge.per_s,
                    p99_ms=_milliseconds(self.traffic.timings.p99(now, node.url)),
                    lag=gauge.lag,
                )
            )
        return rows

    def _members(self) -> list[MemberRow]:
        rows = []
        for member in self.stage.members:
            gauge = self.gauges.of_member[member.name]
            rows.append(
                MemberRow(
                    key=member.letter,
                    name=member.name,
                    port=member.place.client_port,
                    condition=gauge.condition(member),
                    leads=self.gauges.leader() is member,
                    db_bytes=gauge.status.db_bytes if gauge.status is not None else 0,
                )
            )
        return rows


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
