"""The server's metrics, in Prometheus' text. Labels are bounded: models are those that are served."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from guardrails.models.batcher import Load

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
OF = ("model", "asked")
"""The labels of what a model does; `asked` is scores or embeddings."""

Loads = Callable[[], Mapping[tuple[str, str], Load]]
Gauges = Callable[[], Mapping[str, tuple[str, float]]]


class Measures(Collector):
    """`loads` and `gauges` are read when they are asked for."""

    def __init__(self, loads: Loads, gauges: Gauges) -> None:
        self._loads, self._gauges = loads, gauges
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        of, one = self._registry, ("model",)
        self.requests = Counter(
            "sluice_guard_server_requests", "Requests, by their status.", ("model", "status"), registry=of
        )
        self.texts = Counter(
            "sluice_guard_server_texts", "Texts, or pairs of them, that were judged.", one, registry=of
        )
        self.seconds = Histogram(
            "sluice_guard_server_seconds", "From a request's head to its answer.", one, buckets=SECONDS, registry=of
        )
        self.refused = Counter(
            "sluice_guard_server_refused", "Requests turned away, by the code.", ("code",), registry=of
        )
        self.failures = Counter("sluice_guard_server_failures", "Requests a model could not answer.", one, registry=of)

    def exposition(self) -> tuple[str, bytes]:
        """Content type, and text."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        queue = GaugeMetricFamily("sluice_guard_server_queue_windows", "Windows that wait for a model.", labels=OF)
        busy = CounterMetricFamily(
            "sluice_guard_server_busy_seconds", "What batches took, over all threads.", labels=OF
        )
        sizes = HistogramMetricFamily("sluice_guard_server_batch_windows", "Windows run together.", labels=OF)
        for of, load in self._loads().items():
            queue.add_metric(of, load.waiting)
            busy.add_metric(of, load.seconds)
            sizes.add_metric(of, buckets(load.batches), sum(size * count for size, count in load.batches.items()))
        yield from (queue, busy, sizes)
        for name, (text, value) in self._gauges().items():
            yield GaugeMetricFamily(f"sluice_{name}", text, value=value)


def buckets(batches: Mapping[int, int]) -> list[tuple[str, float]]:
    """Cumulative, as Prometheus wants them."""
    found = [(str(most), float(sum(count for size, count in batches.items() if size <= most))) for most in BATCHES]
    return [*found, ("+Inf", float(sum(batches.values())))]
