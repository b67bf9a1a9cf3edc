"""Bounds of a mean below and above, for values that may come in clusters and may be mostly alike.

Three ways of being wrong, and the widest counts: the error by cluster with Student's t (Liang and Zeger 1986; Miller,
arXiv:2411.00640); what has been seen, reweighted until its mean is as far off as the bound, as a rare harm leaves too
small an error where little of it was seen (a score test in the exponential family through the sample, Efron 1981); and
what has not been seen at all, which in `g` clusters may be as frequent as `1 - alpha^(1/g)`, and as far off as the
farthest value that was. Clusters that are not of one size may count as fewer (`intervals.counted`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evals.statistics import intervals

POWER = 0.8
"""The chance with which what is true should be shown, where a number of items is told."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bounds:
    """`low` and `high` are one-sided, each wrong with a chance of about `alpha`. `error` is the standard error by
    cluster, `farthest` how far from the mean a value may be."""

    estimate: float
    low: float
    high: float
    error: float
    farthest: float
    n: int
    clusters: int
    alpha: float
    even: float | None = None
    """As how many clusters of one size they count (`intervals.counted`); None where they are of one size."""

    @property
    def counted(self) -> float:
        return self.clusters if self.even is None else self.even

    def turned(self) -> Bounds:
        """Of the values with the other sign."""
        return replace(self, estimate=-self.estimate, low=-self.high, high=-self.low)

    @property
    def detectable(self) -> float:
        """How far the true mean must be from a threshold for `POWER`, in a run as this one."""
        if self.counted < intervals.LEAST:
            return math.inf
        return max(_reach(self.alpha, self.counted) * self.error, _unseen(self.alpha, self.counted) * self.farthest)

    def needed(self, threshold: float, planned: float | None = None) -> int:
        """How many items, in clusters as these, show with `POWER` that the mean is above the threshold: where it is as
        `planned`; where nothing above it is, or so many were not enough, where it is as found, which is above it."""
        enough = 0 if planned is None or planned <= threshold else self._for(planned - threshold)
        return enough if enough > self.n else self._for(self.estimate - threshold)

    def _for(self, distance: float) -> int:
        distance = max(distance, 1e-6 * self.farthest)  # what is nearer is as good as never shown
        by_error = (_reach(self.alpha, self.counted) * self.error / distance) ** 2
        share = min(distance / self.farthest, 1 - 1e-9)
        unseen = math.log(self.alpha) / math.log1p(-share) / self.counted
        return math.ceil(self.n * max(by_error, unseen))


def mean(values: ArrayLike, clusters: Sequence[Hashable] | NDArray[np.int64], alpha: float) -> Bounds:
    """Of at least two values. With fewer than two clusters nothing is known: the bounds are infinite."""
    from scipy.special import stdtrit

    held = np.asarray(values, dtype=np.float64)
    n, estimate = len(held), math.fsum(held) / len(held)
    apart = held - estimate
    sums, g = intervals.sums(apart, clusters)
    farthest = float(np.abs(apart).max())
    if farthest <= 1e-12 * max(1.0, abs(estimate)):  # all alike: nothing says how far off one may be
        apart, sums, farthest = np.zeros(n), np.zeros(g), max(1.0, abs(estimate))
    even = min(g, intervals.independent(apart, sums, clusters))
    if even < intervals.LEAST:
        return Bounds(estimate, -math.inf, math.inf, math.inf, farthest, n, g, alpha, even)
    error = math.sqrt(float((sums**2).sum()) * g / (g - 1)) / n
    t = float(stdtrit(even - 1, 1 - alpha))
    least = max(t * error, _unseen(alpha, even) * farthest)
    below, above = (max(least, _tilted(sign * sums, t) / n) for sign in (1.0, -1.0))
    return Bounds(estimate, estimate - below, estimate + above, error, farthest, n, g, alpha, even)


def _tilted(sums: Floats, t: float) -> float:
    """How far below 0 the sum of these must be expected for it to be `t` standard errors away, both worked out under
    the weights exp(-s * sums) that shift it there."""
    from scipy.optimize import brentq

    g, scale = len(sums), math.sqrt(float((sums**2).mean()))
    if scale == 0:
        return 0.0
    units = sums / scale

    def moments(s: float) -> tuple[float, float]:
        weights = np.exp(-s * (units - units.min()))
        weights /= weights.sum()
        shifted = float(weights @ units)
        return shifted, max(0.0, float(weights @ units**2) - shifted**2)

    def beyond(s: float) -> float:
        shifted, variance = moments(s)
        return -shifted * math.sqrt(g - 1) - t * math.sqrt(variance)

    most = 1.0
    while beyond(most) < 0:
        most *= 2
    return -moments(float(brentq(beyond, 0.0, most, xtol=1e-6)))[0] * scale * g


def _reach(alpha: float, clusters: float) -> float:
    """Standard errors between a threshold and a mean that is shown to be beyond it with `POWER`."""
    from scipy.special import ndtri, stdtrit

    return float(stdtrit(clusters - 1, 1 - alpha)) + float(ndtri(POWER))


def _unseen(alpha: float, clusters: float) -> float:
    """How frequent what was not seen in so many clusters may be."""
    return float(1 - alpha ** (1 / clusters))
