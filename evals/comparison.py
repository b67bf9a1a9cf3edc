"""Two runs of one suite, sample by sample: what became better and what worse, by how much, and whether that is more
than chance. For people to look at; a gate decides by itself (`evals.gate`), and slices never pass one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from evals.errors import BadInput
from evals.runs.log import Header, read_header, read_results, read_samples
from evals.sample import Output, Sample
from evals.statistics import intervals, multiplicity
from evals.statistics.pairs import Pairs, mcnemar

MOST_FLIPS = 200
"""Of a metric, each way; the rest are counted."""
LONGEST = 4000
"""Characters of an answer that are shown."""


class Flip(msgspec.Struct, frozen=True):
    """A sample on which two runs differ, with the values and the answers of both."""

    sample: str
    question: str
    before: float
    after: float
    said_before: str
    said_after: str


class Change(msgspec.Struct, frozen=True):
    """Of a metric, on the `n` samples that both have it for: the mean difference, after less before, with an interval
    of 95 % by cluster; None where there are too few clusters. `p` is two-sided: exact (McNemar) for right and wrong in
    samples of their own, else by Student's t. `better` and `worse` count samples, by which way is better."""

    n: int
    clusters: int
    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    better: int
    worse: int


class Part(msgspec.Struct, frozen=True):
    """A change in one part of the samples. `adjusted` is its p-value among all parts (Benjamini and Hochberg)."""

    column: str
    value: str
    change: Change
    adjusted: float | None


class Metric(msgspec.Struct, frozen=True):
    """`missing` samples have a value in one run alone, or in none. `gained` and `lost` are the samples that changed
    most, at most two hundred of each."""

    name: str
    lower: bool
    change: Change | None
    missing: int
    gained: tuple[Flip, ...]
    lost: tuple[Flip, ...]
    parts: tuple[Part, ...]


class Comparison(msgspec.Struct, frozen=True):
    before: Header
    after: Header
    metrics: tuple[Metric, ...]


def compare(before: Path, after: Path) -> Comparison:
    """Of two logs. Raises `BadInput` where they are not of the same suite."""
    old, new = read_header(before), read_header(after)
    if old.suite_digest != new.suite_digest:
        which = "suites" if old.suite != new.suite else "versions of a suite"
        raise BadInput(f"{before} and {after} are runs of different {which}: they cannot be compared.")
    samples = {sample.id: sample for sample in read_samples(after)}
    values_old, said_old = _values(before, old)
    values_new, said_new = _values(after, new)
    metrics = []
    for metric in new.metrics:
        pairs = {
            sample: (values_old[sample][metric.name], values_new[sample][metric.name])
            for sample in samples
            if metric.name in values_old.get(sample, {}) and metric.name in values_new.get(sample, {})
        }
        sign = -1.0 if metric.lower else 1.0
        moved = sorted(pairs, key=lambda one: (-abs(pairs[one][1] - pairs[one][0]), one))
        flips = [_flip(samples[one], pairs[one], said_old[one], said_new[one]) for one in moved]
        metrics.append(
            Metric(
                metric.name,
                metric.lower,
                _change(pairs, samples, sign),
                len(samples) - len(pairs),
                tuple(flip for flip in flips if sign * (flip.after - flip.before) > 0)[:MOST_FLIPS],
                tuple(flip for flip in flips if sign * (flip.after - flip.before) < 0)[:MOST_FLIPS],
                _parts(new.slices, pairs, samples, sign),
            )
        )
    return Comparison(old, new, tuple(metrics))


Found = Mapping[str, Mapping[str, float]]


def _values(folder: Path, header: Header) -> tuple[Found, Mapping[str, str]]:
    """By sample, the mean of each metric that all repeats have, and what was said first."""
    held: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    said: dict[str, str] = {}
    for result in read_results(folder):
        if result.output is None:
            continue
        said.setdefault(result.sample, _said(result.output))
        for name, score in result.scores.items():
            if score.value is not None:
                held[result.sample][name].append(score.value)
    means = {
        sample: {name: math.fsum(of) / len(of) for name, of in found.items() if len(of) == header.repeats}
        for sample, found in held.items()
    }
    return means, said


def _said(output: Output) -> str:
    called = "".join(f"\n→ {call.name}({call.arguments})" for call in output.tool_calls)
    return (output.text + called)[:LONGEST]


def _flip(sample: Sample, values: tuple[float, float], before: str, after: str) -> Flip:
    question = sample.question or " ".join(str(value) for value in sample.variables.values())
    return Flip(sample.id, question[:LONGEST], *values, before, after)


def _change(pairs: Mapping[str, tuple[float, float]], samples: Mapping[str, Sample], sign: float) -> Change | None:
    if not pairs:
        return None
    before, after = [old for old, _ in pairs.values()], [new for _, new in pairs.values()]
    differences = [new - old for old, new in pairs.values()]
    clusters = [samples[sample].cluster or f"sample:{sample}" for sample in pairs]
    found = intervals.mean(differences, clusters)
    known = found.clusters > 1
    better = sum(sign * difference > 0 for difference in differences)
    worse = sum(sign * difference < 0 for difference in differences)
    single = found.clusters == len(pairs) and {*before, *after} <= {0.0, 1.0}
    n = len(pairs)
    return Change(
        n=n,
        clusters=found.clusters,
        before=math.fsum(before) / n,
        after=math.fsum(after) / n,
        difference=found.estimate,
        low=found.low if known else None,
        high=found.high if known else None,
        p=mcnemar(Pairs(0, better, worse, n - better - worse)) if single else _p(found) if known else None,
        better=better,
        worse=worse,
    )


def _p(found: intervals.Interval) -> float:
    """Two-sided, of the difference being 0, by the t on which the interval rests."""
    from scipy.special import stdtr, stdtrit

    error = (found.high - found.estimate) / float(stdtrit(found.clusters - 1, 0.975))
    if error == 0:
        return 1.0 if found.estimate == 0 else 0.0
    return 2 * float(stdtr(found.clusters - 1, -abs(found.estimate) / error))


def _parts(
    columns: Sequence[str], pairs: Mapping[str, tuple[float, float]], samples: Mapping[str, Sample], sign: float
) -> tuple[Part, ...]:
    by_part: defaultdict[tuple[str, str], dict[str, tuple[float, float]]] = defaultdict(dict)
    for sample, values in pairs.items():
        for column in columns:
            if (value := samples[sample].slices.get(column)) is not None:
                by_part[column, value][sample] = values
    changes = {part: _change(found, samples, sign) for part, found in sorted(by_part.items())}
    known = [(part, change.p) for part, change in changes.items() if change is not None and change.p is not None]
    adjusted = dict(
        zip(
            [part for part, _ in known],
            multiplicity.benjamini_hochberg([p for _, p in known]),
            strict=True,
        )
    )
    return tuple(Part(*part, change, adjusted.get(part)) for part, change in changes.items() if change is not None)
