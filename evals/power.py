"""Before a run: whether it will be able to tell. How often a gate passes a candidate that is as one supposes, how many
items that takes, and what difference a run of so many could show.

Found by playing the gate: its own bounds at its own looks, on items drawn as supposed. No formula has its protection
against what is rare and was not seen (`evals.statistics.bounds`), and so none says how often it passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evals.errors import BadInput
from evals.measures import Measure
from evals.statistics.sequential import Looks, planned
from evals.validity import look_sizes

if TYPE_CHECKING:
    from evals.gate import Requirement

Floats = NDArray[np.float64]

DRAWS = 4000
"""Runs that are played: the power is right within 1.6 points, 19 times in 20."""
WHILE_SEARCHING = 1000
"""Runs that are played at most at each step of a search."""
STEP = 25
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


def power(
    requirement: Requirement, supposed: Supposed, items: int, before: int = 0, seed: int = 0, draws: int = DRAWS
) -> float:
    """The share of runs of so many items that pass all that is required, the `before` runs there were already paid for.
    A run that is looked at ends where it is given up."""
    return sum(islice(_played(requirement, supposed, items, before, seed), draws)) / draws


def _played(requirement: Requirement, supposed: Supposed, items: int, before: int = 0, seed: int = 0) -> Iterator[bool]:
    """Whether each run passes, without end."""
    draw = np.random.default_rng(seed)
    plan = planned(requirement.looks, requirement.alpha * 0.5 ** (before + 1))
    clusters = np.arange(items) // supposed.cluster
    while True:
        yield _passes(requirement, Drawn.of(requirement, supposed, clusters, draw), plan)


def _enough(requirement: Requirement, supposed: Supposed, items: int, wanted: float, before: int = 0) -> bool:
    """Whether the power is as wanted: played until that is clear by four standard errors, or often enough."""
    runs, passed = _played(requirement, supposed, items, before), 0
    for count in range(STEP, WHILE_SEARCHING + 1, STEP):
        passed += sum(islice(runs, STEP))
        if abs(passed / count - wanted) > 4 * (wanted * (1 - wanted) / count) ** 0.5:
            break
    return passed / count >= wanted


def needed(requirement: Requirement, supposed: Supposed, wanted: float = 0.8, before: int = 0) -> int | None:
    """How many items pass with the chance that is wanted, to 4 %; None where a hundred thousand would not, or none
    ever would."""
    if not _can_pass(requirement, supposed):
        return None

    def enough(items: int) -> bool:
        return _enough(requirement, supposed, items, wanted, before)

    most = requirement.min_items
    while not enough(most):
        most *= 2
        if most > MOST_ITEMS:
            return None
    least = most // 2 if most > requirement.min_items else most
    while most - least > max(1, least // 25):
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return most


def detectable(requirement: Requirement, supposed: Supposed, items: int, wanted: float = 0.8) -> float | None:
    """How much better than its threshold the candidate must truly be to pass with the chance that is wanted, found to a
    tenth of a point; None where nothing is enough. Of right and wrong, what is better grows out of what is alike."""
    least, most = 0.0, 1.0 - supposed.worse if supposed.spread is None else 10 * supposed.spread
    start = 0.0 if requirement.superiority else -(requirement.margin or 0.0)

    def enough(more: float) -> bool:
        return _enough(requirement, _by(supposed, start + more), items, wanted)

    if not enough(most):
        return None
    while most - least > 1e-3 * max(1.0, most):
        middle = (least + most) / 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return most


def _can_pass(requirement: Requirement, supposed: Supposed) -> bool:
    """Whether it is as it is required to be, were that known."""
    difference = supposed.shift if supposed.spread is not None else supposed.better - supposed.worse
    return (
        (requirement.margin is None or difference > -requirement.margin)
        and (not requirement.superiority or difference > 0)
        and (requirement.at_least is None or supposed.rate > requirement.at_least)
        and (requirement.at_most is None or supposed.rate < _ceiling(requirement))
    )


def _ceiling(requirement: Requirement) -> float:
    """Of the mean; or of the share of items that are above what is asked of a quantile."""
    assert requirement.at_most is not None
    return requirement.at_most if requirement.quantile is None else 1 - requirement.quantile


def _by(supposed: Supposed, difference: float) -> Supposed:
    """With as many items that differ, or more where that takes more, and so large a difference."""
    if supposed.spread is not None:
        return replace(supposed, shift=difference)
    differing = max(supposed.better + supposed.worse, abs(difference))
    better = min(1.0, (differing + difference) / 2)
    return replace(supposed, better=better, worse=min(1.0 - better, max(0.0, better - difference)))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A run: of each item its difference to the live release, more being better, and whether it is right by itself.
    What is not asked is not drawn."""

    differences: Floats
    right: Floats
    clusters: NDArray[np.int64]

    @classmethod
    def of(
        cls, requirement: Requirement, supposed: Supposed, clusters: NDArray[np.int64], draw: np.random.Generator
    ) -> Drawn:
        differences = right = np.zeros(0)
        if requirement.compares:
            differences = _differences(supposed, clusters, draw)
        if requirement.at_least is not None or requirement.at_most is not None:
            right = (_common(clusters, supposed.alike, draw) < supposed.rate).astype(np.float64)
        return cls(differences, right, clusters)

    def measured(self, requirement: Requirement, size: int, alpha: float) -> list[Measure]:
        """As `evals.measures` does it, of the first `size` items."""
        from evals.statistics import bounds

        names, found = self.clusters[:size], []
        if len(self.differences):
            compared = bounds.mean(self.differences[:size], names, alpha)
            if requirement.margin is not None:
                found.append(Measure("margin", compared, -requirement.margin))
            if requirement.superiority:
                found.append(Measure("superiority", compared, 0.0))
        if len(self.right):
            alone = bounds.mean(self.right[:size], names, alpha)
            if requirement.at_least is not None:
                found.append(Measure("at least", alone, requirement.at_least))
            if requirement.at_most is not None:
                found.append(Measure("at most", alone.turned(), -_ceiling(requirement)))
        return found


def _passes(requirement: Requirement, drawn: Drawn, plan: Looks) -> bool:
    sizes = look_sizes(len(drawn.clusters), requirement.looks)
    for look, size in enumerate(sizes):
        alpha = plan.alpha if len(sizes) == 1 else plan.error_at(look)
        found = drawn.measured(requirement, size, alpha)
        if size >= requirement.min_items and all(one.bounds.low > one.threshold for one in found):
            return True
        if any(one.statistic < plan.gives_up[look] for one in found):
            return False
    return False


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
