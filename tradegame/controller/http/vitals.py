"""How a node does at the moment, in a few numbers for a person: the host's page shows them.

Prometheus has all of it and more, over time; this is for who has no Prometheus.
"""

from __future__ import annotations

from collections import deque

import trio
from attrs import Factory, define, frozen

from tradegame.controller.http.metrics import Measured
from tradegame.protocol import http as protocol

WINDOW_S = 10.0
"""Rates are over so long, or over what there is of it."""
APART_S = 0.5
"""Samples that are closer together would tell nothing."""


@frozen
class _Sample:
    at: float
    commands: int
    appends: tuple[int, ...]


@define(eq=False)
class Vitals:
    """Counts are looked at when somebody asks, and compared with those of up to ``WINDOW_S`` ago."""

    node: Measured
    _samples: deque[_Sample] = Factory(deque)

    async def take(self, unready: protocol.Unready | None) -> protocol.Vitals:
        """``unready``: why the node is not ready, if it is not."""
        now, hosts = self._sample(), self.node.games.hosts
        first = self._samples[0]
        seconds = now.at - first.at
        appends = [new - old for new, old in zip(now.appends, first.appends, strict=False)]
        facts = self.node.dispatcher.facts
        return protocol.Vitals(
            ready=unready is None,
            reason=unready and unready[1],
            part=unready and unready[0],
            node=facts.node,
            version=facts.version,
            nodes=len(self.node.hub.presence.nodes),
            connections=len(self.node.manager),
            players_online=len(self.node.hub.presence),
            commands_per_s=round((now.commands - first.commands) / seconds) if seconds else None,
            p99_ms=self._p99_ms(appends),
            lag_ms=round(self.node.lag.longest_s() * 1000),
            not_served=tuple(self.node.games.unserved()),
            audit_problems=sum(host.counters.violations for host in hosts.values()),
        )

    def _sample(self) -> _Sample:
        hosts = list(self.node.games.hosts.values())
        appends = [host.append_seconds.counts for host in hosts]
        now = _Sample(
            trio.current_time(),
            sum(host.counters.commands for host in hosts),
            tuple(sum(counts) for counts in zip(*appends, strict=True)),
        )
        samples = self._samples
        while len(samples) > 1 and samples[1].at <= now.at - WINDOW_S:
            samples.popleft()
        if not samples or now.at - samples[-1].at >= APART_S:
            if samples and now.commands < samples[-1].commands:  # a game was deleted
                samples.clear()
            samples.append(now)
        return now

    def _p99_ms(self, appends: list[int]) -> int | None:
        """The upper end of the bucket in which the 99th of a hundred appends lies."""
        total = sum(appends)
        if total <= 0:
            return None
        hosts = list(self.node.games.hosts.values())
        bounds, below = hosts[0].append_seconds.bounds, 0
        for bound, count in zip(bounds, appends, strict=False):
            below += count
            if below * 100 >= total * 99:
                return round(bound * 1000)
        return round(bounds[-1] * 1000)
