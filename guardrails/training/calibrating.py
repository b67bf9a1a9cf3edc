"""Logits into probabilities: a scale and a shift, fitted by weighted logistic regression."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from guardrails.training.corpora import Example
from guardrails.training.measures import Array

STEPS = 100
PULL = 1e-3
"""How much each row's share pulls towards the logits as they are: where the classes can be told apart wholly, the best
fit would be without bounds."""


def platt(logits: Array, labels: Array, weights: Array) -> tuple[float, float]:
    """The scale and shift under which the sigmoid of `logits` fits best, by Newton's method in bounded steps. The scale
    is positive, or the order of scores would turn. (Platt, 1999, with his smoothed targets.)"""
    share = weights / weights.sum() * len(weights)
    positive, negative = (share * labels).sum(), (share * (1 - labels)).sum()
    wanted = np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    columns = np.stack((logits, np.ones_like(logits)), axis=1)
    pull, plain = PULL * len(logits), np.array([1.0, 0.0])
    fitted = plain
    for _ in range(STEPS):
        said = 1 / (1 + np.exp(-np.clip(columns @ fitted, -60, 60)))
        slope = columns.T @ (share * (said - wanted)) + pull * (fitted - plain)
        curve = (columns * (share * said * (1 - said))[:, None]).T @ columns + pull * np.eye(2)
        fitted = fitted - np.clip(np.linalg.solve(curve, slope), -0.5, 0.5)
        fitted[0] = max(fitted[0], 0.05)
    return float(fitted[0]), float(fitted[1])


def by_source(examples: Sequence[Example], label: int) -> Array:
    """Weights under which both classes, and within each its sources, count the same."""
    keys = [(example.targets[label], example.source) for example in examples]
    sizes = Counter(keys)
    sources = Counter(side for side, _ in sizes)
    return np.array([1.0 / sizes[key] / sources[key[0]] for key in keys])


def first_half(examples: Sequence[Example]) -> NDArray[np.bool_]:
    """Which of the examples to fit on; by their digest, so always the same ones."""
    return np.array([sha256(example.text.encode("utf-8", "replace")).digest()[0] % 2 == 0 for example in examples])
