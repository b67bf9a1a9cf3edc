"""A mean of scores by people, of which there are few, helped by a judge's scores, of which there are many (PPI++;
Angelopoulos, Duchi and Zrnic, arXiv:2311.01453).

`weight x mean of what the judge says of all + mean of (people - weight x judge) where both spoke`: the judge may be as
wrong as it likes, the mean is that of people. The weight is the one with the least error, near 0 for a judge that says
nothing about people's scores; so it costs next to nothing to ask it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evals.statistics import intervals

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Powered:
    """`weight` is what the judge counts for. `worth` is how many labels would tell as much without it."""

    estimate: float
    low: float
    high: float
    error: float
    weight: float
    labels: int
    worth: float


@dataclass(frozen=True, slots=True)
class Labelled:
    """What people said and what the judge said of the same items, in order; or of the same pairs of answers, where both
    are differences. At least three items, drawn from those that were judged as if by lot."""

    people: ArrayLike
    judge: ArrayLike
    clusters: Sequence[Hashable] | None = None


def mean(
    labelled: Labelled, judged: ArrayLike, clusters: Sequence[Hashable] | None = None, level: float = 0.95
) -> Powered:
    """Of people's scores. `judged` are other items than those with labels, and so are their `clusters`. Errors are by
    cluster, held against Student's t on the number of those with labels, less one for the weight. With fewer than three
    of these nothing is known: the bounds are infinite."""
    from scipy.special import stdtrit

    people, judge = np.asarray(labelled.people, dtype=np.float64), np.asarray(labelled.judge, dtype=np.float64)
    others = np.asarray(judged, dtype=np.float64)
    weight = _weight(people, judge, others)
    estimate = float(weight * others.mean() + (people - weight * judge).mean())
    variance, groups = _variance(people - weight * judge, labelled.clusters)
    if groups < 3:
        return Powered(estimate, -math.inf, math.inf, math.inf, weight, len(people), math.nan)
    variance *= (groups - 1) / (groups - 2)
    if weight:
        variance += weight**2 * _variance(others, clusters)[0]
    alone, _ = _variance(people, labelled.clusters)
    error = math.sqrt(variance)
    reach = float(stdtrit(groups - 2, (1 + level) / 2)) * error
    worth = len(people) * alone / variance if variance > 0 else math.inf
    return Powered(estimate, estimate - reach, estimate + reach, error, weight, len(people), worth)


def _weight(people: Floats, judge: Floats, others: Floats) -> float:
    """From 0 to 1, where the error of independent items is least."""
    spread = float(np.concatenate([judge, others]).var())
    if spread == 0 or len(people) < 2:
        return 0.0
    together = float(((people - people.mean()) * (judge - judge.mean())).sum()) / (len(people) - 1)
    return min(1.0, max(0.0, together / ((1 + len(people) / len(others)) * spread)))


def _variance(values: Floats, clusters: Sequence[Hashable] | None) -> tuple[float, int]:
    """Of their mean, by cluster, and how many clusters; infinite for one."""
    sums, count = intervals.sums(values - values.mean(), clusters)
    if count < 2:
        return math.inf, count
    return float((sums**2).sum()) * count / (count - 1) / len(values) ** 2, count
