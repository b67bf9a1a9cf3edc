"""What a run came to: per metric a mean with its interval, by slice, how long answers took, and what they cost.

A pure function of a run's table. The unit of a metric is the sample, of whose repeats the mean is taken; errors are by
cluster (`evals.statistics.intervals`). Times and costs are of answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from evals.classification import Classification, classify
from evals.coded import Ints
from evals.runs.columns import Floats
from evals.runs.log import MetricHeader
from evals.runs.table import RunTable
from evals.statistics import intervals

REASONS = 5
"""Kinds of reasons that are told by their words; the rest are counted together."""
OTHERS = "for other reasons"


class Mean(msgspec.Struct, frozen=True):
    """Of the samples that have a value. `low` and `high` hold the truth with `level`; None where fewer than two
    clusters tell nothing. `missing` counts results without a value, and `reasons` says why; a metric whose missing
    results are not like the others has a mean that is not like the truth."""

    value: float | None
    low: float | None
    high: float | None
    level: float
    n: int
    clusters: int
    missing: int
    reasons: Mapping[str, int]
    lower: bool = False


class Quantiles(msgspec.Struct, frozen=True):
    """In seconds, of `n` answers that no cache gave, as far as it is known how long they took."""

    n: int
    p50: float
    p90: float
    p95: float
    p99: float
    longest: float


class Summary(msgspec.Struct, frozen=True):
    """`answers` came of `asked` asks, `failed` did not, for `failures`; `reused` came from a cache. `slices` holds, by
    column and its value, the metrics of that part. `cost` is in micro-USD with the judges'; None where prices are not
    known. `labels` is what metrics of classification came to as a whole, each repeat counting."""

    samples: int
    asked: int
    failed: int
    failures: Mapping[str, int]
    reused: int
    metrics: Mapping[str, Mean]
    slices: Mapping[str, Mapping[str, Mapping[str, Mean]]]
    seconds: Quantiles | None
    first_token: Quantiles | None
    input_tokens: int
    output_tokens: int
    cost: int | None
    labels: Mapping[str, Classification]


def summarise(table: RunTable, level: float = 0.95) -> Summary:
    """Of what there is so far: a run that was stopped is summarised too."""
    rows, metrics = table.rows, table.header.metrics
    failures = rows.errors.counted()
    held = {metric.name: _Held.of(table, metric.name) for metric in metrics}
    everything = np.arange(len(table.ids))
    timed = (rows.errors.codes < 0) & ~rows.reused
    return Summary(
        samples=len(table.ids),
        asked=len(table.sample),
        failed=failures.total(),
        failures=_few(failures),
        reused=int(rows.reused.sum()),
        metrics=_means(table, held, everything, level),
        slices={
            column: {value: _means(table, held, part, level) for value, part in coded.parts()}
            for column, coded in table.slices.items()
        },
        seconds=_quantiles(rows.seconds[timed & (rows.seconds > 0)]),
        first_token=_quantiles(rows.first_token[timed & ~np.isnan(rows.first_token)]),
        input_tokens=rows.used.input_tokens,
        output_tokens=rows.used.output_tokens,
        cost=rows.used.cost,
        labels={name: one for name, labels in rows.labels.items() if (one := classify(labels)) is not None},
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """Of each sample the mean of its repeats, NaN where none has a value; and whether all values are yes or no."""

    means: Floats
    yes_or_no: bool

    @classmethod
    def of(cls, table: RunTable, metric: str) -> _Held:
        values = table.rows.scores[metric]
        return cls(table.means(values)[0], bool(((values == 0) | (values == 1) | np.isnan(values)).all()))


def _means(table: RunTable, held: Mapping[str, _Held], samples: Ints, level: float) -> dict[str, Mean]:
    """Of a part of the samples."""
    return {metric.name: _mean(table, metric, held[metric.name], samples, level) for metric in table.header.metrics}


def _mean(table: RunTable, metric: MetricHeader, of: _Held, samples: Ints, level: float) -> Mean:
    reasons = _reasons(table, metric.name, samples)
    missing, why = reasons.total(), _few(reasons)
    held = samples[~np.isnan(of.means[samples])]
    if not len(held):
        return Mean(None, None, None, level, 0, 0, missing, why, metric.lower)
    interval = intervals.proportion if of.yes_or_no else intervals.mean
    found = interval(of.means[held], table.clusters[held], level)
    low, high = (found.low, found.high) if intervals.known(found) else (None, None)
    return Mean(found.estimate, low, high, level, found.n, found.clusters, missing, why, metric.lower)


def _reasons(table: RunTable, metric: str, samples: Ints) -> Counter[str]:
    """Why results about these samples have no value."""
    reasons = table.rows.reasons[metric]
    lacking = np.flatnonzero(reasons.codes >= 0)
    if not len(lacking):
        return Counter()
    among = np.zeros(len(table.ids), dtype=np.bool_)
    among[samples] = True
    return reasons.at(lacking[among[table.sample[lacking]]]).counted()


def _quantiles(seconds: Floats) -> Quantiles | None:
    if not len(seconds):
        return None
    p50, p90, p95, p99, longest = (float(one) for one in np.quantile(seconds, (0.5, 0.9, 0.95, 0.99, 1)))
    return Quantiles(len(seconds), p50, p90, p95, p99, longest)


def _few(reasons: Counter[str]) -> dict[str, int]:
    """The commonest first; what is as common, by its words."""
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    told = dict(ranked[:REASONS])
    rest = sum(count for _, count in ranked[REASONS:])
    return {**told, OTHERS: rest} if rest else told
