"""What a judge that errs says of a rate, corrected for its errors (Rogan and Gladen 1978), with bounds that hold the
error of its calibration too (Lang and Reiczigel 2014, by the delta method).

A judge that calls a share `s` (sensitivity) of right answers right and a share `p` (specificity) of wrong ones wrong
calls `r s + (1 - r)(1 - p)` of answers right where `r` are. So the rate is `(found + p - 1) / (s + p - 1)`, and a
difference of two rates that it judged is what it found, divided by `s + p - 1`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from evals.statistics.bounds import Bounds


@dataclass(frozen=True, slots=True)
class Quality:
    """Sensitivity and specificity, each with the number of labelled answers that it was seen on. They are estimated
    with one more of each kind (Laplace), so that a judge which never erred has an error of its own still."""

    true_right: int
    right: int
    true_wrong: int
    wrong: int

    @property
    def sensitivity(self) -> float:
        return (self.true_right + 1) / (self.right + 2)

    @property
    def specificity(self) -> float:
        return (self.true_wrong + 1) / (self.wrong + 2)

    @property
    def informedness(self) -> float:
        """Youden's J: 1 where it never errs, 0 where it knows nothing."""
        return self.sensitivity + self.specificity - 1

    @property
    def variances(self) -> tuple[float, float]:
        """Of sensitivity and specificity."""
        s, p = self.sensitivity, self.specificity
        return s * (1 - s) / (self.right + 2), p * (1 - p) / (self.wrong + 2)


def difference(found: Bounds, quality: Quality) -> Bounds:
    """Of two rates. Raises `ValueError` for a judge that knows nothing."""
    j = _informed(quality)
    estimate = found.estimate / j
    error = abs(estimate) * math.sqrt(sum(quality.variances)) / j
    return _widened(found, estimate, error, j)


def rate(found: Bounds, quality: Quality) -> Bounds:
    """Of one rate; its bounds lie where rates can. Raises `ValueError` for a judge that knows nothing."""
    j = _informed(quality)
    estimate = (found.estimate + quality.specificity - 1) / j
    of_s, of_p = quality.variances
    error = math.sqrt(estimate**2 * of_s + (1 - estimate) ** 2 * of_p) / j
    made = _widened(found, estimate, error, j)
    low, middle, high = (min(1.0, max(0.0, one)) for one in (made.low, made.estimate, made.high))
    return replace(made, estimate=middle, low=low, high=high)


def _informed(quality: Quality) -> float:
    if quality.informedness <= 0:
        raise ValueError("a judge that is right no more often than chance corrects nothing")
    return quality.informedness


def _widened(found: Bounds, estimate: float, error: float, j: float) -> Bounds:
    """The calibration is independent of the run: its error is added to the run's in squares."""
    from scipy.special import ndtri

    reach = float(ndtri(1 - found.alpha)) * error
    below = math.hypot((found.estimate - found.low) / j, reach)
    above = math.hypot((found.high - found.estimate) / j, reach)
    return replace(
        found,
        estimate=estimate,
        low=estimate - below,
        high=estimate + above,
        error=math.hypot(found.error / j, error),
        farthest=found.farthest / j,
    )
