"""Intervals for means, rates and ratios whose values come in clusters: calls of a conversation, items of a document.

Values of a cluster are not independent; errors are added up by cluster (Liang and Zeger 1986; Miller, arXiv:2411.00640)
and held against Student's t on the number of clusters. With fewer than two clusters nothing is known: the bounds are
infinite.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Clusters = Sequence[Hashable] | NDArray[np.int64] | None
"""Of which cluster each value is; None where each is one of its own. Numbers in an array are fast."""


@dataclass(frozen=True, slots=True)
class Interval:
    """`low` and `high` hold the truth with the level that was asked for; `n` values in `clusters` clusters."""

    estimate: float
    low: float
    high: float
    n: int
    clusters: int


def mean(values: ArrayLike, clusters: Clusters = None, level: float = 0.95) -> Interval:
    """Of at least one value. Its error by cluster, Student's t."""
    held = np.asarray(values, dtype=np.float64)
    estimate = float(held.mean())
    return _around(estimate, held - estimate, clusters, level)


def ratio(above: ArrayLike, below: ArrayLike, clusters: Clusters = None, level: float = 0.95) -> Interval:
    """Of two sums over the same values, by linearization (the delta method). Raises `ZeroDivisionError` where the lower
    one is 0."""
    top, bottom = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    whole = float(bottom.sum())
    if whole == 0:
        raise ZeroDivisionError("the lower sum of a ratio is 0")
    estimate = float(top.sum()) / whole
    return _around(estimate, (top - estimate * bottom) * (len(top) / whole), clusters, level)


def proportion(values: ArrayLike, clusters: Clusters = None, level: float = 0.95) -> Interval:
    """Of what is yes or no, after Wilson (1927): within [0, 1], and never of no width. Clusters count by the design
    effect: as so many independent values as would have the error that theirs has (Korn and Graubard 1998)."""
    held = np.asarray(values, dtype=np.float64)
    n, estimate = len(held), float(held.mean())
    groups, count = sums(held - estimate, clusters)
    if count < 2:
        return Interval(estimate, 0.0, 1.0, n, count)
    alone = estimate * (1 - estimate) / n
    error = float((groups**2).sum()) * count / (count - 1) / n**2
    effect = max(1.0, error / alone) if alone > 0 else n / count
    effective, z = n / effect, _t(level, count - 1)
    middle = (estimate + z * z / (2 * effective)) / (1 + z * z / effective)
    reach = z / (1 + z * z / effective) * math.sqrt(alone * effect + z * z / (4 * effective * effective))
    low = 0.0 if estimate == 0 else max(0.0, middle - reach)  # exactly, whatever rounding makes of it
    high = 1.0 if estimate == 1 else min(1.0, middle + reach)
    return Interval(estimate, low, high, n, count)


def at_most(events: int, n: int, alpha: float = 0.05) -> float:
    """The exact upper bound, with error `alpha`, of a rate that showed `events` in `n` independent trials (Clopper and
    Pearson 1934): none in 30 still allows for one in ten."""
    from scipy.special import betaincinv

    return 1.0 if events >= n else float(betaincinv(events + 1, n - events, 1 - alpha))


def _around(estimate: float, influence: Floats, clusters: Clusters, level: float) -> Interval:
    groups, count = sums(influence, clusters)
    n = len(influence)
    if count < 2:
        return Interval(estimate, -math.inf, math.inf, n, count)
    reach = _t(level, count - 1) * math.sqrt(float((groups**2).sum()) * count / (count - 1)) / n
    return Interval(estimate, estimate - reach, estimate + reach, n, count)


def sums(values: Floats, clusters: Clusters) -> tuple[Floats, int]:
    """Sums by cluster, and of how many; without clusters each value is one."""
    if clusters is None:
        return values, len(values)
    if isinstance(clusters, np.ndarray):
        if np.any(clusters[1:] < clusters[:-1]):
            order = np.argsort(clusters, kind="stable")
            values, clusters = values[order], clusters[order]
        begins = np.append(0, np.flatnonzero(clusters[1:] != clusters[:-1]) + 1)
        return np.add.reduceat(values, begins), len(begins)
    places: dict[Hashable, int] = {}
    at = [places.setdefault(cluster, len(places)) for cluster in clusters]
    found: Floats = np.bincount(at, weights=values, minlength=len(places)).astype(np.float64)
    return found, len(places)


def _t(level: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))
