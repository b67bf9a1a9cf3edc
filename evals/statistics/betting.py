"""Sequential tests that hold at any time, however often they are looked at: betting on the draw.

A unit (a conversation, a user) is drawn to the candidate with a known probability `w`, independently of how it will
fare. `A` is 1 where it was drawn and 0 where not, `y` in [0, 1] how badly it fared. Let `c` and `l` be the mean of `y`
that this unit would have on either arm, given all that came before. Then, for any `m` and `d` known before the draw,

    E[(A - w)(y - m)] = w(1 - w)(c - l)        and so        E[x] <= 0  for  x = (A - w)(y - m) - w(1 - w)d

whenever `c - l <= d`. A bet of the share `b >= 0` of one's wealth on `x` multiplies the wealth by `1 + bx`, and on
average does not raise it. The wealth, and any fixed mixture of wealths over `b`, is a non-negative supermartingale that
begins at 1: the chance that it ever reaches `1/alpha` is at most `alpha` (Ville 1939). No distribution is assumed, no
constant base rate, and nothing about calls within a unit: a unit bets once.

For the other side, `c - l >= d`, the sign of `x` is turned. After Waudby-Smith and Ramdas, "Estimating means of bounded
random variables by betting" (JRSSB 2024); Waudby-Smith et al., "Anytime-valid off-policy inference for contextual
bandits" (2022), for the draw in the place of a model; Lindon and Malek, "Anytime-valid inference for multinomial count
data" (NeurIPS 2022), for counts and the sample ratio. All of it works on many streams at once: states are arrays whose
leading axes are the streams, and one update takes one unit of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Side = Literal["harm", "safe"]

EXCESS: Floats = np.geomspace(0.2, 8, 5)
"""How much more often the candidate may fare badly, from a fifth more to nine times as often: what bets on harm are
mixed over."""
BOLDNESS: Floats = np.array([0.5, 1.0, 2.0])
"""Of the bet that is best where the arms are alike: what bets on safety are mixed over."""
SHARES: Floats = np.geomspace(0.06, 0.95, 5)
"""Of the largest bet that cannot lose everything: what other bets are mixed over. None is larger than the last."""


@dataclass(frozen=True, slots=True)
class Bet:
    """What is bet against. `harm`: that the candidate is worse by at most `tolerance`; `safe`: that it is worse by at
    least `tolerance`, which is above 0. `centred` bets on `y` less the mean so far, which tells sooner; without it, and
    with no tolerance, a unit that fared well (`y` of 0) changes nothing, so that a unit may bet as soon as it fared
    badly. Units then bet in the order they fail in: the guarantee is for a candidate that is no worse at any age of a
    unit."""

    side: Side
    tolerance: float = 0.0
    centred: bool = True


class Betting:
    """The wealth of bets. `log_e` is the logarithm of the e-value now, `peak` the largest it ever was: the test is over
    once `peak` reaches log(1/alpha)."""

    def __init__(self, bet: Bet, streams: tuple[int, ...] = ()) -> None:
        self.bet = bet
        self._wealth: Floats = np.zeros((*streams, len(EXCESS if bet.side == "harm" else BOLDNESS)))
        self._sum: Floats = np.zeros((*streams, 2))
        self._count: Floats = np.zeros((*streams, 2))
        self.peak: Floats = np.zeros(streams)

    @property
    def log_e(self) -> Floats:
        return _log_mean(self._wealth)

    @property
    def units(self) -> Floats:
        """How many on the live arm and on the candidate's, on the last axis."""
        return self._count

    @property
    def means(self) -> Floats:
        """Of `y`, on the live arm and on the candidate's; not a number where there is none."""
        with np.errstate(invalid="ignore"):
            found: Floats = self._sum / self._count
        return found

    def update(self, arm: ArrayLike, weight: ArrayLike, outcome: ArrayLike, counts: ArrayLike = True) -> None:
        """One unit: `arm` 1 for the candidate, drawn with probability `weight` in (0, 1), and how badly it fared, in
        [0, 1]. Streams where it does not count stay as they are."""
        arms, w, y = (np.asarray(one, dtype=np.float64) for one in (arm, weight, outcome))
        counted = np.asarray(counts, dtype=bool)
        total = self._count.sum(axis=-1)
        # one half unit of "middling" keeps the first guess away from the edges
        middle = (self._sum.sum(axis=-1) + 0.25) / (total + 0.5) if self.bet.centred else np.zeros_like(total)
        sign = 1.0 if self.bet.side == "harm" else -1.0
        x = sign * ((arms - w) * (y - middle) - w * (1 - w) * self.bet.tolerance)
        factors = np.log1p(_stakes(self.bet, sign, w, middle) * x[..., None])
        self._wealth += np.where(counted[..., None], factors, 0.0)
        drawn = np.stack([1 - arms, arms], axis=-1) * counted[..., None]
        self._sum += drawn * y[..., None]
        self._count += drawn
        self.peak = np.maximum(self.peak, self.log_e)

    def as_json(self) -> dict[str, Any]:
        """Of one stream."""
        return {
            "wealth": self._wealth.tolist(),
            "sum": self._sum.tolist(),
            "count": self._count.tolist(),
            "peak": float(self.peak),
        }

    @classmethod
    def from_json(cls, bet: Bet, held: dict[str, Any]) -> Betting:
        found = cls(bet)
        found._wealth = np.array(held["wealth"], dtype=np.float64)
        found._sum = np.array(held["sum"], dtype=np.float64)
        found._count = np.array(held["count"], dtype=np.float64)
        found.peak = np.asarray(held["peak"], dtype=np.float64)
        return found


def _log_mean(wealth: Floats) -> Floats:
    """The logarithm of the mean of what these are the logarithms of, over the last axis."""
    top = wealth.max(axis=-1)
    found: Floats = top + np.log(np.mean(np.exp(wealth - top[..., None]), axis=-1))
    return found


def _excess(w: Floats) -> Floats:
    """The likelihood ratio of an arm, as a bet on `A - w`: of a draw with each `EXCESS` in favour of the candidate,
    against the draw with `w`. It never loses everything."""
    found: Floats = EXCESS / (1 + EXCESS * w[..., None])
    return found


def _largest(sign: float, w: Floats, middle: Floats, tolerance: Floats | float) -> Floats:
    """The bet that would lose everything at the least `x` there can be."""
    ends = [sign * (arm - w) * (y - middle) for arm in (0.0, 1.0) for y in (0.0, 1.0)]
    least = np.minimum.reduce(np.broadcast_arrays(*ends)) - sign * w * (1 - w) * tolerance
    found: Floats = 1 / np.maximum(-least, 1e-12)
    return found


def _stakes(bet: Bet, sign: float, w: Floats, middle: Floats) -> Floats:
    """The bets that are mixed, on the last axis: likelihood ratios, which grow fastest where they are right. On harm,
    of a candidate that fares badly so much more often; on safety, of arms that are alike, against the nearest pair that
    is apart by the tolerance: nearly all of it is the smaller arm's."""
    if bet.side == "harm":
        likely = _excess(w) / (1 - middle)[..., None]
    else:
        apart = np.minimum(middle + (1 - w) * bet.tolerance, 0.99)
        likely = BOLDNESS * (bet.tolerance / (apart * (1 - apart)))[..., None]
    found: Floats = np.minimum(likely, SHARES[-1] * _largest(sign, w, middle, bet.tolerance)[..., None])
    return found


class Ratio:
    """Whether units come to the arms as they are drawn: a mixture of bets, either way, on `A - w` itself. Under the
    declared weights the chance that `peak` ever reaches log(1/alpha) is at most alpha."""

    def __init__(self, streams: tuple[int, ...] = ()) -> None:
        self._wealth: Floats = np.zeros((*streams, 2 * len(EXCESS)))
        self.peak: Floats = np.zeros(streams)

    @property
    def log_e(self) -> Floats:
        return _log_mean(self._wealth)

    def update(self, arm: ArrayLike, weight: ArrayLike) -> None:
        arms, w = np.asarray(arm, dtype=np.float64), np.asarray(weight, dtype=np.float64)
        more = _excess(w) * (arms - w)[..., None]
        fewer = _excess(1 - w) * (w - arms)[..., None]
        self._wealth += np.log1p(np.concatenate([more, fewer], axis=-1))
        self.peak = np.maximum(self.peak, self.log_e)

    def as_json(self) -> dict[str, Any]:
        return {"wealth": self._wealth.tolist(), "peak": float(self.peak)}

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Ratio:
        found = cls()
        found._wealth = np.array(held["wealth"], dtype=np.float64)
        found.peak = np.asarray(held["peak"], dtype=np.float64)
        return found


class Paired:
    """For a shadow, where each call has a twin, and how badly either fared is from 0 to 1. Under "the candidate is no
    worse" their difference is not above 0 on average: bets are on the difference itself, which for calls that went well
    or not is a sign test on the pairs that differ (Robbins 1970), as of a draw with even weights."""

    def __init__(self, streams: tuple[int, ...] = ()) -> None:
        self._wealth: Floats = np.zeros((*streams, len(EXCESS)))
        self.discordant: Floats = np.zeros((*streams, 2))
        """Pairs in which the live release fared worse, and in which the candidate did."""
        self.peak: Floats = np.zeros(streams)

    @property
    def log_e(self) -> Floats:
        return _log_mean(self._wealth)

    def update(self, live_bad: ArrayLike, candidate_bad: ArrayLike) -> None:
        difference = np.asarray(candidate_bad, dtype=np.float64) - np.asarray(live_bad, dtype=np.float64)
        self._wealth += np.log1p(_excess(np.array(0.5)) / 2 * difference[..., None])
        self.discordant += np.stack([difference < 0, difference > 0], axis=-1)
        self.peak = np.maximum(self.peak, self.log_e)

    def as_json(self) -> dict[str, Any]:
        return {
            "wealth": self._wealth.tolist(),
            "discordant": self.discordant.tolist(),
            "peak": float(self.peak),
        }

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Paired:
        found = cls()
        found._wealth = np.array(held["wealth"], dtype=np.float64)
        found.discordant = np.array(held["discordant"], dtype=np.float64)
        found.peak = np.asarray(held["peak"], dtype=np.float64)
        return found


class DifferenceSequence:
    """A confidence sequence for `c - l`: the tolerances that neither side's bets have refuted. It covers the truth at
    all times at once with probability 1 - alpha, where the difference does not change."""

    def __init__(self, grid: Sequence[float] = tuple(np.linspace(-1, 1, 81))) -> None:
        self._grid = np.array(grid)
        self._above = _OverGrid("harm", self._grid)
        self._below = _OverGrid("safe", self._grid)

    def update(self, arm: float, weight: float, outcome: float) -> None:
        self._above.update(arm, weight, outcome)
        self._below.update(arm, weight, outcome)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """The least and the greatest difference that is not refuted, each side with half of alpha, to the width of the
        grid."""
        threshold = float(np.log(2 / alpha))
        low, high = self._above.peak < threshold, self._below.peak < threshold
        step = float(self._grid[1] - self._grid[0])
        least = self._grid[low].min() - step if low.any() else self._grid[-1]
        most = self._grid[high].max() + step if high.any() else self._grid[0]
        return max(-1.0, float(least)), min(1.0, float(most))

    def as_json(self) -> dict[str, Any]:
        return {"above": self._above.as_json(), "below": self._below.as_json()}

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> DifferenceSequence:
        found = cls()
        found._above.load(held["above"])
        found._below.load(held["below"])
        return found


class _OverGrid:
    """Bets against every tolerance of a grid at once."""

    def __init__(self, side: Side, grid: Floats) -> None:
        self._sign = 1.0 if side == "harm" else -1.0
        self._grid = grid
        self._wealth: Floats = np.zeros((len(grid), len(SHARES)))
        self._sum = self._count = 0.0
        self.peak: Floats = np.zeros(len(grid))

    def update(self, arm: float, weight: float, outcome: float) -> None:
        middle = np.full(len(self._grid), (self._sum + 0.25) / (self._count + 0.5))
        w = np.full(len(self._grid), weight)
        x = self._sign * ((arm - w) * (outcome - middle) - w * (1 - w) * self._grid)
        self._wealth += np.log1p(SHARES * _largest(self._sign, w, middle, self._grid)[:, None] * x[:, None])
        self.peak = np.maximum(self.peak, _log_mean(self._wealth))
        self._sum += outcome
        self._count += 1

    def as_json(self) -> dict[str, Any]:
        return {"wealth": self._wealth.tolist(), "sum": self._sum, "count": self._count, "peak": self.peak.tolist()}

    def load(self, held: dict[str, Any]) -> None:
        self._wealth = np.array(held["wealth"], dtype=np.float64)
        self._sum, self._count = held["sum"], held["count"]
        self.peak = np.array(held["peak"], dtype=np.float64)
