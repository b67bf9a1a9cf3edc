"""How many units it takes until a canary or a shadow decides, against tests of the same error and power that look once.

A test that looks once ends after the units it was planned for. A sequential one ends when it has found what it looks
for; to compare them at the same power, it too gives up: at the unit by which it finds it in that share of streams.

python -m benchmarks.samples [--streams 2000] [--keep FILE]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from benchmarks.sequential import ALPHA
from benchmarks.tables import Row, Table, show
from evals.statistics.betting import Bet, Betting, Paired

Floats = NDArray[np.float64]
Observe = Callable[[], Floats]

POWERS = (0.8, 0.95)
LONGEST = 6
"""Times the units of the test that looks once: how long a stream is followed."""


@dataclass(frozen=True)
class Arms:
    """How often units fare badly on either arm, and the weight of the candidate."""

    live: float
    candidate: float
    weight: float

    def once(self, power: float, tolerance: float = 0.0) -> float:
        """The units of a z test that looks once: of `candidate - live` being above the tolerance, or below it. Its
        error is worked out at the tolerance (as Farrington and Manning 1990 do), as it would otherwise not hold."""
        w, apart = self.weight, self.candidate - self.live - tolerance
        mean = w * self.candidate + (1 - w) * self.live
        at_tolerance = spread(w, max(0.0, mean - w * tolerance), max(0.0, mean + (1 - w) * tolerance))
        as_is = spread(w, self.live, self.candidate)
        return ((float(ndtri(1 - ALPHA)) * at_tolerance + float(ndtri(power)) * as_is) / apart) ** 2

    def times(self, bet: Bet, streams: int, units: int, rng: np.random.Generator) -> Floats:
        """The unit at which the test was over in each stream, infinite where it was not."""
        betting = Betting(bet, (streams,))

        def observe() -> Floats:
            arm = rng.random(streams) < self.weight
            bad = rng.random(streams) < np.where(arm, self.candidate, self.live)
            betting.update(arm, self.weight, bad, counts=bad | bet.centred)
            return betting.peak

        return over(observe, streams, units)

    def times_knowing(self, streams: int, units: int, rng: np.random.Generator) -> Floats:
        """As `times`, of who knows both rates and bets the likelihood ratio of each unit's arm, which grows fastest."""
        pooled = self.weight * self.candidate + (1 - self.weight) * self.live
        wealth = peak = np.zeros(streams)

        def observe() -> Floats:
            nonlocal wealth, peak
            arm = rng.random(streams) < self.weight
            rate = np.where(arm, self.candidate, self.live)
            wealth = wealth + np.log(np.where(rng.random(streams) < rate, rate / pooled, (1 - rate) / (1 - pooled)))
            peak = np.maximum(peak, wealth)
            return peak

        return over(observe, streams, units)


@dataclass(frozen=True)
class Twins:
    """How often only the candidate of a pair fares badly, and only the live release."""

    worse: float
    better: float

    def once(self, power: float) -> float:
        """The pairs of McNemar's test (Miettinen 1968)."""
        discordant, apart = self.worse + self.better, self.worse - self.better
        spread = math.sqrt(discordant - apart**2)
        return ((float(ndtri(1 - ALPHA)) * math.sqrt(discordant) + float(ndtri(power)) * spread) / apart) ** 2

    def times(self, streams: int, pairs: int, rng: np.random.Generator) -> Floats:
        paired = Paired((streams,))

        def observe() -> Floats:
            at = rng.random(streams)
            paired.update((at >= self.worse) & (at < self.worse + self.better), at < self.worse)
            return paired.peak

        return over(observe, streams, pairs)


@dataclass(frozen=True)
class Graded:
    """Scores of a pair, how bad, from 0 to 1: a share of the candidate's is worse by so much; both vary by chance."""

    share: float
    by: float
    spread: float

    def times(self, streams: int, pairs: int, rng: np.random.Generator, signs: bool) -> Floats:
        """By bets on the differences themselves, or on their signs."""
        paired = Paired((streams,))

        def observe() -> Floats:
            live = np.clip(rng.normal(0.3, self.spread, streams), 0, 1)
            shifted = 0.3 + self.by * (rng.random(streams) < self.share)
            candidate = np.clip(rng.normal(shifted, self.spread), 0, 1)
            if signs:
                paired.update(live > candidate, candidate > live)
            else:
                paired.update(live, candidate)
            return paired.peak

        return over(observe, streams, pairs)


def spread(weight: float, live: float, candidate: float) -> float:
    """The standard error of the difference of two rates, from one unit."""
    return math.sqrt(candidate * (1 - candidate) / weight + live * (1 - live) / (1 - weight))


def over(observe: Observe, streams: int, most: int) -> Floats:
    """When the peak of each stream reached log(1/alpha)."""
    found = np.full(streams, np.inf)
    for at in range(1, most + 1):
        found[np.isinf(found) & (observe() >= math.log(1 / ALPHA))] = at
        if at % 100 == 0 and np.isfinite(found).mean() > 0.995:
            break
    return found


def spent(times: Floats, power: float) -> float:
    """Units on average, where streams give up at the unit by which this share of them is over."""
    return float(np.minimum(times, np.quantile(times, power, method="higher")).mean())


def compared(times: Floats, once: Callable[[float], float]) -> list[str]:
    cells = []
    for power in POWERS:
        units = spent(times, power)
        if not math.isfinite(units):
            cells += [f"{once(power):,.0f}", "-", "-"]
            continue
        cells += [f"{once(power):,.0f}", f"{units:,.0f}", f"{1 - units / once(power):+.0%}"]
    late = float(np.quantile(times, 0.9, method="higher"))
    return [*cells, f"{late:,.0f}" if math.isfinite(late) else "-"]


def canary(arms: Arms, bet: Bet, streams: int, rng: np.random.Generator) -> list[str]:
    once = partial(arms.once, tolerance=bet.tolerance)
    return compared(arms.times(bet, streams, math.ceil(LONGEST * once(0.8)), rng), once)


def harm(arms: Arms, streams: int, rng: np.random.Generator) -> list[str]:
    found = canary(arms, Bet("harm", centred=False), streams, rng)
    knowing = arms.times_knowing(streams, math.ceil(LONGEST * arms.once(0.8)), rng)
    return [*found, *(f"{spent(knowing, power):,.0f}" for power in POWERS)]


def larger(arms: Arms, planned: float, streams: int, rng: np.random.Generator) -> list[str]:
    """Harm that is larger than what the test that looks once was planned for. Streams in which it was not found count
    with all their units."""
    expected = Arms(arms.live, planned, arms.weight).once(0.8)
    most = math.ceil(LONGEST * expected)
    times = np.minimum(arms.times(Bet("harm", centred=False), streams, most, rng), most)
    late = np.quantile(times, 0.9)
    sooner = f"{np.mean(times < expected):.1%}"
    return [f"{expected:,.0f}", f"{times.mean():,.0f}", f"{1 - times.mean() / expected:+.0%}", f"{late:,.0f}", sooner]


def shadow(twins: Twins, streams: int, rng: np.random.Generator) -> list[str]:
    """Against McNemar's test, and against bets on the draw of units with the same rates."""
    pairs = twins.times(streams, math.ceil(LONGEST * twins.once(0.8)), rng)
    live = 0.05
    arms = Arms(live, live + twins.worse - twins.better, 0.5)
    units = arms.times(Bet("harm"), streams, math.ceil(LONGEST * arms.once(0.8)), rng)
    return [*compared(pairs, twins.once), f"{spent(units, 0.8):,.0f}"]


def graded(scores: Graded, streams: int, rng: np.random.Generator) -> list[str]:
    found = [scores.times(streams, 4000, rng, signs) for signs in (False, True)]
    return [f"{spent(times, 0.8):,.0f}" if math.isfinite(spent(times, 0.8)) else "over 4,000" for times in found]


WEIGHTS = (0.01, 0.05, 0.25, 0.5)
ONCE = tuple(f"{cell} {power:.0%}" for power in POWERS for cell in ("once,", "sequential,", "saved,"))


def tables(streams: int) -> Iterator[Table]:
    harmed = [Arms(0.05, candidate, weight) for candidate in (0.1, 0.15, 0.3) for weight in WEIGHTS]
    rows = [Row(f"{arms.candidate:.0%}, weight {arms.weight:.0%}", partial(harm, arms, streams)) for arms in harmed]
    yield Table(("fails on candidate (live 5 %)", *ONCE, "90 % by", "knowing, 80%", "knowing, 95%"), tuple(rows))
    rows = [
        Row(f"{arms.candidate:.0%}, weight {arms.weight:.0%}", partial(larger, arms, 0.1, streams))
        for arms in harmed[4:]
    ]
    yield Table(
        ("fails on candidate, planned for 10 %", "once", "sequential", "saved", "90 % by", "sooner"), tuple(rows)
    )
    safe = [
        (name, Arms(0.05, candidate, weight))
        for name, candidate in (("alike", 0.05), ("fails 2 %", 0.02))
        for weight in WEIGHTS
    ]
    rows = [
        Row(f"{name}, weight {arms.weight:.0%}", partial(canary, arms, Bet("safe", 0.05), streams))
        for name, arms in safe
    ]
    yield Table(("safe, within 5 points (live fails 5 %)", *ONCE, "90 % by"), tuple(rows))
    twins = (Twins(0.055, 0.005), Twins(0.06, 0.01), Twins(0.095, 0.045), Twins(0.11, 0.01))
    rows = [
        Row(f"{pair.worse:.1%} only candidate, {pair.better:.1%} only live", partial(shadow, pair, streams))
        for pair in twins
    ]
    yield Table(("pairs", *ONCE, "90 % by", "units, drawn"), tuple(rows))
    scores = (Graded(1, 0.05, 0.2), Graded(1, 0.02, 0.1), Graded(0.1, 0.5, 0.1), Graded(0.1, 0.5, 0.01))
    rows = [
        Row(f"{one.share:.0%} worse by {one.by:.2f}, spread {one.spread:.2f}", partial(graded, one, streams))
        for one in scores
    ]
    yield Table(("scores of pairs, power 80 %", "differences", "signs"), tuple(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--keep", type=Path, help="where rows are kept, to go on where it ended")
    chosen = parser.parse_args()
    show(tables(chosen.streams), f"samples, {chosen.streams}", chosen.keep)


if __name__ == "__main__":
    main()
