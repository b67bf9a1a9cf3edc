"""What is rare and grave: how often it may happen still, after a run that showed it seldom or never.

Bounds are exact (Clopper and Pearson, Biometrika 26, 1934). Of none in `n` the upper one is `1 - alpha^(1/n)`, at 5 %
about `3 / n` (the rule of three; Hanley and Lippman-Hand, JAMA 249, 1983): none in 30 only says less than one in ten.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from evals.statistics import intervals


@dataclass(frozen=True, slots=True)
class Rare:
    """Of `n` independent units `events` failed; the rate is above `high` with a chance of at most `alpha`."""

    events: int
    n: int
    high: float
    alpha: float

    @property
    def estimate(self) -> float:
        return self.events / self.n


@dataclass(frozen=True, slots=True)
class Sized:
    """A run of `n` units proves the ceiling while no more than `allowed` of them fail; it does so with the chance
    `power`."""

    n: int
    allowed: int
    power: float


def bounded(failed: Sequence[bool], clusters: Sequence[Hashable] | None = None, alpha: float = 0.05) -> Rare:
    """Of at least one item. A cluster counts once, as failed where any of its items did: the rate is that of clusters,
    which items of clusters of one size do not exceed. Nothing is supposed of how items of a cluster depend."""
    names = range(len(failed)) if clusters is None else clusters
    worst: dict[Hashable, bool] = {}
    for name, one in zip(names, failed, strict=True):
        worst[name] = worst.get(name, False) or bool(one)
    events, n = sum(worst.values()), len(worst)
    return Rare(events, n, intervals.at_most(events, n, alpha), alpha)


def proving(ceiling: float, alpha: float = 0.05, allowed: int = 0) -> int:
    """The least number of units that proves a rate at most `ceiling`, between 0 and 1, where `allowed` of them fail."""
    if not 0 < ceiling < 1:
        raise ValueError("a ceiling is between 0 and 1")
    if allowed == 0:
        return math.ceil(math.log(alpha) / math.log1p(-ceiling) - 1e-9)
    least, most = allowed, allowed + 1
    while intervals.at_most(allowed, most, alpha) > ceiling:
        least, most = most, most * 2
    while most - least > 1:
        middle = (least + most) // 2
        if intervals.at_most(allowed, middle, alpha) > ceiling:
            least = middle
        else:
            most = middle
    return most


def planned(ceiling: float, rate: float, alpha: float = 0.05, power: float = 0.8) -> Sized:
    """The least run that proves the ceiling with the chance `power`, where units fail at `rate`, below the ceiling.
    Raises `ValueError` for any other rate."""
    from scipy.special import bdtr

    if not 0 <= rate < ceiling:
        raise ValueError("what is to be proved of a rate is a ceiling above it")
    allowed = 0
    while True:
        n = proving(ceiling, alpha, allowed)
        reached = float(bdtr(allowed, n, rate))
        if reached >= power:
            return Sized(n, allowed, reached)
        allowed += 1
