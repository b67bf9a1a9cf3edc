"""A logistic head on embeddings, fitted to a handful of examples and calibrated by leaving each out in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Vectors = NDArray[np.float64]
RIDGE = 1.0
"""How strongly weights are held small: what a few hundred dimensions need with a few dozen examples."""


@dataclass(frozen=True)
class Head:
    weights: Vectors
    bias: float

    def chances(self, vectors: Any) -> list[float]:
        """For each unit vector, the calibrated probability."""
        said = np.asarray(vectors, np.float64) @ self.weights + self.bias
        return [float(one) for one in logistic(said)]


def fitted(positive: Any, negative: Any) -> Head:
    """Of unit vectors, three or more of each. The head's scale is that of Platt (1999), on scores that each example
    got from a head that had not seen it."""
    rows = np.asarray(np.concatenate([positive, negative]), np.float64)
    labels = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    gram = rows @ rows.T  # the weights lie in the span of the examples: as many unknowns as those
    left_out = np.array([_left_out(gram, labels, number) for number in range(len(labels))])
    slope, shift = _platt(left_out, labels)
    shares, bias = _dual(gram, labels)
    return Head(slope * (rows.T @ shares), float(slope * bias + shift))


def _left_out(gram: Vectors, labels: Vectors, number: int) -> float:
    kept = np.arange(len(labels)) != number
    shares, bias = _dual(gram[np.ix_(kept, kept)], labels[kept])
    return float(gram[number, kept] @ shares + bias)


def _dual(gram: Vectors, labels: Vectors) -> tuple[Vectors, float]:
    """The examples' shares in the weights, and the bias, of ridge logistic regression with both classes weighing the
    same. By Newton's method, which for a convex loss of this size needs a few steps."""
    size = len(labels)
    weight = np.where(labels > 0, 0.5 / labels.sum(), 0.5 / (size - labels.sum())) * size
    shares, bias = np.zeros(size), 0.0
    for _ in range(25):
        chance = logistic(gram @ shares + bias)
        curve = np.maximum(weight * chance * (1 - chance), 1e-9)
        aim = gram @ shares + bias + weight * (labels - chance) / curve
        system = np.zeros((size + 1, size + 1))
        system[:size, :size] = gram + np.diag(RIDGE / curve)
        system[:size, size] = system[size, :size] = 1.0
        solved = np.linalg.solve(system, np.append(aim, 0.0))
        moved = np.abs(solved[:size] - shares).max()
        shares, bias = solved[:size], float(solved[size])
        if moved < 1e-6:
            break
    return shares, bias


def _platt(scores: Vectors, labels: Vectors) -> tuple[float, float]:
    """Slope and shift of the logistic curve through the scores. The slope is no less than 0."""
    ones, zeros = labels.sum(), len(labels) - labels.sum()
    aim = np.where(labels > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))

    def loss(at: Vectors) -> float:
        said = at[0] * scores + at[1]
        return float(np.mean(np.logaddexp(0, said) - aim * said))

    found = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.0, 50.0), (None, None)])
    return float(found.x[0]), float(found.x[1])


def logistic(said: Vectors) -> Vectors:
    """Log-odds as probabilities."""
    out: Vectors = 1 / (1 + np.exp(-np.clip(said, -60, 60)))
    return out
