"""Intervals for means, rates and ratios whose values come in clusters: calls of a conversation, items of a document.

Values of a cluster are not independent; errors are added up by cluster (Liang and Zeger 1986; Miller, arXiv:2411.00640)
and held against Student's t on the number of clusters, where they are not of one size on as many as they count for
(compare Carter, Schnepel and Steigerwald 2017). With fewer than two clusters nothing is known: the bounds are infinite.
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


LEAST = 1.2
"""Clusters of one size, or what counts as so many, that say anything: of fewer an interval is wider than anything."""


@dataclass(frozen=True, slots=True)
class Interval:
    """`low` and `high` hold the truth with the level that was asked for; `n` values in `clusters` clusters, which count
    as so many of one size where they are not of one: `even`."""

    estimate: float
    low: float
    high: float
    n: int
    clusters: int
    even: float | None = None


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
    """Of what is yes or no, or the mean of repeats that are, after Wilson (1927): within [0, 1], and never of no width.
    Clusters count by the design effect: as so many independent values as would have the error that theirs has (Korn and
    Graubard 1998)."""
    held = np.asarray(values, dtype=np.float64)
    n, estimate = len(held), float(held.mean())
    groups, count = sums(held - estimate, clusters)
    alone_as = independent(held - estimate, groups, clusters)
    even = min(count, alone_as)
    if even < LEAST:
        return Interval(estimate, 0.0, 1.0, n, count, even)
    alone = estimate * (1 - estimate) / n
    error = float((groups**2).sum()) * count / (count - 1) / n**2
    effect = max(1.0, error / alone, n / alone_as) if alone > 0 else n / even
    effective, z = n / effect, _t(level, even - 1)
    middle = (estimate + z * z / (2 * effective)) / (1 + z * z / effective)
    reach = z / (1 + z * z / effective) * math.sqrt(alone * effect + z * z / (4 * effective * effective))
    low = 0.0 if estimate == 0 else max(0.0, middle - reach)  # exactly, whatever rounding makes of it
    high = 1.0 if estimate == 1 else min(1.0, middle + reach)
    return Interval(estimate, low, high, n, count, even)


def known(found: Interval) -> bool:
    """Whether it tells anything: there are clusters enough, and values that are not all alike."""
    return found.clusters > 1 and math.isfinite(found.low) and found.low < found.high


def at_most(events: int, n: int, alpha: float = 0.05) -> float:
    """The exact upper bound, with error `alpha`, of a rate that showed `events` in `n` independent trials (Clopper and
    Pearson 1934): none in 30 still allows for one in ten."""
    from scipy.special import betaincinv

    return 1.0 if events >= n else float(betaincinv(events + 1, n - events, 1 - alpha))


def _around(estimate: float, influence: Floats, clusters: Clusters, level: float) -> Interval:
    groups, count = sums(influence, clusters)
    n = len(influence)
    even = min(count, independent(influence, groups, clusters))
    if even < LEAST:
        return Interval(estimate, -math.inf, math.inf, n, count, even)
    reach = _t(level, even - 1) * math.sqrt(float((groups**2).sum()) * count / (count - 1)) / n
    return Interval(estimate, estimate - reach, estimate + reach, n, count, even)


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


def counted(values: Floats, clusters: Clusters) -> float:
    """As how many clusters of one size they count: fewer than there are, where a few large ones hold most of the values
    and those of a cluster are alike."""
    apart = values - values.mean()
    totals, count = sums(apart, clusters)
    return min(count, independent(apart, totals, clusters))


def independent(apart: Floats, totals: Floats, clusters: Clusters) -> float:
    """The independent values whose mean errs as that of these: `n^2 / sum(m (1 + (m - 1) r))` in clusters of sizes `m`,
    by the intraclass correlation `r` that is found in the analysis of variance, from 0 to 1 (Donner 1986). `apart` is
    how far each is from the mean, `totals` the sums of that by cluster."""
    n, count = len(apart), len(totals)
    if count in (n, 1):
        return count
    sizes, _ = sums(np.ones(n), clusters)
    squares, between = float((sizes**2).sum()), float((totals**2 / sizes).sum())
    within = max(0.0, float((apart**2).sum()) - between) / (n - count)
    between /= count - 1
    usual = (n - squares / n) / (count - 1)
    whole = between + (usual - 1) * within
    alike = min(1.0, max(0.0, (between - within) / whole)) if whole > 0 else 0.0
    return n * n / (n + alike * (squares - n))


def _t(level: float, freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))
