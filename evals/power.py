"""Before a run: whether it will be able to tell. How often a gate passes a candidate that is as one supposes, how many
items that takes, and what difference a run of so many could show.

Found by playing the gate: its own bounds, on items drawn as supposed. No formula has its protection against what is
rare and was not seen (`evals.statistics.bounds`), and so none says how often it passes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evals.errors import BadInput

if TYPE_CHECKING:
    from evals.gate import Requirement

Floats = NDArray[np.float64]

DRAWS = 1000
"""Runs that are played: the power is right within 3 points, 19 times in 20."""
MOST_ITEMS = 100_000


@dataclass(frozen=True, slots=True)
class Supposed:
    """The candidate, as it may be. On a share of items it alone is `better`, on another it alone is `worse`; a metric
    that is no right or wrong has differences of standard deviation `spread` in place of both, around `shift`. `rate` is
    what it comes to by itself. Items come in clusters of `cluster`, in which they correlate by `alike` (0 to 1)."""

    better: float = 0.05
    worse: float = 0.05
    spread: float | None = None
    shift: float = 0.0
    rate: float = 0.9
    cluster: int = 1
    alike: float = 0.0

    def __post_init__(self) -> None:
        if not (self.better >= 0 and self.worse >= 0 and self.better + self.worse <= 1):
            raise BadInput("The shares of items that are better and worse are from 0 to 1, and so is their sum.")
        if not (0 <= self.rate <= 1 and 0 <= self.alike <= 1 and self.cluster >= 1):
            raise BadInput("A rate and a correlation are from 0 to 1, and a cluster has an item at least.")
        if self.spread is not None and self.spread <= 0:
            raise BadInput("A standard deviation is above 0.")


def power(requirement: Requirement, supposed: Supposed, items: int, before: int = 0, seed: int = 0) -> float:
    """The share of runs of so many items that pass all that is required, the `before` runs there were already paid for.
    Raises `BadInput` for what cannot be supposed."""
    draw = np.random.default_rng(seed)
    alpha = requirement.alpha / 2 ** (before + 1)
    return sum(_passes(requirement, supposed, items, alpha, draw) for _ in range(DRAWS)) / DRAWS


def needed(requirement: Requirement, supposed: Supposed, wanted: float = 0.8, before: int = 0) -> int | None:
    """How many items pass with the chance that is wanted; None where more than a hundred thousand would not, or none
    ever would."""
    if not _can_pass(requirement, supposed):
        return None
    most = requirement.min_items
    while power(requirement, supposed, most, before) < wanted:
        most *= 2
        if most > MOST_ITEMS:
            return None
    least = most // 2 if most > requirement.min_items else most
    while most - least > max(1, least // 50):
        middle = (least + most) // 2
        if power(requirement, supposed, middle, before) < wanted:
            least = middle
        else:
            most = middle
    return most


def detectable(requirement: Requirement, supposed: Supposed, items: int, wanted: float = 0.8) -> float | None:
    """How much better than its threshold the candidate must truly be to pass with the chance that is wanted, found to a
    tenth of a point; None where nothing is enough. Of right and wrong, what is better grows out of what is alike."""
    least, most = 0.0, 1.0 - supposed.worse if supposed.spread is None else 10 * supposed.spread
    start = -(requirement.margin or 0.0)
    if power(requirement, _by(supposed, start + most), items) < wanted:
        return None
    while most - least > 1e-3 * max(1.0, most):
        middle = (least + most) / 2
        if power(requirement, _by(supposed, start + middle), items) < wanted:
            least = middle
        else:
            most = middle
    return most


def _can_pass(requirement: Requirement, supposed: Supposed) -> bool:
    """Whether it is as it is required to be, were that known."""
    difference = supposed.shift if supposed.spread is not None else supposed.better - supposed.worse
    return (
        (requirement.margin is None or difference > -requirement.margin)
        and (not requirement.superiority or difference > 0)
        and (requirement.at_least is None or supposed.rate > requirement.at_least)
        and (requirement.at_most is None or supposed.rate < requirement.at_most)
    )


def _by(supposed: Supposed, difference: float) -> Supposed:
    """With as many items that differ, or more where that takes more, and so large a difference."""
    if supposed.spread is not None:
        return replace(supposed, shift=difference)
    differing = max(supposed.better + supposed.worse, abs(difference))
    better = min(1.0, (differing + difference) / 2)
    return replace(supposed, better=better, worse=min(1.0 - better, max(0.0, better - difference)))


def _passes(requirement: Requirement, supposed: Supposed, items: int, alpha: float, draw: np.random.Generator) -> bool:
    from evals.statistics import bounds

    clusters = np.arange(items) // supposed.cluster
    names = clusters.tolist()
    if requirement.compares:
        found = bounds.mean(_differences(supposed, clusters, draw), names, alpha)
        if requirement.margin is not None and found.low <= -requirement.margin:
            return False
        if requirement.superiority and found.low <= 0:
            return False
    if requirement.at_least is not None or requirement.at_most is not None:
        found = bounds.mean(_common(clusters, supposed.alike, draw) < supposed.rate, names, alpha)
        if requirement.at_least is not None and found.low <= requirement.at_least:
            return False
        if requirement.at_most is not None and found.high >= requirement.at_most:
            return False
    return True


def _differences(supposed: Supposed, clusters: NDArray[np.int64], draw: np.random.Generator) -> Floats:
    if supposed.spread is not None:
        shared, own = np.sqrt(supposed.alike), np.sqrt(1 - supposed.alike)
        noise = shared * draw.standard_normal(clusters[-1] + 1)[clusters] + own * draw.standard_normal(len(clusters))
        return np.asarray(supposed.shift + supposed.spread * noise, dtype=np.float64)
    at = _common(clusters, supposed.alike, draw)
    return (at < supposed.better).astype(np.float64) - (at >= 1 - supposed.worse).astype(np.float64)


def _common(clusters: NDArray[np.int64], alike: float, draw: np.random.Generator) -> Floats:
    """Uniform, and the same for two items of a cluster with the chance that they are to correlate by."""
    shared = draw.random(clusters[-1] + 1)[clusters]
    takes = draw.random(len(clusters)) < np.sqrt(alike)
    return np.where(takes, shared, draw.random(len(clusters)))
