"""What guards did, counted: by guard and stage, by what became of it, and how long they took.

Labels are bounded: guards are called what policies call them, and why one did not run is one of a few words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from gateway.telemetry.histogram import Histogram, microseconds
from guardrails.verdict import Verdict

SECONDS = (1e-5, 1e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_BOUNDS = microseconds(SECONDS)

LABELS = ("guard", "stage", "action", "would", "not_run")


class GuardCounts:
    """Of one process."""

    def __init__(self) -> None:
        self._verdicts: dict[tuple[str, ...], int] = {}
        self._took: dict[str, Histogram] = {}

    def add(self, verdicts: Iterable[Verdict]) -> None:
        for one in verdicts:
            labels = (one.guard, one.stage, one.action, one.would or "", one.cause or "")
            self._verdicts[labels] = self._verdicts.get(labels, 0) + 1
            if one.ran:
                took = self._took.get(one.guard)
                if took is None:
                    took = self._took[one.guard] = Histogram(_BOUNDS)
                took.add(round(one.milliseconds * 1000))

    def collect(self) -> Iterator[Metric]:
        verdicts = CounterMetricFamily(
            "sluice_guard_verdicts",
            "Judgements by guards, and what became of them; `would` in a dry run; `not_run` where there was none.",
            labels=LABELS,
        )
        for labels, count in self._verdicts.items():
            verdicts.add_metric(labels, count)
        seconds = HistogramMetricFamily("sluice_guard_seconds", "What one judgement took.", labels=("guard",))
        for guard, took in self._took.items():
            seconds.add_metric([guard], took.buckets(SECONDS), took.total / 1e6)
        yield from (verdicts, seconds)
