"""Prometheus metrics, counted as plain integers on the hot path and turned into Prometheus' types when scraped.

Labels are bounded: endpoint and upstream are names of the configuration (never what a client typed), surface and status
are small sets. What a client asked for and did not get has empty labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.record import CallRecord
from gateway.telemetry.guards import GuardCounts
from gateway.telemetry.histogram import Histogram, microseconds
from guardrails.verdict import Verdict

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
OVERHEAD = (25e-6, 50e-6, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.1)
_SECONDS_US = microseconds(SECONDS)
_OVERHEAD_US = microseconds(OVERHEAD)

Labels = tuple[str, str, str, int]
LABELS = ("surface", "endpoint", "upstream", "status")


class Tally:
    """Everything counted under one set of labels."""

    __slots__ = (
        "cached",
        "calls",
        "cost",
        "duration",
        "estimated",
        "first",
        "input",
        "output",
        "overhead",
        "reasoning",
    )

    def __init__(self) -> None:
        self.calls = self.input = self.output = self.cached = self.reasoning = self.cost = self.estimated = 0
        self.duration = Histogram(_SECONDS_US)
        self.overhead = Histogram(_OVERHEAD_US)
        self.first = Histogram(_SECONDS_US)


Gauges = Callable[[], dict[str, tuple[str, float]]]
"""Name to help text and value, read when scraped."""


class Metrics(Collector):
    """The process's metrics. `observe` costs about two microseconds and allocates nothing after the first call."""

    def __init__(self) -> None:
        self._tallies: dict[Labels, Tally] = {}
        self._guards = GuardCounts()
        self._gauges: list[Gauges] = []
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def watch(self, gauges: Gauges) -> None:
        """Show the gauges of one of the gateway's parts too."""
        self._gauges.append(gauges)

    def observe(self, record: CallRecord) -> None:
        labels = (record.surface, record.endpoint or "", record.upstream or "", record.status)
        tally = self._tallies.get(labels)
        if tally is None:
            tally = self._tallies[labels] = Tally()
        tally.calls += 1
        tally.duration.add(record.total_us)
        tally.overhead.add(max(0, record.total_us - record.upstream_us))
        if record.first_us is not None:
            tally.first.add(record.first_us)
        if record.input_tokens or record.output_tokens:
            tally.input += record.input_tokens
            tally.output += record.output_tokens
            tally.cached += record.cached_tokens
            tally.reasoning += record.reasoning_tokens
            tally.cost += record.cost
            tally.estimated += record.estimated

    def judged(self, verdicts: Iterable[Verdict]) -> None:
        """What the guards of a call did."""
        self._guards.add(verdicts)

    def exposition(self) -> tuple[bytes, bytes]:
        """Content type and text of `/metrics`."""
        return CONTENT_TYPE_LATEST.encode(), generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        yield from self._counters()
        yield from self._histograms()
        yield from self._guards.collect()
        for gauges in self._gauges:
            for name, (text, value) in gauges().items():
                yield GaugeMetricFamily(f"sluice_{name}", text, value=value)

    def _counters(self) -> Iterator[Metric]:
        calls = CounterMetricFamily("sluice_calls", "Calls answered, refused ones included.", labels=LABELS)
        tokens = CounterMetricFamily("sluice_tokens", "Tokens metered.", labels=("kind", *LABELS[1:3]))
        cost = CounterMetricFamily("sluice_cost_micro_usd", "Cost in micro-USD.", labels=LABELS[1:3])
        estimated = CounterMetricFamily("sluice_estimated_calls", "Calls metered by estimate.", labels=LABELS[1:3])
        spent: dict[tuple[str, str], list[int]] = {}
        for labels, tally in self._tallies.items():
            calls.add_metric([str(label) for label in labels], tally.calls)
            sums = spent.setdefault(labels[1:3], [0] * 6)
            amounts = (tally.input, tally.output, tally.cached, tally.reasoning, tally.cost, tally.estimated)
            spent[labels[1:3]] = [a + b for a, b in zip(sums, amounts, strict=True)]
        for names, (given, made, cached, reasoning, micro, guessed) in spent.items():
            for kind, amount in (("input", given), ("output", made), ("cached", cached), ("reasoning", reasoning)):
                tokens.add_metric([kind, *names], amount)
            cost.add_metric(names, micro)
            estimated.add_metric(names, guessed)
        yield from (calls, tokens, cost, estimated)

    def _histograms(self) -> Iterator[Metric]:
        duration = HistogramMetricFamily("sluice_call_seconds", "Arrival to end of the reply.", labels=LABELS)
        overhead = HistogramMetricFamily("sluice_overhead_seconds", "The gateway's own part of it.", labels=LABELS)
        first = HistogramMetricFamily("sluice_first_event_seconds", "Arrival to the first event.", labels=LABELS)
        for labels, tally in self._tallies.items():
            names = [str(label) for label in labels]
            duration.add_metric(names, tally.duration.buckets(SECONDS), tally.duration.total / 1e6)
            overhead.add_metric(names, tally.overhead.buckets(OVERHEAD), tally.overhead.total / 1e6)
            if labels[3] == 200:
                first.add_metric(names, tally.first.buckets(SECONDS), tally.first.total / 1e6)
        yield from (duration, overhead, first)
