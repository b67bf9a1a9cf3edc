"""The paired gate beside what is usual elsewhere, on the same simulated runs: an unpaired z-test of two rates, and a
fixed threshold on the difference. How often each passes a candidate that is worse by just the margin, how often one
that is just like the live release, and how many items that takes; and where better is what must be shown, how often one
that is just as good, and how often one that is better by 5 points.

    python -m benchmarks.peers [--runs 4000]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from evals.statistics.bounds import mean

Floats = NDArray[np.float64]
Gate = Callable[[Floats, Floats, float], bool]
"""Whether the new is above the old by more than the last, as of both on the same items."""

MARGIN, ALPHA, RATE = 0.05, 0.05, 0.85
SIZES = (100, 300, 600, 1200)


def paired(new: Floats, old: Floats, least: float) -> bool:
    """As a first run is judged: with half of the error."""
    return mean(new - old, range(len(new)), ALPHA / 2).low > least


def unpaired(new: Floats, old: Floats, least: float) -> bool:
    """As a first run is judged, of the same items taken for two samples."""
    error = math.sqrt((new.var() + old.var()) / len(new))
    return float(new.mean() - old.mean()) - float(ndtri(1 - ALPHA / 2)) * error > least


def threshold(new: Floats, old: Floats, least: float) -> bool:
    """Looks at the mean of this run alone."""
    return float(new.mean() - old.mean()) > least


GATES: dict[str, Gate] = {"paired gate": paired, "unpaired z-test": unpaired, "fixed threshold": threshold}


@dataclass(frozen=True)
class Truth:
    """Shares of items on which the candidate alone is right, or wrong."""

    better: float
    worse: float

    def draw(self, items: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        at, right = random.random(items), random.random(items) < (RATE - self.worse) / (1 - self.better - self.worse)
        better, worse = at < self.better, at >= 1 - self.worse
        new = np.where(better, 1.0, np.where(worse, 0.0, right.astype(np.float64)))
        old = np.where(better, 0.0, np.where(worse, 1.0, right.astype(np.float64)))
        return new, old


ALIKE, BAD, BETTER = Truth(0.05, 0.05), Truth(0.025, 0.075), Truth(0.1, 0.05)
"""A tenth of items differ, as many each way; or worse by just the margin; or 5 points better."""


@dataclass(frozen=True)
class Asked:
    """`bad` is just not good enough to be above `least`."""

    name: str
    least: float
    bad: Truth
    good: Truth


ASKED = (Asked("worse by less than 5 points", -MARGIN, BAD, ALIKE), Asked("better", 0.0, ALIKE, BETTER))


def passes(gate: Gate, least: float, truth: Truth, items: int, runs: int) -> float:
    random = np.random.default_rng(20)
    return sum(gate(*truth.draw(items, random), least) for _ in range(runs)) / runs


def needed(gate: Gate, asked: Asked, runs: int) -> int:
    """Items with which what is good passes 8 times in 10, to 2 %."""
    most = 25
    while passes(gate, asked.least, asked.good, most, runs) < 0.8:
        most *= 2
    least = most // 2
    while most - least > max(1, most // 50):
        middle = (least + most) // 2
        enough = passes(gate, asked.least, asked.good, middle, runs) >= 0.8
        least, most = (least, middle) if enough else (middle, most)
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4000)
    runs = parser.parse_args().runs
    columns = [f"{what}, {items}" for what in ("bad", "good") for items in SIZES]
    print(f"| asked | gate | {' | '.join(columns)} | items for 80 % |")
    print("|---|---|" + "---|" * (2 * len(SIZES) + 1))
    for asked in ASKED:
        for name, gate in GATES.items():
            cells = [
                f"{passes(gate, asked.least, truth, items, runs):.1%}"
                for truth in (asked.bad, asked.good)
                for items in SIZES
            ]
            print(f"| {asked.name} | {name} | {' | '.join(cells)} | {needed(gate, asked, max(500, runs // 4))} |")


if __name__ == "__main__":
    main()
