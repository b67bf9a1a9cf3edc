"""Differences of scores of pairs, of which no distribution is supposed: an interval and a p-value, by resampling whole
clusters.

Where items come in clusters a cluster is what is drawn; items of one are never taken apart. Of a dozen clusters and
more: resamples of a few are too much alike, and their interval is too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evals.statistics import intervals

Floats = NDArray[np.float64]

EXACT = 14
"""Clusters, up to which all signs are tried: 16,384 ways."""
BLOCK = 2_000_000
"""Numbers that are drawn at once."""


@dataclass(frozen=True, slots=True)
class Flipped:
    """The p-values of sign flips: of the mean not being above 0, and of its being 0. `exact` where all were tried."""

    p_above: float
    p_either: float
    clusters: int
    exact: bool


def bca(
    values: ArrayLike,
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    resamples: int = 4000,
    seed: int = 0,
) -> intervals.Interval:
    """The bootstrap interval of a mean, corrected for bias and acceleration (BCa; Efron, JASA 82, 1987), of clusters
    (Davison and Hinkley 1997, section 3.8). One side of it is wrong with a chance of about half of `1 - level`. Of no
    width where all values are alike; infinite with fewer than two clusters."""
    from scipy.special import ndtr, ndtri

    held = np.asarray(values, dtype=np.float64)
    sums, count = intervals.sums(held, clusters)
    sizes, _ = intervals.sums(np.ones(len(held)), clusters)
    estimate = float(held.mean())
    if count < 2:
        return intervals.Interval(estimate, -math.inf, math.inf, len(held), count)
    if float(np.ptp(held)) <= 1e-12 * max(1.0, abs(estimate)):
        return intervals.Interval(estimate, estimate, estimate, len(held), count)
    drawn = _resampled(sums, sizes, resamples, np.random.default_rng(seed))
    less = float((drawn < estimate).mean() + (drawn == estimate).mean() / 2)
    bias = float(ndtri(min(max(less, 1 / resamples), 1 - 1 / resamples)))
    without = (sums.sum() - sums) / (sizes.sum() - sizes)
    away = without.mean() - without
    spread = float((away**2).sum())
    acceleration = float((away**3).sum()) / (6 * spread**1.5) if spread else 0.0
    z = float(ndtri((1 + level) / 2))
    at = [float(ndtr(bias + (bias + one) / (1 - acceleration * (bias + one)))) for one in (-z, z)]
    low, high = (float(one) for one in np.quantile(drawn, at))
    return intervals.Interval(estimate, low, high, len(held), count)


def flipped(
    differences: ArrayLike, clusters: Sequence[Hashable] | None = None, draws: int = 9999, seed: int = 0
) -> Flipped:
    """The sign-flip test of paired differences (Fisher, The Design of Experiments, 1935, section 21): if the arms are
    alike, a cluster's sum would as well have had the other sign. All signs are tried with up to 14 clusters; else
    `draws` of them, and `(k + 1) / (draws + 1)` is the p-value, which is never too small (Phipson and Smyth 2010)."""
    sums, count = intervals.sums(np.asarray(differences, dtype=np.float64), clusters)
    seen = float(sums.sum())
    near = 1e-9 * float(np.abs(sums).sum())
    if count <= EXACT:
        signs = 1.0 - 2.0 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
        totals = signs @ sums
        above, either = totals >= seen - near, np.abs(totals) >= abs(seen) - near
        return Flipped(float(above.mean()), float(either.mean()), count, exact=True)
    random = np.random.default_rng(seed)
    over = far = 0
    for size in _blocks(draws, count):
        totals = (2.0 * random.integers(0, 2, (size, count), dtype=np.int8) - 1.0) @ sums
        over += int((totals >= seen - near).sum())
        far += int((np.abs(totals) >= abs(seen) - near).sum())
    return Flipped((over + 1) / (draws + 1), (far + 1) / (draws + 1), count, exact=False)


def _resampled(sums: Floats, sizes: Floats, resamples: int, random: np.random.Generator) -> Floats:
    """Means of as many clusters, drawn with replacement."""
    found = []
    for size in _blocks(resamples, len(sums)):
        at = random.integers(0, len(sums), (size, len(sums)))
        found.append(sums[at].sum(axis=1) / sizes[at].sum(axis=1))
    return np.concatenate(found)


def _blocks(rows: int, width: int) -> list[int]:
    """Numbers of rows that together are so many, none larger than memory likes."""
    most = max(1, BLOCK // width)
    return [min(most, rows - start) for start in range(0, rows, most)]
