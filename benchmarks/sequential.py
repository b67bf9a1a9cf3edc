"""What the sequential tests of a canary promise, held against simulation: looked at after every unit, on many streams.

python -m benchmarks.sequential [--streams 10000] [--units 1000] [--keep FILE]
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

from benchmarks.tables import Row, Table, show
from evals.statistics.betting import Bet, Betting, Paired, Ratio

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rates = Callable[[float], float]
Timing = Callable[[Floats, Bools, np.random.Generator], Floats]

ALPHA = 0.05
STEPS = (0.01, 0.05, 0.25, 0.5)
"""The weights of a canary, each for a quarter of its units."""
OUTAGES = 3
"""Of the upstream, in a stream."""
AWAY = 0.1
"""How long one lasts, in steps."""
OPEN = 0.2
"""How long a conversation is open, as a share of a step."""
LATE = 0.5
"""How late a failure is told of, in steps."""
WAIT = 0.1
"""How long harm must have been shown before a canary ends, in steps: a minute of ten, as a plan has it by itself."""


@dataclass(frozen=True)
class World:
    """How often a unit fares badly on the live arm, over the share of the stream that has passed, and by how much more
    on the candidate's. `calls` of a unit share its luck: `y` is the share of them that went wrong. A step lasts for its
    share of the units, or `until` the candidate has had so many of them."""

    name: str
    live: Rates
    more: float = 0.0
    calls: int = 1
    until: int | None = None


@dataclass(frozen=True)
class Draw:
    """One unit of each stream."""

    arm: Floats
    weight: Floats
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
    World("2 to 20 % fail, drifting, a step ends with its 5th unit", drifting, until=5),
)


def draws(world: World, streams: int, units: int, rng: np.random.Generator) -> Iterator[Draw]:
    """Units in order. Within a conversation the chance of failure is itself drawn (beta, correlation 1/2)."""
    step, had = np.zeros(streams, dtype=np.int64), np.zeros(streams)
    for at in range(units):
        share = at / units
        over = int(share * len(STEPS)) > step if world.until is None else had >= world.until
        step, had = np.minimum(step + over, len(STEPS) - 1), np.where(over, 0, had)
        weight = np.array(STEPS)[step]
        arm = (rng.random(streams) < weight).astype(np.float64)
        had += arm
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


def bursts(told: Timing, streams: int, units: int, rng: np.random.Generator, wait: float = 0.0) -> float:
    """The share of streams in which harm was found by first failures, and that for as long as `wait`, where these do
    not come one by one: now and then the upstream is away, and every conversation that is open or begins then fails.
    `told` says when the failure of each unit is seen."""
    began = np.arange(units) / units * len(STEPS)
    weight = np.array(STEPS)[began.astype(int)]
    betting = Betting(Bet("harm", centred=False), (streams,))
    arm = rng.random((streams, units)) < weight
    away = np.sort(rng.uniform(0, len(STEPS), (streams, OUTAGES)), axis=1)
    next_away = np.take_along_axis(
        np.concatenate([away, np.full((streams, 1), np.inf)], axis=1), (away[:, :, None] <= began).sum(axis=1), axis=1
    )
    amid = ((away[:, :, None] <= began) & (began < away[:, :, None] + AWAY)).any(axis=1)
    alone = amid | (rng.random((streams, units)) < steady(0))
    failed = np.where(alone, began, np.where(next_away - began < OPEN, next_away, np.inf))
    seen = told(failed, arm, rng)
    order = np.argsort(seen, axis=1)
    since, harmed = np.full(streams, np.inf), np.zeros(streams, dtype=bool)
    for at in range(int(np.isfinite(seen).sum(axis=1).max())):
        unit = order[:, at : at + 1]
        now = np.take_along_axis(seen, unit, axis=1)[:, 0]
        there = np.isfinite(now)
        harmed |= there & (now >= since + wait)
        betting.update(np.take_along_axis(arm, unit, axis=1)[:, 0], weight[unit[:, 0]], there, counts=there)
        since = np.where(betting.log_e >= math.log(1 / ALPHA), np.minimum(since, now), np.inf)
    return float(np.mean(harmed | np.isfinite(since)))


def in_time(failed: Floats, arm: Bools, rng: np.random.Generator) -> Floats:
    return failed + rng.uniform(0, 1e-6, failed.shape)  # of those that fail at once, any is the first


def late(failed: Floats, arm: Bools, rng: np.random.Generator) -> Floats:
    """Some are told of at once and some much later, whatever their arm."""
    return failed + rng.exponential(LATE, failed.shape)


def apart(failed: Floats, arm: Bools, rng: np.random.Generator, by: float) -> Floats:
    """The live release's are told of later, by so many steps: what the guarantee does not cover."""
    return failed + rng.uniform(0, 1e-6, failed.shape) + np.where(arm, 0.0, by)


TOLD: dict[str, Timing] = {
    "told of at once": in_time,
    "told of late, out of order": late,
    **{f"on live later by {by:.0%} of a step": partial(apart, by=by) for by in (0.01, 0.05, 0.1, 0.5)},
}


def times(world: World, streams: int, units: int, rng: np.random.Generator, wait: float = 0.0) -> Floats:
    """The unit at which harm was found, and that for as long as `wait`, in each stream; infinite where it was not."""
    betting = Betting(Bet("harm"), (streams,))
    since, found = np.full(streams, np.inf), np.full(streams, np.inf)
    for at, draw in enumerate(draws(world, streams, units, rng), 1):
        betting.update(draw.arm, draw.weight, draw.outcome)
        since = np.where(betting.log_e >= math.log(1 / ALPHA), np.minimum(since, at), np.inf)
        found[np.isinf(found) & (at >= since + wait * units / len(STEPS))] = at
    return found


def alike(world: World, streams: int, units: int, rng: np.random.Generator) -> list[str]:
    found = [crossed(Bet("harm", centred=centred), world, streams, units, rng) for centred in (True, False)]
    return [f"{share:.2%}" for share in (*found, naive_crossed(world, streams, units, rng))]


def at_margin(world: World, streams: int, units: int, rng: np.random.Generator) -> list[str]:
    return [f"{crossed(Bet('safe', 0.05), replace(world, more=0.05), streams, units, rng):.2%}"]


def out_of_order(told: Timing, streams: int, units: int, rng: np.random.Generator) -> list[str]:
    seed = int(rng.integers(2**32))
    return [f"{bursts(told, streams, units, np.random.default_rng(seed), wait):.2%}" for wait in (0.0, WAIT)]


def harmed(more: float, streams: int, units: int, rng: np.random.Generator) -> list[str]:
    seed, cells = int(rng.integers(2**32)), []
    for wait in (0.0, WAIT):
        found = times(World("", steady, more), streams, units, np.random.default_rng(seed), wait)
        median = float(np.median(found))
        cells += [f"{np.isfinite(found).mean():.1%}", f"{median:.0f}" if math.isfinite(median) else "-"]
    return cells


def tables(streams: int, units: int) -> Iterator[Table]:
    rows = [Row(world.name, partial(alike, world, streams, units)) for world in NULLS]
    yield Table(("no difference", "harm found", "by first failures", "by a z test, peeking"), tuple(rows))
    rows = [Row(name, partial(out_of_order, told, streams, units)) for name, told in TOLD.items()]
    yield Table(("no difference, failures in bursts", "harm found by first failures", "and lasting"), tuple(rows))
    rows = [Row(world.name, partial(at_margin, world, streams, units)) for world in NULLS]
    yield Table(("worse by just the margin of 5 points", "shipped"), tuple(rows))

    def other(compute: Callable[[np.random.Generator], float]) -> Callable[[np.random.Generator], list[str]]:
        return lambda rng: [f"{compute(rng):.2%}"]

    rows = [
        Row("sample ratio as drawn", other(partial(ratio_crossed, streams, units))),
        Row("one in four of the candidate's units lost", other(partial(ratio_crossed, streams, units, lost=0.25))),
        Row("pairs, 5 % each", other(partial(paired_crossed, 0.05, 0.05, streams, units))),
        Row("pairs, 5 % and 8 %", other(partial(paired_crossed, 0.05, 0.08, streams, units))),
    ]
    yield Table(("other", "crossed"), tuple(rows))
    rows = [Row(f"{0.05 + more:.0%}", partial(harmed, more, streams, units)) for more in (0.05, 0.1, 0.25, 0.45)]
    yield Table(
        ("fails on candidate (live 5 %)", "harm found", "median units", "and lasting", "median units"), tuple(rows)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--keep", type=Path, help="where rows are kept, to go on where it ended")
    chosen = parser.parse_args()
    print(f"weights {STEPS}, alpha {ALPHA}, looked at after every unit")
    show(tables(chosen.streams, chosen.units), f"sequential, {chosen.streams}, {chosen.units}", chosen.keep)


if __name__ == "__main__":
    main()
