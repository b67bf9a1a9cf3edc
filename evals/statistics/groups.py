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

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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
        min(one.counted, other.counted),
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
    units, labels = _units(held, within, clusters)
    whole, chosen = units.sum(axis=0), int(labels.sum())
    kinds, counts = np.unique(units, axis=0, return_counts=True)
    few = 10 * len(kinds) <= len(units)
    width = len(kinds) if few else len(units)
    seen = _lead(units[labels].sum(axis=0), whole) - 1e-9 * max(1.0, float(np.abs(held).max()))
    random, reached = np.random.default_rng(seed), 0
    draws, most = max(LEAST_DRAWS, min(MOST_DRAWS, WORK // width)), max(1, min(LEAST_DRAWS, BLOCK // width))
    for start in range(0, draws, most):
        rows = min(most, draws - start)
        drawn = _of_kinds(kinds, counts, chosen, rows, random) if few else _of_units(units, chosen, rows, random)
        hits = np.cumsum(_lead(drawn, whole) >= seen)
        if reached + hits[-1] >= ENOUGH:
            return ENOUGH / (start + int(np.searchsorted(hits, ENOUGH - reached)) + 1)
        reached += int(hits[-1])
    return (reached + 1) / (draws + 1)


def _lead(inside: Floats, whole: Floats) -> Floats:
    """By how much the mean of all others is above that of those inside. Sums and sizes stand in the last axis."""
    outside = whole - inside
    found: Floats = outside[..., 0] / outside[..., 1] - inside[..., 0] / inside[..., 1]
    return found


def _of_units(units: Floats, chosen: int, rows: int, random: np.random.Generator) -> Floats:
    """Sums and sizes of so many that are drawn without replacement, in each row."""
    order = random.random((rows, len(units)))
    found: Floats = units[np.argpartition(order, chosen - 1, axis=1)[:, :chosen]].sum(axis=1)
    return found


def _of_kinds(kinds: Floats, counts: Ints, chosen: int, rows: int, random: np.random.Generator) -> Floats:
    """The same, where many are alike: how many of each kind are drawn."""
    drawn = random.multivariate_hypergeometric(counts, chosen, size=rows, method="marginals")
    found: Floats = drawn @ kinds
    return found


def _units(values: Floats, within: NDArray[np.bool_], clusters: Sequence[Hashable]) -> tuple[Floats, NDArray[np.bool_]]:
    """The sum and the size of each cluster's part in each group, and whether that is inside."""
    places: dict[tuple[Hashable, bool], int] = {}
    at = [places.setdefault(unit, len(places)) for unit in zip(clusters, within.tolist(), strict=True)]
    sums = np.bincount(at, weights=values, minlength=len(places))
    sizes = np.bincount(at, minlength=len(places))
    return np.column_stack((sums, sizes)).astype(np.float64), np.array([inside for _, inside in places])
