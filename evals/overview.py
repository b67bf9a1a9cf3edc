"""What evidence says, for people to look at: each metric with its interval and slice by slice, what changed against the
baseline and in which items, and how good the judges are. A pure function of the evidence, which has no texts: what was
asked and said is in the run's log, and stays there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from evals.changes import Change, Floats, Paired, Part
from evals.coded import Coded, Ints
from evals.evidence import ALWAYS_LOWER, EvalEvidence, Item, JudgeFacts
from evals.statistics import agreement, intervals

AMOUNTS = ("cost", "seconds")
"""Metrics that are no shares, though they may be 0 or 1 throughout."""


class Found(msgspec.Struct, frozen=True):
    """The candidate's mean over `n` items in `clusters` clusters. `low` and `high` hold the truth with 95 %; None where
    there are too few clusters to tell, or all values are alike."""

    value: float
    low: float | None
    high: float | None
    n: int
    clusters: int


class Slice(msgspec.Struct, frozen=True):
    column: str
    value: str
    found: Found


class Moved(msgspec.Struct, frozen=True):
    """An item that changed: its value of the baseline, and of the candidate."""

    item: str
    before: float
    after: float


class OfMetric(msgspec.Struct, frozen=True):
    """`change`, with its `parts`, and the items that `gained` and `lost` most, at most two hundred each, are there
    where the evidence has a baseline. `lower` says that less is better."""

    name: str
    lower: bool
    candidate: Found
    slices: tuple[Slice, ...]
    change: Change | None
    parts: tuple[Part, ...]
    gained: tuple[Moved, ...]
    lost: tuple[Moved, ...]


class Rate(msgspec.Struct, frozen=True):
    """With an exact interval of 95 %; no value where there was nothing to hold it against."""

    value: float | None
    low: float
    high: float


class OfJudge(msgspec.Struct, frozen=True):
    """A judge's card, as far as evidence tells of it: rates for one that says yes or no, `alpha` for one that gives
    grades; none for one that was not calibrated."""

    digest: str
    metrics: tuple[str, ...]
    least: float
    family: str | None
    same_family: bool
    sensitivity: Rate | None
    specificity: Rate | None
    kappa: Rate | None
    alpha: float | None
    moved: bool


class Overview(msgspec.Struct, frozen=True):
    metrics: tuple[OfMetric, ...]
    judges: tuple[OfJudge, ...]


def overview(evidence: EvalEvidence) -> Overview:
    names = sorted({name for item in evidence.items for name in item.candidate})
    return Overview(
        tuple(_of_metric(evidence, name) for name in names), tuple(_of_judge(judge) for judge in evidence.judges)
    )


def _of_metric(evidence: EvalEvidence, name: str) -> OfMetric:
    """Of the items that have it; a change, of those that have it in both arms."""
    items = [item for item in evidence.items if name in item.candidate]
    paired = [item for item in items if item.baseline is not None and name in item.baseline]
    columns = sorted({column for item in items for column in item.slices})
    slices = {column: Coded.of(item.slices.get(column) for item in items) for column in columns}
    values, clusters = _array([item.candidate[name] for item in items]), _clusters(items)
    lower = name in evidence.lower or name in ALWAYS_LOWER
    before = _array([item.baseline[name] for item in paired if item.baseline is not None])
    after = _array([item.candidate[name] for item in paired])
    pairs = Paired(before, after, _clusters(paired), lower)

    def moved(rows: Ints) -> tuple[Moved, ...]:
        return tuple(Moved(paired[row].id, float(before[row]), float(after[row])) for row in rows.tolist())

    return OfMetric(
        name=name,
        lower=lower,
        candidate=_found(name, values, clusters),
        slices=tuple(
            Slice(column, value, _found(name, values[rows], clusters[rows]))
            for column, coded in slices.items()
            for value, rows in coded.parts()
        ),
        change=pairs.change(),
        parts=pairs.parts({column: Coded.of(item.slices.get(column) for item in paired) for column in columns}),
        gained=moved(pairs.gained()),
        lost=moved(pairs.lost()),
    )


def _found(name: str, values: Floats, clusters: Ints) -> Found:
    yes_or_no = name not in AMOUNTS and bool(np.isin(values, (0.0, 1.0)).all())
    interval = intervals.proportion if yes_or_no else intervals.mean
    found = interval(values, clusters)
    low, high = (found.low, found.high) if intervals.known(found) else (None, None)
    return Found(found.estimate, low, high, found.n, found.clusters)


def _of_judge(facts: JudgeFacts) -> OfJudge:
    table = agreement.Table(**facts.counts.model_dump()) if facts.counts is not None else None
    return OfJudge(
        digest=facts.digest,
        metrics=facts.metrics,
        least=facts.least,
        family=facts.family,
        same_family=facts.family is not None and facts.family == facts.judged,
        sensitivity=_rate(agreement.sensitivity(table)) if table is not None else None,
        specificity=_rate(agreement.specificity(table)) if table is not None else None,
        kappa=_rate(agreement.kappa(table)) if table is not None and table.n else None,
        alpha=facts.grading.alpha if facts.grading is not None else None,
        moved=facts.moved,
    )


def _rate(found: intervals.Interval) -> Rate:
    return Rate(None if found.estimate != found.estimate else found.estimate, found.low, found.high)


def _clusters(items: Sequence[Item]) -> Ints:
    return Coded.of(item.cluster or f"item:{item.id}" for item in items).codes.astype(np.int64)


def _array(values: list[float]) -> Floats:
    return np.array(values, dtype=np.float64)
