"""What bounds and intervals do where a few large clusters, in which all items are alike, stand beside many small ones:
how often a gate passes a candidate that is no better than it must be, and how often an interval holds the truth.

    python -m benchmarks.clusters [--runs 3000]
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from evals.statistics import bounds, intervals

ALPHA = 0.025
SMALL, LARGE = 28, 60
"""Clusters of one item; items of a large one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3000)
    given = parser.parse_args()
    for rate in (0.5, 0.8):
        for large in (1, 2, 3, 4, 5, 6, 8, 10):
            passed, held, usual = played(rate, large, given.runs)
            print(
                f"rate {rate}, {large:2} large clusters: passes {passed:.2%}, interval holds it {held:.1%}; "
                f"Student's t on the number of clusters passes {usual:.1%}"
            )


def played(rate: float, large: int, runs: int) -> tuple[float, float, float]:
    """Shares of the runs: that are above the true rate beyond doubt, and whose interval of 95 % holds it; and that
    would be above it by the usual error."""
    random = np.random.default_rng(1)
    sizes = [1] * SMALL + [LARGE] * large
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    passed = held = usual = 0
    for _ in range(runs):
        values = np.repeat((random.random(len(sizes)) < rate).astype(np.float64), sizes)
        passed += bounds.mean(values, clusters, ALPHA).low > rate
        found = intervals.proportion(values, clusters)
        held += found.low <= rate <= found.high
        usual += by_t(values, clusters) > rate
    return passed / runs, held / runs, usual / runs


def by_t(values: NDArray[np.float64], clusters: NDArray[np.int64]) -> float:
    """The lower bound by the error that is added up by cluster (Liang and Zeger), and nothing else."""
    sums, count = intervals.sums(values - values.mean(), clusters)
    error = float(np.sqrt((sums**2).sum() * count / (count - 1)) / len(values))
    return float(values.mean()) - float(stdtrit(count - 1, 1 - ALPHA)) * error


if __name__ == "__main__":
    main()
