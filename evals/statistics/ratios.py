"""Bounds of a ratio of two means of the same items, as of a cost and what it bought."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from evals.statistics import bounds
from evals.statistics.bounds import Bounds

FARTHEST = 1e6
"""Standard errors, at which bounds are given up for infinite."""


def ratio(above: ArrayLike, below: ArrayLike, clusters: Sequence[Hashable], alpha: float) -> Bounds:
    """Of two sums over the same items, at least two. The bounds are the ratios `t` at which `above - t * below` is not
    told from 0 any more (Fieller, JRSS B 16, 1954, 175-185), by bounds that know what is rare
    (`evals.statistics.bounds`): a ratio is within them if and only if a test of that difference does not reject it.
    Infinite where the lower sum may as well be 0. Raises `ZeroDivisionError` where it is not above 0."""
    top, bottom = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    whole = float(bottom.sum())
    if whole <= 0:
        raise ZeroDivisionError("the lower sum of a ratio is not above 0")
    estimate, scale = float(top.sum()) / whole, whole / len(bottom)
    linear = bounds.mean((top - estimate * bottom) / scale, clusters, alpha)
    if not math.isfinite(linear.low):
        return replace(linear, estimate=estimate)

    def distance(at: float, sign: float) -> float:
        """How far beyond 0, in the direction of `sign`, the difference at a ratio is bounded to be."""
        return bounds.mean(sign * (top - at * bottom), clusters, alpha).low

    step = max(linear.high - linear.estimate, linear.estimate - linear.low)
    low, high = (_crossing(lambda at, sign=sign: distance(at, sign), estimate, -sign * step) for sign in (1.0, -1.0))
    return replace(linear, estimate=estimate, low=low, high=high)


def _crossing(distance: object, start: float, step: float) -> float:
    """Where the distance is 0 on the way from `start`, at which it is below."""
    from scipy.optimize import brentq

    assert callable(distance)
    if step == 0:
        return start
    reach = step
    while distance(start + reach) < 0:
        reach *= 2
        if abs(reach) > FARTHEST * abs(step):
            return math.copysign(math.inf, step)
    return float(brentq(distance, start, start + reach, xtol=1e-9 * abs(step)))
