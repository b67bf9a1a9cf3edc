"""Looking at a run before it is over, a planned number of times, without being wrong more often for it.

Each look may spend a part of the error: Lan and DeMets (Biometrika 70, 1983), with the spending function that is like
Pocock's, `error x ln(1 + (e - 1) t)` at a share `t` of the items. What is spent at a look is the chance of crossing
there and not before, found by integrating over what the looks before it may have seen (Armitage, McPherson and Rowe,
JRSS A 132, 1969; Jennison and Turnbull, Group Sequential Methods, 2000, chapter 19). Where a candidate is as good as
planned, it is given up early by mistake with a chance that is spent in the same way. Giving up does not bind: who goes
on all the same is not wrong more often."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

POINTS = 241
"""Of the grid between two bounds; twice as many change no bound by 0.001."""
FAR = 8.0
"""Standard errors beyond which nothing comes."""


@dataclass(frozen=True, slots=True)
class Looks:
    """`at` are the shares of the items at which there is a look, the last is 1. At each it passes with a statistic
    above `passes`, in standard errors, and is given up below `gives_up`; in the last both are the same. `drift` is the
    expected statistic at the end, of a candidate as planned."""

    at: tuple[float, ...]
    passes: tuple[float, ...]
    gives_up: tuple[float, ...]
    drift: float
    alpha: float
    power: float

    def error_at(self, look: int) -> float:
        """The one-sided error of the bound at a look, counted from 0, as if it were the only one."""
        from scipy.special import ndtr

        return float(ndtr(-self.passes[look]))

    @property
    def inflation(self) -> float:
        """How many times the items of a run that is looked at once, with the same error and power, it takes at most."""
        from scipy.special import ndtri

        return float((self.drift / (ndtri(1 - self.alpha) + ndtri(self.power))) ** 2)

    def expected(self, drift: float) -> float:
        """The expected number of items, in runs that are looked at once; `drift` 0 is what is just not good enough, and
        `self.drift` what is as planned."""
        ended = _ends(self, drift)
        return self.inflation * float(np.dot(self.at, ended))

    def passing(self, drift: float) -> float:
        """The chance of passing, where what is given up stays so."""
        found, held = 0.0, None
        for look, (at, high, low) in enumerate(zip(self.at, self.passes, self.gives_up, strict=True)):
            step = at - (self.at[look - 1] if look else 0.0)
            top = high * math.sqrt(at)
            found += _beyond(held, drift, step, top)
            held = _between(held, drift, step, low * math.sqrt(at), top)
        return found


@lru_cache(maxsize=64)
def planned(count: int, alpha: float, power: float = 0.9) -> Looks:
    """`count` looks at equal distances, with one-sided error `alpha`, and the power that it is to have in the end."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    at = tuple((look + 1) / count for look in range(count))
    passes = _passes(at, alpha)
    if count == 1:
        return Looks(at, passes, passes, float(ndtri(1 - alpha) + ndtri(power)), alpha, power)

    def short(drift: float) -> float:
        return passes[-1] - _gives_up(at, passes, drift, 1 - power)[-1]

    fixed = float(ndtri(1 - alpha) + ndtri(power))
    drift = float(brentq(short, fixed, 2 * fixed, xtol=1e-6))
    low = _gives_up(at, passes, drift, 1 - power)
    return Looks(at, passes, (*low[:-1], passes[-1]), drift, alpha, power)


def spent(error: float, at: float) -> float:
    """What may be spent up to a share of the items."""
    return error * math.log(1 + (math.e - 1) * min(1.0, at))


@dataclass(frozen=True, slots=True)
class _Held:
    """The sub-density of the sum, on a grid with weights, of runs that go on."""

    points: Floats
    mass: Floats


def _passes(at: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """Without giving up, which does not bind."""
    from scipy.optimize import brentq

    found: list[float] = []
    held, before, paid = None, 0.0, 0.0
    for share in at:
        step, due = share - before, spent(alpha, share) - paid
        root = math.sqrt(share)
        top = float(brentq(lambda z: _beyond(held, 0.0, step, z * root) - due, 0.0, FAR, xtol=1e-9))  # noqa: B023
        found.append(top)
        held = _between(held, 0.0, step, -FAR * root, top * root)
        before, paid = share, spent(alpha, share)
    return tuple(found)


def _gives_up(at: tuple[float, ...], passes: tuple[float, ...], drift: float, error: float) -> tuple[float, ...]:
    """The last one is where so much error would end: it is to meet the bound for passing."""
    from scipy.optimize import brentq

    found: list[float] = []
    held, before, paid = None, 0.0, 0.0
    for share, high in zip(at, passes, strict=True):
        step, due = share - before, spent(error, share) - paid
        root = math.sqrt(share)
        most = FAR + drift
        if _below(held, drift, step, most * root) <= due:  # not even all that go on are as much
            low = most
        else:
            low = float(brentq(lambda z: _below(held, drift, step, z * root) - due, -FAR, most, xtol=1e-9))  # noqa: B023
        found.append(low)
        held = _between(held, drift, step, min(low, high) * root, high * root)
        before, paid = share, spent(error, share)
    return tuple(found)


def _ends(looks: Looks, drift: float) -> list[float]:
    """The chance that each look is the last."""
    ends: list[float] = []
    held, before = None, 0.0
    for share, high, low in zip(looks.at, looks.passes, looks.gives_up, strict=True):
        step, root = share - before, math.sqrt(share)
        ends.append(_beyond(held, drift, step, high * root) + _below(held, drift, step, low * root))
        held, before = _between(held, drift, step, low * root, high * root), share
    return ends


def _beyond(held: _Held | None, drift: float, step: float, top: float) -> float:
    """The chance that the sum is above `top` after a step."""
    from scipy.special import ndtr

    if held is None:
        return float(ndtr((drift * step - top) / math.sqrt(step)))
    return float(held.mass @ ndtr((held.points + drift * step - top) / math.sqrt(step)))


def _below(held: _Held | None, drift: float, step: float, bottom: float) -> float:
    from scipy.special import ndtr

    if held is None:
        return float(ndtr((bottom - drift * step) / math.sqrt(step)))
    return float(held.mass @ ndtr((bottom - held.points - drift * step) / math.sqrt(step)))


def _between(held: _Held | None, drift: float, step: float, bottom: float, top: float) -> _Held:
    """Those that go on: Simpson's rule."""
    points = np.linspace(bottom, top, POINTS)
    weights = np.ones(POINTS)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    weights *= (top - bottom) / (POINTS - 1) / 3
    moved = points[:, None] - (np.zeros(1) if held is None else held.points)[None, :] - drift * step
    density = np.exp(-0.5 * moved**2 / step) / math.sqrt(2 * math.pi * step)
    return _Held(points, weights * (density @ (np.ones(1) if held is None else held.mass)))
