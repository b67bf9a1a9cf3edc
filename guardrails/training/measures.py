"""Figures of a binary score, by arrays alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def auroc(positives: Array, negatives: Array) -> float:
    """The chance that a positive scores higher than a negative, ties counting half."""
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, "left")
    upto = np.searchsorted(ordered, positives, "right")
    return float((below + upto).mean() / 2 / len(negatives))


def threshold_at(negatives: Array, rate: float) -> float:
    """The lowest threshold at which the share of `negatives` at or above it is at most `rate`."""
    ordered = np.sort(negatives)[::-1]
    allowed = int(np.floor(rate * len(ordered) + 1e-9))
    if allowed >= len(ordered):
        return -np.inf
    return float(np.nextafter(ordered[allowed], np.inf))


def share_above(scores: Array, threshold: float) -> float:
    return float((scores >= threshold).mean())


def calibration_error(scores: Array, labels: Array, weights: Array, bins: int = 15) -> float:
    """The expected calibration error over bins of equal width: the weighted mean distance of what was said from what
    was. Between 0 and 1. (Guo et al., 2017, "On Calibration of Modern Neural Networks".)"""
    at = np.minimum((scores * bins).astype(int), bins - 1)
    gap = np.bincount(at, weights * (scores - labels), bins)
    return float(np.abs(gap).sum() / weights.sum())
