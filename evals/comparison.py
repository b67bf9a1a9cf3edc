"""Two runs of one suite, sample by sample: what became better and what worse, by how much, and whether that is more
than chance. For people to look at; a gate decides by itself (`evals.gate`), and slices never pass one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from evals.coded import Ints, Names
from evals.errors import BadInput
from evals.runs.columns import Floats
from evals.runs.log import Header, MetricHeader, results_at, samples_at
from evals.runs.table import RunTable
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
    return between(before, RunTable.read(before), after, RunTable.read(after))


def between(before: Path, old: RunTable, after: Path, new: RunTable) -> Comparison:
    """Of two logs whose tables were read. Raises `BadInput` where they are not of the same suite."""
    if old.header.suite_digest != new.header.suite_digest:
        which = "suites" if old.header.suite != new.header.suite else "versions of a suite"
        raise BadInput(f"{before} and {after} are runs of different {which}: they cannot be compared.")
    place = _places(new.ids, old.ids)
    told = _Told(before, old, after, new)
    return Comparison(old.header, new.header, tuple(_metric(metric, told, place) for metric in new.header.metrics))


def _metric(metric: MetricHeader, told: _Told, place: Ints) -> Metric:
    pairs = _pairs(metric.name, told.old, told.new, place)
    gains = (-1.0 if metric.lower else 1.0) * pairs.differences
    return Metric(
        metric.name,
        metric.lower,
        _change(pairs, gains),
        told.new.header.samples - len(gains),
        told.flips(pairs, gains),
        told.flips(pairs, -gains),
        _parts(told.new, pairs, gains),
    )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Samples that both runs have a value for, of whose repeats it is the mean: their numbers in the `earlier` and the
    `later` table, in whose order they are."""

    earlier: Ints
    later: Ints
    before: Floats
    after: Floats
    clusters: Ints

    @property
    def differences(self) -> Floats:
        return self.after - self.before

    def at(self, rows: Ints | NDArray[np.bool_]) -> _Pairs:
        return _Pairs(*(getattr(self, one.name)[rows] for one in fields(self)))


def _pairs(metric: str, old: RunTable, new: RunTable, place: Ints) -> _Pairs:
    nowhere = np.append(np.full(len(old.ids), np.nan), np.nan)
    if metric in old.rows.scores:
        nowhere[:-1] = old.whole(old.rows.scores[metric])
    before, after = nowhere[place], new.whole(new.rows.scores[metric])
    later = np.flatnonzero(~(np.isnan(before) | np.isnan(after)))
    return _Pairs(place[later], later, before[later], after[later], new.clusters[later])


def _places(of: Names, among: Names) -> Ints:
    """Where each is among the others; -1 where it is not."""
    if np.array_equal(of, among):
        return np.arange(len(of))
    known = {name: at for at, name in enumerate(among)}
    return np.array([known.get(name, -1) for name in of], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Told:
    """Two logs, in which is read what was asked and said."""

    before: Path
    old: RunTable
    after: Path
    new: RunTable

    def flips(self, pairs: _Pairs, gains: Floats) -> tuple[Flip, ...]:
        """Where there is most to gain; what is the same is as it was asked."""
        moved = np.flatnonzero(gains > 0)
        shown = pairs.at(moved[np.argsort(-gains[moved], kind="stable")][:MOST_FLIPS])
        questions = samples_at(self.after, self.new.rows.asked[self.new.first[shown.later]].tolist())
        said_before, said_after = _said(self.before, self.old, shown.earlier), _said(self.after, self.new, shown.later)
        values = zip(shown.before.tolist(), shown.after.tolist(), strict=True)
        return tuple(
            Flip(sample.id, _question(sample), *pair, before, after)
            for sample, pair, before, after in zip(questions, values, said_before, said_after, strict=True)
        )


def _said(folder: Path, table: RunTable, samples: Ints) -> list[str]:
    """The first answer about each: there is one, as there is a score."""
    rows = [table.answered(sample) for sample in samples.tolist()]
    found = results_at(folder, table.rows.lines[np.array(rows, dtype=np.int64)].tolist())
    return [_text(result.output) if result.output is not None else "" for result in found]


def _text(output: Output) -> str:
    called = "".join(f"\n→ {call.name}({call.arguments})" for call in output.tool_calls)
    return (output.text + called)[:LONGEST]


def _question(sample: Sample) -> str:
    return (sample.question or " ".join(str(value) for value in sample.variables.values()))[:LONGEST]


def _change(pairs: _Pairs, gains: Floats) -> Change | None:
    n = len(gains)
    if not n:
        return None
    found = intervals.mean(pairs.differences, pairs.clusters)
    known = found.clusters > 1
    better, worse = int((gains > 0).sum()), int((gains < 0).sum())
    alone = found.clusters == n and bool(np.isin([pairs.before, pairs.after], (0.0, 1.0)).all())
    return Change(
        n=n,
        clusters=found.clusters,
        before=float(pairs.before.mean()),
        after=float(pairs.after.mean()),
        difference=found.estimate,
        low=found.low if known else None,
        high=found.high if known else None,
        p=mcnemar(Pairs(0, better, worse, n - better - worse)) if alone else _p(found) if known else None,
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


def _parts(table: RunTable, pairs: _Pairs, gains: Floats) -> tuple[Part, ...]:
    changes = {
        (column, value): change
        for column, coded in sorted(table.slices.items())
        for value, rows in coded.at(pairs.later).parts()
        if (change := _change(pairs.at(rows), gains[rows])) is not None
    }
    known = [(part, change.p) for part, change in changes.items() if change.p is not None]
    adjusted = multiplicity.benjamini_hochberg([p for _, p in known])
    by_part = dict(zip([part for part, _ in known], adjusted, strict=True))
    return tuple(Part(*part, change, by_part.get(part)) for part, change in changes.items())
