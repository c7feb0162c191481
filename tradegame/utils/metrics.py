"""Metrics on prometheus_client, computed at the scrape: the hot paths only increment plain integers.

Whoever has something to show registers how to read it; ``render`` reads everything and writes Prometheus' text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import trio
from attrs import define, field, frozen
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

Kind = Literal["counter", "gauge"]
Reading = float | Mapping[tuple[str, ...], float]

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@define(eq=False)
class Histogram:
    """Counts in fixed buckets. ``bounds``: their inclusive upper ends, ascending; one more bucket takes the rest."""

    bounds: Sequence[float] = LATENCY_BUCKETS_S
    counts: list[int] = field(init=False)
    total: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one value, in the unit of ``bounds``."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Each upper end, and how many values lie at or below it."""
        found, below = [], 0
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            below += count
            found.append((bound, float(below)))
        return found


@frozen
class _Registered:
    name: str
    documentation: str
    kind: Kind
    read: Callable[[], Reading]
    labels: tuple[str, ...]

    def metric(self) -> Metric:
        family = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        metric = family(self.name, self.documentation, labels=self.labels)
        reading = self.read()
        for values, value in reading.items() if isinstance(reading, Mapping) else [((), reading)]:
            metric.add_metric(values, value)
        return metric


@frozen
class _RegisteredHistogram:
    name: str
    documentation: str
    read: Callable[[], Mapping[tuple[str, ...], Histogram]]
    labels: tuple[str, ...]

    def metric(self) -> Metric:
        metric = HistogramMetricFamily(self.name, self.documentation, labels=self.labels)
        for values, histogram in self.read().items():
            metric.add_metric(values, histogram.cumulative(), histogram.total)
        return metric


class Metrics(Collector):
    """One process's metrics in its own registry, beside those of the process and of Python's garbage collector.

    Names contain their unit (``tradegame_append_seconds``); a counter's name is given without ``_total``.
    """

    def __init__(self) -> None:
        self._registered: dict[str, _Registered | _RegisteredHistogram] = {}
        self._registry, self._process = CollectorRegistry(), CollectorRegistry()
        self._registry.register(self)
        for kind in (ProcessCollector, PlatformCollector, GCCollector):
            kind(registry=self._process)

    def register(
        self,
        name: str,
        documentation: str,
        kind: Kind,
        read: Callable[[], Reading],
        labels: Sequence[str] = (),
    ) -> None:
        """Show what ``read`` returns: a number or, with ``labels``, a number for each tuple of label values.

        ``read`` is called at each scrape and must not raise. Raises ValueError if the name is taken.
        """
        self._add(_Registered(name, documentation, kind, read, tuple(labels)))

    def register_histogram(
        self,
        name: str,
        documentation: str,
        read: Histogram | Callable[[], Mapping[tuple[str, ...], Histogram]],
        labels: Sequence[str] = (),
    ) -> None:
        """Show a histogram or, with ``labels``, one for each tuple of label values. Raises as ``register``."""
        if isinstance(read, Histogram):
            alone: dict[tuple[str, ...], Histogram] = {(): read}
            self._add(_RegisteredHistogram(name, documentation, lambda: alone, ()))
        else:
            self._add(_RegisteredHistogram(name, documentation, read, tuple(labels)))

    async def render(self) -> bytes:
        """All metrics, in Prometheus' text format 0.0.4. Those of the process in a thread: to count thousands of open
        files takes the kernel 5 ms.
        """
        own = generate_latest(self._registry)
        return own + await trio.to_thread.run_sync(generate_latest, self._process)

    def collect(self) -> Iterator[Metric]:
        """For prometheus_client: every metric as it reads now."""
        for registered in self._registered.values():
            yield registered.metric()

    def _add(self, registered: _Registered | _RegisteredHistogram) -> None:
        if registered.name in self._registered:
            raise ValueError(f"a metric named {registered.name} already exists")
        self._registered[registered.name] = registered
