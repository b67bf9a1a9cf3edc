"""What the sequential tests of a canary promise, held against simulation: looked at after every unit, on many streams.

python benchmarks/sequential.py [--streams 10000] [--units 1000]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.statistics.betting import Bet, Betting, Paired, Ratio

Floats = NDArray[np.float64]
Rates = Callable[[float], float]

ALPHA = 0.05
STEPS = (0.01, 0.05, 0.25, 0.5)
"""The weights of a canary, each for a quarter of its units."""


@dataclass(frozen=True)
class World:
    """How often a unit fares badly on the live arm, over the share of the stream that has passed, and by how much more
    on the candidate's. `calls` of a unit share its luck: `y` is the share of them that went wrong."""

    name: str
    live: Rates
    more: float = 0.0
    calls: int = 1


@dataclass(frozen=True)
class Draw:
    """One unit of each stream."""

    arm: Floats
    weight: float
    outcome: Floats


def steady(share: float) -> float:
    return 0.05


def drifting(share: float) -> float:
    """From 2 % to 20 % and back, as an upstream has a bad day."""
    return 0.02 + 0.18 * math.sin(math.pi * share) ** 2


NULLS = (
    World("5 % fail", steady),
    World("5 % fail, conversations of 8 calls", steady, calls=8),
    World("2 to 20 % fail, drifting", drifting),
    World("2 to 20 % fail, drifting, conversations of 8 calls", drifting, calls=8),
)


def draws(world: World, streams: int, units: int, rng: np.random.Generator) -> Iterator[Draw]:
    """Units in order. Within a conversation the chance of failure is itself drawn (beta, correlation 1/2)."""
    for at in range(units):
        share = at / units
        weight = STEPS[int(share * len(STEPS))]
        arm = (rng.random(streams) < weight).astype(np.float64)
        chance = world.live(share) + world.more * arm
        if world.calls == 1:
            outcome = (rng.random(streams) < chance).astype(np.float64)
        else:
            outcome = rng.binomial(world.calls, rng.beta(chance, 1 - chance)) / world.calls
        yield Draw(arm, weight, outcome)


def crossed(bet: Bet, world: World, streams: int, units: int, rng: np.random.Generator) -> float:
    """The share of streams in which the test was over at any time."""
    betting = Betting(bet, (streams,))
    for draw in draws(world, streams, units, rng):
        betting.update(draw.arm, draw.weight, draw.outcome)
    return float(np.mean(betting.peak >= math.log(1 / ALPHA)))


def ratio_crossed(streams: int, units: int, rng: np.random.Generator, lost: float = 0.0) -> float:
    """As `crossed`, of the sample ratio; `lost` is the share of the candidate's units that never come to be counted."""
    ratio = Ratio((streams,))
    for at in range(units):
        weight = STEPS[int(at / units * len(STEPS))]
        kept = weight * (1 - lost) / (weight * (1 - lost) + 1 - weight)
        ratio.update(rng.random(streams) < kept, weight)
    return float(np.mean(ratio.peak >= math.log(1 / ALPHA)))


def paired_crossed(live: float, candidate: float, streams: int, pairs: int, rng: np.random.Generator) -> float:
    paired = Paired((streams,))
    for _ in range(pairs):
        paired.update(rng.random(streams) < live, rng.random(streams) < candidate)
    return float(np.mean(paired.peak >= math.log(1 / ALPHA)))


def naive_crossed(world: World, streams: int, units: int, rng: np.random.Generator) -> float:
    """What peeking does to a test that is meant for one look: a z test of two rates at 5 %, one-sided, after each
    unit, once either arm has 30."""
    count, total = np.zeros((streams, 2)), np.zeros((streams, 2))
    over = np.zeros(streams, dtype=bool)
    for draw in draws(world, streams, units, rng):
        arms = np.stack([1 - draw.arm, draw.arm], axis=-1)
        count += arms
        total += arms * draw.outcome[:, None]
        enough = count.min(axis=-1) >= 30
        seen = np.maximum(count, 1)
        rates, pooled = total / seen, total.sum(axis=-1) / seen.sum(axis=-1)
        error = np.sqrt(np.maximum(pooled * (1 - pooled), 1e-12) * (1 / seen).sum(axis=-1))
        over |= enough & ((rates[:, 1] - rates[:, 0]) / error > 1.645)
    return float(np.mean(over))


def times(world: World, streams: int, units: int, rng: np.random.Generator) -> Floats:
    """The unit at which harm was found in each stream; infinite where it was not."""
    betting = Betting(Bet("harm"), (streams,))
    found = np.full(streams, np.inf)
    for at, draw in enumerate(draws(world, streams, units, rng), 1):
        betting.update(draw.arm, draw.weight, draw.outcome)
        found[np.isinf(found) & (betting.peak >= math.log(1 / ALPHA))] = at
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=1000)
    chosen = parser.parse_args()
    streams, units, rng = chosen.streams, chosen.units, np.random.default_rng(20261125)
    print(f"{streams} streams of {units} units, weights {STEPS}, alpha {ALPHA}, looked at after every unit\n")
    print("| no difference | harm found | uncentred | z test, peeking |\n|---|---|---|---|")
    for world in NULLS:
        found = [crossed(Bet("harm", centred=centred), world, streams, units, rng) for centred in (True, False)]
        naive = naive_crossed(world, streams, units, rng)
        print(f"| {world.name} | {found[0]:.2%} | {found[1]:.2%} | {naive:.2%} |", flush=True)
    print("\n| worse by just the margin of 5 points | shipped |\n|---|---|")
    for world in NULLS:
        at_margin = World(world.name, world.live, 0.05, world.calls)
        print(f"| {world.name} | {crossed(Bet('safe', 0.05), at_margin, streams, units, rng):.2%} |", flush=True)
    print("\n| other | crossed |\n|---|---|")
    print(f"| sample ratio as drawn | {ratio_crossed(streams, units, rng):.2%} |")
    print(f"| one in four of the candidate's units lost | {ratio_crossed(streams, units, rng, lost=0.25):.2%} |")
    print(f"| pairs, 5 % each | {paired_crossed(0.05, 0.05, streams, units, rng):.2%} |")
    print(f"| pairs, 5 % and 8 % | {paired_crossed(0.05, 0.08, streams, units, rng):.2%} |", flush=True)
    print("\n| fails on candidate (live 5 %) | harm found | median units |\n|---|---|---|")
    for more in (0.05, 0.1, 0.25, 0.45):
        found_at = times(World("", steady, more), streams, units, rng)
        median = float(np.median(found_at))
        shown = f"{median:.0f}" if math.isfinite(median) else "-"
        print(f"| {0.05 + more:.0%} | {np.isfinite(found_at).mean():.1%} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
