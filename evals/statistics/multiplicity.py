"""Several tests at once.

A gate needs none of this: all its requirements must be shown, so each may have the whole error (intersection-union;
Berger, Technometrics 24, 1982). What is looked at to find something, as slices are, does.
"""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted so that the chance of any false claim is at most the error, however the tests depend (Holm, Scandinavian
    Journal of Statistics 6, 1979)."""
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for rank, place in enumerate(_ascending(p_values)):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = worst
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted so that of the claims made the expected share of false ones is at most the error, for tests that are
    independent or depend positively (Benjamini and Hochberg, JRSS B 57, 1995), as slices do where they overlap."""
    return _stepped_up(p_values, 1.0)


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """The same, however the tests depend (Benjamini and Yekutieli, Annals of Statistics 29, 2001). It costs a factor of
    about the logarithm of their number."""
    return _stepped_up(p_values, sum(1 / rank for rank in range(1, len(p_values) + 1)))


def _stepped_up(p_values: Sequence[float], factor: float) -> list[float]:
    count = len(p_values)
    adjusted = [0.0] * count
    least = 1.0
    for rank, place in reversed(list(enumerate(_ascending(p_values), 1))):
        least = min(least, factor * p_values[place] * count / rank)
        adjusted[place] = least
    return adjusted


def _ascending(p_values: Sequence[float]) -> list[int]:
    return sorted(range(len(p_values)), key=lambda place: p_values[place])
