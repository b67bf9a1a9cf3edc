"""Means over the folds of a cross-validation, or over repeated splits, whose training data overlap.

Results of folds are not independent, as each pair of models has learnt from much the same data: a plain t-test calls a
difference real far too often. The corrected resampled t-test widens the error by the share that was held out (Nadeau
and Bengio, Inference for the Generalization Error, Machine Learning 52, 2003, 239-281).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class OverFolds:
    """`low` and `high` are one-sided, each wrong with a chance of about `alpha`. `spread` is the standard deviation
    from fold to fold."""

    estimate: float
    low: float
    high: float
    spread: float
    folds: int
    alpha: float


def mean(values: ArrayLike, test_share: float | None = None, alpha: float = 0.025) -> OverFolds:
    """Of at least two folds. `test_share` of the data (0 to 1) was held out in each; one part of as many as there are
    folds where it is not given. The variance is `(1/k + test/train) s^2`, on `k - 1` degrees of freedom."""
    from scipy.special import stdtrit

    held = np.asarray(values, dtype=np.float64)
    k = len(held)
    share = 1 / k if test_share is None else test_share
    spread = float(held.std(ddof=1))
    reach = float(stdtrit(k - 1, 1 - alpha)) * spread * math.sqrt(1 / k + share / (1 - share))
    estimate = float(held.mean())
    return OverFolds(estimate, estimate - reach, estimate + reach, spread, k, alpha)
