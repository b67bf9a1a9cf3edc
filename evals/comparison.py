"""Two runs of one suite, sample by sample: what became better and what worse, by how much, and whether that is more
than chance (`evals.changes`); and what was asked and said where it changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from evals.changes import Change, Paired, Part
from evals.coded import Ints, Names
from evals.errors import BadInput
from evals.runs.log import Header, MetricHeader, results_at, samples_at
from evals.runs.table import RunTable
from evals.sample import Output, Sample

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
    pairs = _pairs(metric, told.old, told.new, place)
    return Metric(
        metric.name,
        metric.lower,
        pairs.values.change(),
        told.new.header.samples - len(pairs.later),
        told.flips(pairs, pairs.values.gained()),
        told.flips(pairs, pairs.values.lost()),
        pairs.values.parts({name: coded.at(pairs.later) for name, coded in told.new.slices.items()}),
    )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Samples that both runs have a value for, of whose repeats it is the mean: their numbers in the `earlier` and the
    `later` table, in whose order they are."""

    earlier: Ints
    later: Ints
    values: Paired


def _pairs(metric: MetricHeader, old: RunTable, new: RunTable, place: Ints) -> _Pairs:
    known = np.append(np.full(len(old.ids), np.nan), np.nan)
    if metric.name in old.rows.scores:
        known[:-1] = old.whole(old.rows.scores[metric.name])
    before, after = known[place], new.whole(new.rows.scores[metric.name])  # the last, where it is nowhere
    later = np.flatnonzero(~(np.isnan(before) | np.isnan(after)))
    return _Pairs(place[later], later, Paired(before[later], after[later], new.clusters[later], metric.lower))


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

    def flips(self, pairs: _Pairs, rows: Ints) -> tuple[Flip, ...]:
        earlier, later, values = pairs.earlier[rows], pairs.later[rows], pairs.values.at(rows)
        asked = samples_at(self.after, self.new.rows.asked[self.new.first[later]].tolist())
        texts = zip(_said(self.before, self.old, earlier), _said(self.after, self.new, later), strict=True)
        found = zip(asked, values.before.tolist(), values.after.tolist(), texts, strict=True)
        return tuple(Flip(sample.id, _question(sample), old, new, *said) for sample, old, new, said in found)


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
