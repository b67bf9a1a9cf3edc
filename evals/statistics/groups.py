"""Two groups of items that are not paired: the difference of their means, and whether one is worse by more than chance.

An interval of a difference is put together from the bounds of each mean, which know what is rare and was not seen
(`evals.statistics.bounds`). The test permutes labels: if a group is like the rest, any others could have been it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evals.statistics.bounds import Bounds

MOST_DRAWS, LEAST_DRAWS = 9999, 999
ENOUGH = 100
"""Draws that reach what was seen: then it is plain that it may be chance, and no more are made (Besag and Clifford,
Biometrika 78, 1991)."""
WORK = 20_000_000
"""Numbers that are drawn for a test: as many draws of labels as that is."""
BLOCK = 2_000_000


def difference(one: Bounds, other: Bounds) -> Bounds:
    """Of two independent means, the first less the other, both bounded at the same error: the distances from each mean
    to its bounds squared and added (MOVER; Zou and Donner, Statistics in Medicine 27, 2008, 1693-1702). Where clusters
    have items in both groups, what they share is not taken off, and the bounds are too wide rather than too narrow."""
    estimate = one.estimate - other.estimate
    below = math.hypot(one.estimate - one.low, other.high - other.estimate)
    above = math.hypot(one.high - one.estimate, other.estimate - other.low)
    return Bounds(
        estimate,
        estimate - below,
        estimate + above,
        math.hypot(one.error, other.error),
        max(one.farthest, other.farthest),
        one.n + other.n,
        min(one.clusters, other.clusters),
        one.alpha,
    )


def p_worse(
    values: ArrayLike, inside: Sequence[bool] | NDArray[np.bool_], clusters: Sequence[Hashable], seed: int = 0
) -> float:
    """The one-sided p-value of the mean inside not being below the mean outside; more is better. By permutation of
    clusters (Fisher, The Design of Experiments, 1935; Phipson and Smyth 2010: never too small): labels go to whole
    clusters, and where one lies in both groups, to each of its parts. 1 where either group is empty."""
    held, within = np.asarray(values, dtype=np.float64), np.asarray(inside, dtype=np.bool_)
    if within.all() or not within.any():
        return 1.0
    sums, sizes, labels = _units(held, within, clusters)
    chosen = int(labels.sum())
    seen = _lead(sums, sizes, labels.nonzero()[0][None, :])[0]
    near = 1e-9 * max(1.0, float(np.abs(held).max()))
    draws = max(LEAST_DRAWS, min(MOST_DRAWS, WORK // len(sums)))
    random, reached = np.random.default_rng(seed), 0
    most = max(1, min(LEAST_DRAWS, BLOCK // len(sums)))
    for start in range(0, draws, most):
        order = random.random((min(most, draws - start), len(sums)))
        drawn = np.argpartition(order, chosen - 1, axis=1)[:, :chosen]
        hits = np.cumsum(_lead(sums, sizes, drawn) >= seen - near)
        if reached + hits[-1] >= ENOUGH:
            return ENOUGH / (start + int(np.searchsorted(hits, ENOUGH - reached)) + 1)
        reached += int(hits[-1])
    return (reached + 1) / (draws + 1)


def _lead(sums: NDArray[np.float64], sizes: NDArray[np.float64], drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """By how much the mean of all others is above the mean of those that were drawn, row by row."""
    total, count = sums[drawn].sum(axis=1), sizes[drawn].sum(axis=1)
    found: NDArray[np.float64] = (sums.sum() - total) / (sizes.sum() - count) - total / count
    return found


def _units(
    values: NDArray[np.float64], within: NDArray[np.bool_], clusters: Sequence[Hashable]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Sums and sizes of each cluster's part in each group, and in which group it is."""
    places: dict[tuple[Hashable, bool], int] = {}
    at = [places.setdefault(unit, len(places)) for unit in zip(clusters, within.tolist(), strict=True)]
    sums = np.bincount(at, weights=values, minlength=len(places)).astype(np.float64)
    sizes = np.bincount(at, minlength=len(places)).astype(np.float64)
    return sums, sizes, np.array([inside for _, inside in places])
