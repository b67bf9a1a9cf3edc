"""What labelled examples change of a model's scores: a kernel logistic regression on embeddings, over what the model
says of a text already. Where no example is near, nothing is changed at all.

An embedding of a model that tells two classes apart says above all of which class a text is. So the directions that
usual texts are spread in are held small first, and texts are near that are alike in what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from guardrails.guards.topic_head import Vectors, logistic

APART = 0.2
"""The cosine, in the space of `Space`, up to which two texts have nothing to do with each other."""
SPREAD = 0.3
"""How much of the mean variance of a direction is no spread yet."""
RIDGE = 0.02
"""How strongly the examples' shares are held small: one alone moves its text by 1 / `RIDGE` / 2 in log-odds at most."""
STEPS = 200


@dataclass(frozen=True)
class Space:
    """Embeddings about the middle of usual ones, shortened where those are spread: what they have of a direction, one a
    row, is multiplied by its factor; all else is left as it is."""

    middle: Vectors
    directions: Vectors
    factors: Vectors

    @classmethod
    def of(cls, usual: Any) -> Space:
        rows = np.asarray(usual, np.float64)
        middle = rows.mean(0)
        apart = rows - middle
        # They are fewer than their dimensions: what spreads them lies in their span.
        variance, shares = np.linalg.eigh(apart @ apart.T / len(rows))
        spread = variance > 1e-9
        variance, directions = variance[spread], shares.T[spread] @ apart
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        floor = SPREAD * variance.sum() / rows.shape[1]
        return cls(middle, directions, np.sqrt(floor / (variance + floor)))

    def placed(self, vectors: Any) -> Vectors:
        """As unit vectors."""
        rows = np.asarray(vectors, np.float64) - self.middle
        rows += (rows @ self.directions.T * (self.factors - 1)) @ self.directions
        out: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return out


@dataclass(frozen=True)
class Correction:
    """`examples` are placed; `shares` are what each adds to the log-odds of a text that is the same, of the sign of
    its label."""

    space: Space
    examples: Vectors
    shares: Vectors

    def of(self, vectors: Any) -> tuple[list[float], list[int]]:
        """For each embedding what is added to its log-odds, and the example that has the largest part in that."""
        parts = near(self.space.placed(vectors), self.examples) * self.shares
        added = parts.sum(axis=1)
        most = (parts * np.where(added < 0, -1.0, 1.0)[:, None]).argmax(axis=1)
        return [float(one) for one in added], [int(one) for one in most]

    @property
    def fall(self) -> float:
        """The most that is taken off the log-odds of any text, as a number that is not above 0."""
        return float(np.minimum(self.shares, 0.0).sum())

    @property
    def rise(self) -> float:
        """The most that is added."""
        return float(np.maximum(self.shares, 0.0).sum())


def near(rows: Vectors, others: Vectors) -> Vectors:
    """1 for the same direction, falling to 0 at `APART`."""
    out: Vectors = np.maximum((rows @ others.T - APART) / (1 - APART), 0.0)
    return out


def corrected(space: Space, vectors: Any, labels: Any, odds: Any) -> Correction:
    """`labels` are 1 or 0; `odds` the log-odds that the model gives each example, less those of the threshold. Each
    pushes towards its own side only, as far as it has to: what is well on its side already changes nothing."""
    rows = space.placed(vectors)
    side = np.where(np.asarray(labels) > 0, 1.0, -1.0)
    given = np.asarray(odds, np.float64)
    gram = near(rows, rows)

    def loss(pushes: Vectors) -> tuple[float, Vectors]:
        shares = side * pushes
        added = gram @ shares
        left = side * (given + added)
        total = np.logaddexp(0, -left).sum() + RIDGE / 2 * float(shares @ added)
        slope = side * (gram @ (RIDGE * shares - side * logistic(-left)))
        return float(total), slope

    found = minimize(
        loss,
        np.zeros(len(side)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1 / RIDGE)] * len(side),
        options={"maxiter": STEPS},
    )
    return Correction(space, rows, side * found.x)
