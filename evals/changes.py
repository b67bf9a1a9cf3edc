"""What changed between two runs in a metric, sample by sample: by how much, whether that is more than chance, and
where. For people to look at; a gate decides by itself (`evals.gate`), and slices never pass one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from evals.coded import Coded, Ints
from evals.statistics import intervals, multiplicity
from evals.statistics.pairs import Pairs, mcnemar

Floats = NDArray[np.float64]

MOST_FLIPS = 200
"""Samples that changed, of a metric and each way, that are told by name; the rest are counted."""


class Change(msgspec.Struct, frozen=True):
    """Of a metric, on the `n` samples that both have it for: the mean difference, after less before, with an interval
    of 95 % by cluster; None where there are too few clusters, or all changed by the same, which tells nothing of an
    error. `p` is two-sided: exact (McNemar) for right and wrong in samples of their own, else by Student's t, and by
    signs (Fisher) where all changed by the same. `better` and `worse` count samples, by which way is better."""

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


@dataclass(frozen=True, slots=True)
class Paired:
    """The values that samples have in both runs, with numbers for their clusters. `lower` says that less is better."""

    before: Floats
    after: Floats
    clusters: Ints
    lower: bool

    @property
    def gains(self) -> Floats:
        """More is better."""
        return self.before - self.after if self.lower else self.after - self.before

    def at(self, rows: Ints) -> Paired:
        return Paired(self.before[rows], self.after[rows], self.clusters[rows], self.lower)

    def gained(self) -> Ints:
        """The samples that gained most, at most two hundred; what is the same is in the order of the samples."""
        return _first(self.gains)

    def lost(self) -> Ints:
        """As `gained`, the other way."""
        return _first(-self.gains)

    def change(self) -> Change | None:
        """None of no samples."""
        n, gains = len(self.before), self.gains
        if not n:
            return None
        found = intervals.mean(self.after - self.before, self.clusters)
        known = intervals.known(found)
        better, worse = int((gains > 0).sum()), int((gains < 0).sum())
        alone = found.clusters == n and bool(np.isin([self.before, self.after], (0.0, 1.0)).all())
        return Change(
            n=n,
            clusters=found.clusters,
            before=float(self.before.mean()),
            after=float(self.after.mean()),
            difference=found.estimate,
            low=found.low if known else None,
            high=found.high if known else None,
            p=mcnemar(Pairs(0, better, worse, n - better - worse)) if alone else _p(found),
            better=better,
            worse=worse,
        )

    def parts(self, slices: Mapping[str, Coded]) -> tuple[Part, ...]:
        """By column and value, sorted by them."""
        changes = {
            (column, value): change
            for column, coded in sorted(slices.items())
            for value, rows in coded.parts()
            if (change := self.at(rows).change()) is not None
        }
        known = [(part, change.p) for part, change in changes.items() if change.p is not None]
        adjusted = multiplicity.benjamini_hochberg([p for _, p in known])
        by_part = dict(zip([part for part, _ in known], adjusted, strict=True))
        return tuple(Part(*part, change, by_part.get(part)) for part, change in changes.items())


def _first(gains: Floats) -> Ints:
    moved = np.flatnonzero(gains > 0)
    return moved[np.argsort(-gains[moved], kind="stable")][:MOST_FLIPS]


def _p(found: intervals.Interval) -> float | None:
    """Two-sided, of the difference being 0, by the t on which the interval rests; None where there is no interval."""
    from scipy.special import stdtr, stdtrit

    if found.high == found.low:
        return 1.0 if found.estimate == 0 else min(1.0, 2.0 ** (1 - found.clusters))
    if not math.isfinite(found.low):
        return None
    freedom = (found.even or found.clusters) - 1
    error = (found.high - found.estimate) / float(stdtrit(freedom, 0.975))
    return 2 * float(stdtr(freedom, -abs(found.estimate) / error))
