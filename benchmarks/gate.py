"""What the gate's bounds promise, held against simulation: how often a candidate that is worse by just the margin
passes, whether as many items as it asks for are enough, and what pairing saves.

python -m benchmarks.gate [--runs 10000] [--keep FILE]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from benchmarks.tables import Row, Table, show
from evals.statistics.bounds import POWER, mean

Floats = NDArray[np.float64]
Lower = Callable[[Floats, list[int]], float]

ALPHA = 0.05
MARGIN = 0.05
RATE = 0.85
"""Of items that pass, where releases are compared that do not see the same items."""
TRIES = 5
"""Runs that are made anew as long as they were too small, where someone insists."""
MOST_ITEMS = 20_000


@dataclass(frozen=True)
class Pairs:
    """Items, in so many clusters of one `size`, of which a share is only `worse` on the candidate and a share only
    `better`. `alike` is how much items of a cluster resemble each other (the correlation; beta-distributed shares)."""

    clusters: int
    worse: float
    better: float
    size: int = 1
    alike: float = 0.0

    def __str__(self) -> str:
        items = f"{self.clusters} items" if self.size == 1 else f"{self.clusters} clusters of {self.size}"
        return f"{items}, {self.worse:.0%} worse, {self.better:.0%} better"

    @property
    def names(self) -> list[int]:
        return [at // self.size for at in range(self.clusters * self.size)]

    def runs(self, count: int, rng: np.random.Generator) -> Iterator[Floats]:
        """The differences of each item, candidate less live."""
        shares = np.array([self.worse, self.better, 1 - self.worse - self.better])
        for _ in range(count):
            if self.alike:
                weights = rng.gamma(np.maximum(shares * (1 - self.alike) / self.alike, 1e-9), size=(self.clusters, 3))
                drawn = weights / weights.sum(axis=1, keepdims=True)
            else:
                drawn = np.broadcast_to(shares, (self.clusters, 3))
            at = rng.random((self.clusters, self.size))
            worse, better = drawn[:, :1], drawn[:, :1] + drawn[:, 1:2]
            yield np.where(at < worse, -1.0, np.where(at < better, 1.0, 0.0)).ravel()


@dataclass(frozen=True)
class Sized:
    """Shares of runs that `passed` and `failed`; how many items the others `asked` for, and the share of these that
    then was `shown`."""

    passed: float
    failed: float
    asked: list[int]
    shown: float


def lower(found: Floats, clusters: list[int]) -> float:
    return mean(found, clusters, ALPHA).low


def student(found: Floats, clusters: list[int]) -> float:
    """Student's t by cluster and nothing else, as is the custom."""
    sums = np.bincount(clusters, weights=found - found.mean())
    error = math.sqrt(float((sums**2).sum()) * len(sums) / (len(sums) - 1)) / len(found)
    return float(found.mean() - stdtrit(len(sums) - 1, 1 - ALPHA) * error)


def passed(pairs: Pairs, runs: int, rng: np.random.Generator, low: Lower = lower) -> float:
    """The share of runs whose lower bound is above the margin."""
    names = pairs.names
    return sum(low(found, names) > -MARGIN for found in pairs.runs(runs, rng)) / runs


def at_floor(items: int, rate: float, runs: int, rng: np.random.Generator, low: Lower = lower) -> float:
    """The share of runs of a release that passes just as many items as it must, whose lower bound is above that."""
    names = list(range(items))
    return sum(low((rng.random(items) < rate).astype(np.float64), names) > rate for _ in range(runs)) / runs


def sized(pairs: Pairs, runs: int, rng: np.random.Generator) -> Sized:
    """Runs of an alike candidate, each that was too small followed by one of as many items as it asked for."""
    names, verdicts, asked, shown = pairs.names, {"pass": 0, "fail": 0}, [], 0
    for found in pairs.runs(runs, rng):
        bounds = mean(found, names, ALPHA)
        if bounds.low > -MARGIN:
            verdicts["pass"] += 1
        elif bounds.estimate <= -MARGIN:
            verdicts["fail"] += 1
        else:
            needed = min(MOST_ITEMS, bounds.needed(-MARGIN, planned=0.0))
            asked.append(needed)
            larger = replace(pairs, clusters=math.ceil(needed / pairs.size))
            shown += lower(next(larger.runs(1, rng)), larger.names) > -MARGIN
    return Sized(verdicts["pass"] / runs, verdicts["fail"] / runs, asked, shown / max(1, len(asked)))


def insisted(pairs: Pairs, runs: int, rng: np.random.Generator, halved: bool) -> float:
    """The share of candidates that pass where a run that was too small is made anew, up to `TRIES` times; `halved`: at
    half the error each time."""
    names, over = pairs.names, 0
    for _ in range(runs):
        for tried, found in enumerate(pairs.runs(TRIES, rng)):
            bounds = mean(found, names, ALPHA / 2 ** (tried + 1) if halved else ALPHA)
            over += bounds.low > -MARGIN
            if bounds.low > -MARGIN or bounds.estimate <= -MARGIN:
                break
    return over / runs


def unpaired(items: int, rate: float, runs: int, rng: np.random.Generator) -> float:
    """The power of two samples of so many items each, of two releases that are alike and pass with this rate."""
    live, candidate = rng.binomial(items, rate, (2, runs)) / items
    error = np.sqrt((live * (1 - live) + candidate * (1 - candidate)) / items)
    return float(np.mean(candidate - live - float(ndtri(1 - ALPHA)) * error > -MARGIN))


def items_for(variance: float) -> int:
    """Of one item's difference, for `POWER` at the margin where the releases are alike."""
    return math.ceil(variance * (float(ndtri(1 - ALPHA)) + float(ndtri(POWER))) ** 2 / MARGIN**2)


AT_MARGIN = (
    Pairs(60, MARGIN, 0.0),
    Pairs(200, MARGIN, 0.0),
    Pairs(100, MARGIN + 0.01, 0.01),
    Pairs(200, MARGIN + 0.05, 0.05),
    Pairs(500, MARGIN + 0.05, 0.05),
    Pairs(20, MARGIN, 0.0, size=5, alike=0.3),
    Pairs(20, MARGIN + 0.05, 0.05, size=5, alike=0.3),
    Pairs(100, MARGIN, 0.0, size=5, alike=0.3),
    Pairs(100, MARGIN + 0.05, 0.05, size=5, alike=0.3),
)
RATES = ((30, 0.8), (30, 0.9), (60, 0.95), (200, 0.95), (200, 0.99), (1000, 0.99))
"""Items, and the share that must pass, which is just what does."""
ALIKE = (
    Pairs(50, 0.05, 0.05),
    Pairs(100, 0.05, 0.05),
    Pairs(200, 0.1, 0.1),
    Pairs(50, 0.05, 0.05, size=5, alike=0.3),
    Pairs(100, 0.1, 0.1, size=5, alike=0.3),
)


def at_margin(pairs: Pairs, runs: int, rng: np.random.Generator) -> list[str]:
    seed = int(rng.integers(2**32))
    return [f"{passed(pairs, runs, np.random.default_rng(seed), low):.1%}" for low in (lower, student)]


def at_rate(items: int, rate: float, runs: int, rng: np.random.Generator) -> list[str]:
    seed = int(rng.integers(2**32))
    return [f"{at_floor(items, rate, runs, np.random.default_rng(seed), low):.1%}" for low in (lower, student)]


def asking(pairs: Pairs, runs: int, rng: np.random.Generator) -> list[str]:
    found = sized(pairs, runs // 10, rng)
    asked = f"{np.median(found.asked):.0f} ({np.quantile(found.asked, 0.1):.0f} to {np.quantile(found.asked, 0.9):.0f})"
    return [f"{found.passed:.1%}", f"{found.failed:.1%}", asked, f"{found.shown:.1%}"]


def saving(discordant: float, runs: int, rng: np.random.Generator) -> list[str]:
    paired, each = items_for(discordant), items_for(2 * RATE * (1 - RATE))
    power = passed(Pairs(paired, discordant / 2, discordant / 2), runs, rng)
    alone = unpaired(each, RATE, runs, rng)
    return [str(paired), f"{power:.1%}", str(each), f"{alone:.1%}", f"{1 - paired / each:.0%}"]


def insisting(pairs: Pairs, runs: int, rng: np.random.Generator) -> list[str]:
    return [f"{insisted(pairs, runs, rng, halved):.1%}" for halved in (False, True)]


def tables(runs: int) -> Iterator[Table]:
    rows = tuple(Row(str(pairs), partial(at_margin, pairs, runs)) for pairs in AT_MARGIN)
    yield Table(("worse by just the margin of 5 points", "passes", "by Student's t alone"), rows)
    rows = tuple(Row(f"{items} items, {rate:.0%}", partial(at_rate, items, rate, runs)) for items, rate in RATES)
    yield Table(("a rate just at its floor", "passes", "by Student's t alone"), rows)
    rows = tuple(Row(str(pairs), partial(asking, pairs, runs)) for pairs in ALIKE)
    yield Table(("alike", "passes", "fails", "else asks for items (10 to 90 %)", "passes with those"), rows)
    rows = tuple(Row(f"{share:.0%} discordant", partial(saving, share, runs)) for share in (0.05, 0.1, 0.2))
    yield Table(("alike, 85 % pass", "items, paired", "power", "items, each alone", "power", "saved"), rows)
    rows = tuple(Row(str(pairs), partial(insisting, pairs, runs)) for pairs in AT_MARGIN[2:5])
    yield Table((f"worse by just the margin, up to {TRIES} runs", "passes", "each run at half the error"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, help="where rows are kept, to go on where it ended")
    chosen = parser.parse_args()
    show(tables(chosen.runs), f"gate, {chosen.runs}", chosen.keep)


if __name__ == "__main__":
    main()
