"""What it saves to look at a run before it is over: the gate with five looks beside the gate that looks once, at equal
power. How often each passes, and how many items each takes on average.

    python -m benchmarks.looks [--runs 2000]
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from evals.statistics.bounds import mean
from evals.statistics.sequential import planned
from evals.validity import look_sizes

Floats = NDArray[np.float64]

MARGIN, ALPHA, LOOKS = 0.05, 0.025, 5
POWER = 0.9
TRUTHS = {
    "just like the live release": (0.05, 0.05),
    "better by 2 points": (0.06, 0.04),
    "worse by just the margin": (0.025, 0.075),
    "worse by 10 points": (0.0, 0.1),
}
"""Shares of items on which the candidate alone is right, and alone is wrong."""


def draw(truth: tuple[float, float], items: int, random: np.random.Generator) -> Floats:
    at = random.random(items)
    better, worse = truth
    return (at < better).astype(np.float64) - (at >= 1 - worse)


def once(values: Floats) -> tuple[bool, int]:
    return mean(values, range(len(values)), ALPHA).low > -MARGIN, len(values)


def looked_at(values: Floats) -> tuple[bool, int]:
    """As `evals.gate` judges each look, and as a run ends."""
    looks = planned(LOOKS, ALPHA)
    sizes = look_sizes(len(values), LOOKS)
    for look, size in enumerate(sizes):
        bounds = mean(values[:size], range(size), looks.error_at(look))
        if bounds.low > -MARGIN:
            return True, size
        if bounds.error and (bounds.estimate + MARGIN) / bounds.error < looks.gives_up[look]:
            return False, size
    return False, sizes[-1]


def played(gate: object, truth: tuple[float, float], items: int, runs: int) -> tuple[float, float]:
    random = np.random.default_rng(31)
    assert callable(gate)
    found = [gate(draw(truth, items, random)) for _ in range(runs)]
    return sum(passed for passed, _ in found) / runs, sum(size for _, size in found) / runs


def sized(gate: object, runs: int) -> int:
    """Items with which what is alike passes with the power that is wanted, to 2 %."""
    least, most = 100, 1600
    while most - least > max(1, most // 50):
        middle = (least + most) // 2
        least, most = (middle, most) if played(gate, (0.05, 0.05), middle, runs)[0] < POWER else (least, middle)
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    sizes = {gate: sized(gate, runs) for gate in (once, looked_at)}
    print(f"items at most: {sizes[once]} at once, {sizes[looked_at]} with {LOOKS} looks")
    print("| candidate | passed, once | items | passed, looked at | items on average | saved |")
    print("|---|---|---|---|---|---|")
    for name, truth in TRUTHS.items():
        passed, size = played(once, truth, sizes[once], runs)
        passed_looked, average = played(looked_at, truth, sizes[looked_at], runs)
        saved = 1 - average / size
        print(f"| {name} | {passed:.1%} | {size:.0f} | {passed_looked:.1%} | {average:.0f} | {saved:.0%} |", flush=True)


if __name__ == "__main__":
    main()
