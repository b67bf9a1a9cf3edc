"""Pairs of right and wrong: the same items, asked of two targets. What tells them apart is the items on which one alone
is right, `better` where that is the candidate, `worse` where it is the baseline.

Items are independent here. Where they come in clusters, `evals.statistics.bounds` and `intervals` are for their
differences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two shares of right answers, candidate less baseline, with bounds that hold the truth with the level asked
    for."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Pairs:
    """Counts of items: on which both are right, one alone, or none."""

    both: int
    better: int
    worse: int
    neither: int

    @property
    def n(self) -> int:
        return self.both + self.better + self.worse + self.neither

    @property
    def difference(self) -> float:
        return (self.better - self.worse) / self.n


def tango(pairs: Pairs, level: float = 0.95) -> Difference:
    """The score interval of Tango (Statistics in Medicine 17, 1998, 891-908): the differences that a score test of the
    pairs would not reject. It keeps its level in small samples, and is never of no width."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))

    def beyond(delta: float, reach: float) -> float:
        return _score(pairs, delta) - reach

    least, most = -1 + 1e-12, 1 - 1e-12
    low = least if beyond(least, z) < 0 else float(brentq(beyond, least, pairs.difference, args=(z,)))
    high = most if beyond(most, -z) > 0 else float(brentq(beyond, pairs.difference, most, args=(-z,)))
    return Difference(pairs.difference, max(-1.0, low), min(1.0, high))


def newcombe(pairs: Pairs, level: float = 0.95) -> Difference:
    """The square-and-add interval of Newcombe (Statistics in Medicine 17, 1998, 2635-2650, method 10): Wilson's limits
    of both shares, put together with their correlation."""
    new, old = pairs.both + pairs.better, pairs.both + pairs.worse
    (low_new, high_new), (low_old, high_old) = _wilson(new, pairs.n, level), _wilson(old, pairs.n, level)
    p_new, p_old = new / pairs.n, old / pairs.n
    phi = _phi(pairs)
    below = _put_together(p_new - low_new, high_old - p_old, phi)
    above = _put_together(high_new - p_new, p_old - low_old, phi)
    return Difference(p_new - p_old, p_new - p_old - below, p_new - p_old + above)


def mcnemar(pairs: Pairs, *, mid: bool = False) -> float:
    """The exact two-sided p-value of McNemar's test (Psychometrika 12, 1947): of the items that tell the two apart, as
    many fall to either side by chance. `mid` counts what was seen by half (Fagerland, Lydersen and Laake 2013), which
    is less conservative, and keeps the level in practice though not by proof."""
    told = pairs.better + pairs.worse
    if told == 0:
        return 1.0
    less = min(pairs.better, pairs.worse)
    p = min(1.0, 2 * _at_most(less, told))
    if not mid:
        return p
    seen = _at_most(less, told) - _at_most(less - 1, told)
    return min(1.0, p - seen) if pairs.better != pairs.worse else 1.0 - seen


def superior(pairs: Pairs) -> float:
    """The exact one-sided p-value of the candidate being no better."""
    told = pairs.better + pairs.worse
    return _at_most(pairs.worse, told) if told else 1.0


def _at_most(heads: int, tosses: int) -> float:
    """The chance of so many heads, or fewer: by the incomplete beta function, as `scipy.stats` takes a second to
    import."""
    from scipy.special import betainc

    if heads < 0:
        return 0.0
    return float(betainc(tosses - heads, heads + 1, 0.5)) if heads < tosses else 1.0


def _score(pairs: Pairs, delta: float) -> float:
    """Standard errors between the difference found and `delta`, worked out as if `delta` were true."""
    n, better, worse = pairs.n, pairs.better, pairs.worse
    b = -better - worse + (2 * n - better + worse) * delta
    c = -worse * delta * (1 - delta)
    share = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    variance = n * (2 * share + delta * (1 - delta))
    distance = better - worse - n * delta
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _wilson(events: int, n: int, level: float) -> tuple[float, float]:
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    p = events / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - reach, centre + reach


def _phi(pairs: Pairs) -> float:
    """The correlation of both, corrected for continuity where it is above 0, as Newcombe has it."""
    right_new, right_old = pairs.both + pairs.better, pairs.both + pairs.worse
    under = right_new * (pairs.n - right_new) * right_old * (pairs.n - right_old)
    if under == 0:
        return 0.0
    over = float(pairs.both * pairs.neither - pairs.better * pairs.worse)
    if over > 0:
        over = max(over - pairs.n / 2, 0.0)
    return over / math.sqrt(under)


def _put_together(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))
