"""What a run came to: per metric a mean with its interval, by slice, how long answers took, and what they cost.

A pure function of a run's log. The unit of a metric is the sample, of whose repeats the mean is taken; errors are by
cluster (`evals.statistics.intervals`). Times and costs are of answers.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from evals.classification import Classification, Labelled, classify
from evals.runs.log import Header, MetricHeader
from evals.sample import Output, Result, Sample, Usage
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
    """In seconds, of `n` answers that no cache gave."""

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


def summarise(header: Header, samples: Iterable[Sample], results: Iterable[Result], level: float = 0.95) -> Summary:
    """Of what there is so far: a run that was stopped is summarised too."""
    known = {sample.id: sample for sample in samples}
    found = [result for result in results if result.sample in known]
    failures = Counter(result.error for result in found if result.error is not None)
    outputs = [result.output for result in found if result.output is not None]
    used = sum((usage for result in found for usage in _used(result)), Usage(cost=0))
    return Summary(
        samples=len({result.sample for result in found}),
        asked=len(found),
        failed=failures.total(),
        failures=_few(failures),
        reused=sum(output.reused for output in outputs),
        metrics=_means(header.metrics, known, found, level),
        slices={column: _by_slice(column, header.metrics, known, found, level) for column in header.slices},
        seconds=_quantiles([output.seconds for output in _timed(outputs)]),
        first_token=_quantiles([one.first_token for one in _timed(outputs) if one.first_token is not None]),
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cost=used.cost,
        labels={metric.name: one for metric in header.metrics if (one := _classified(metric, found)) is not None},
    )


def _classified(metric: MetricHeader, results: Sequence[Result]) -> Classification | None:
    if metric.kind != "label":
        return None
    scores = [result.scores[metric.name] for result in results if metric.name in result.scores]
    return classify(
        [Labelled(one.details["expected"], one.answer, one.probability) for one in scores if one.value is not None]
    )


def _used(result: Result) -> list[Usage]:
    scoring = [score.usage for score in result.scores.values() if score.usage is not None]
    return scoring if result.output is None else [result.output.usage, *scoring]


def _means(
    metrics: Sequence[MetricHeader], samples: Mapping[str, Sample], results: Sequence[Result], level: float
) -> dict[str, Mean]:
    return {metric.name: _mean(metric, samples, results, level) for metric in metrics}


def _mean(metric: MetricHeader, samples: Mapping[str, Sample], results: Sequence[Result], level: float) -> Mean:
    values: defaultdict[str, list[float]] = defaultdict(list)
    reasons: Counter[str] = Counter()
    for result in results:
        score = result.scores.get(metric.name)
        if score is not None and score.value is not None:
            values[result.sample].append(score.value)
        elif result.error is not None:
            reasons["the target failed"] += 1
        else:
            reasons[score.reason if score is not None and score.reason else "it was not scored"] += 1
    missing, why = reasons.total(), _few(reasons)
    if not values:
        return Mean(None, None, None, level, 0, 0, missing, why, metric.lower)
    means = [math.fsum(of) / len(of) for of in values.values()]
    clusters = [samples[one].cluster or f"sample:{one}" for one in values]
    interval = intervals.proportion if set(means) <= {0.0, 1.0} else intervals.mean
    found = interval(means, clusters, level)
    low, high = (found.low, found.high) if found.clusters > 1 else (None, None)
    return Mean(found.estimate, low, high, level, found.n, found.clusters, missing, why, metric.lower)


def _by_slice(
    column: str,
    metrics: Sequence[MetricHeader],
    samples: Mapping[str, Sample],
    results: Sequence[Result],
    level: float,
) -> dict[str, dict[str, Mean]]:
    parts: defaultdict[str, list[Result]] = defaultdict(list)
    for result in results:
        value = samples[result.sample].slices.get(column)
        if value is not None:
            parts[value].append(result)
    return {value: _means(metrics, samples, parts[value], level) for value in sorted(parts)}


def _timed(outputs: Iterable[Output]) -> list[Output]:
    return [output for output in outputs if not output.reused]


def _quantiles(seconds: Sequence[float]) -> Quantiles | None:
    if not seconds:
        return None
    p50, p90, p95, p99, longest = (float(one) for one in np.quantile(seconds, (0.5, 0.9, 0.95, 0.99, 1)))
    return Quantiles(len(seconds), p50, p90, p95, p99, longest)


def _few(reasons: Counter[str]) -> dict[str, int]:
    """The commonest first; what is as common, by its words."""
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    told = dict(ranked[:REASONS])
    rest = sum(count for _, count in ranked[REASONS:])
    return {**told, OTHERS: rest} if rest else told
