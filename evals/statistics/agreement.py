"""How well a judge agrees with people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evals.statistics.intervals import Interval

Floats = NDArray[np.float64]
Scale = Literal["nominal", "ordinal", "interval"]
Ratings = Sequence[Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Table:
    """Answers by what people and what the judge called them."""

    true_right: int
    false_wrong: int
    true_wrong: int
    false_right: int

    @property
    def n(self) -> int:
        return self.true_right + self.false_wrong + self.true_wrong + self.false_right


def sensitivity(table: Table, level: float = 0.95) -> Interval:
    """Of right answers, the share that the judge calls right (TPR), with the exact interval of Clopper and Pearson."""
    return share(table.true_right, table.true_right + table.false_wrong, level)


def specificity(table: Table, level: float = 0.95) -> Interval:
    """Of wrong answers, the share that the judge calls wrong (TNR)."""
    return share(table.true_wrong, table.true_wrong + table.false_right, level)


def kappa(table: Table, level: float = 0.95) -> Interval:
    """Cohen's kappa: agreement beyond chance, 1 where all agree and 0 where none is beyond it; with the standard error
    of Fleiss, Cohen and Everitt (Psychological Bulletin 72, 1969). Not known where both call all the same."""
    from scipy.special import ndtri

    n = table.n
    cells = {
        (1, 1): table.true_right / n,
        (1, 0): table.false_wrong / n,
        (0, 1): table.false_right / n,
        (0, 0): table.true_wrong / n,
    }
    people = {one: cells[one, 1] + cells[one, 0] for one in (0, 1)}
    judge = {one: cells[1, one] + cells[0, one] for one in (0, 1)}
    agreed = cells[1, 1] + cells[0, 0]
    chance = people[1] * judge[1] + people[0] * judge[0]
    if chance == 1:
        return Interval(math.nan, -1.0, 1.0, n, n)
    estimate = (agreed - chance) / (1 - chance)
    along = sum(cells[i, i] * (1 - (people[i] + judge[i]) * (1 - estimate)) ** 2 for i in (0, 1))
    across = sum(cells[i, 1 - i] * (judge[i] + people[1 - i]) ** 2 for i in (0, 1))
    variance = along + (1 - estimate) ** 2 * across - (estimate - chance * (1 - estimate)) ** 2
    error = math.sqrt(max(0.0, variance) / n) / (1 - chance)
    reach = float(ndtri((1 + level) / 2)) * error
    return Interval(estimate, max(-1.0, estimate - reach), min(1.0, estimate + reach), n, n)


def alpha(ratings: Ratings, scale: Scale = "nominal") -> float:
    """Krippendorff's alpha of a panel: for each answer what each judge said, None where one said nothing. Ratings are
    names (as 0 and 1), or numbers of which the order counts, or their distance too (Krippendorff, Content Analysis,
    2004, chapter 11). 1 where all agree; 0 where they agree as by chance; nan where nothing can be told."""
    counts, values = _counted(ratings)
    return _alpha(counts, values, scale, np.ones(len(counts)))


def alpha_interval(
    ratings: Ratings, scale: Scale = "nominal", level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Interval:
    """Of alpha, by drawing answers anew with all that was said of them (the percentile bootstrap; Zapf et al., BMC
    Medical Research Methodology 16, 2016). For tens of answers and more, and tens of different ratings at most. `n` are
    the answers that two judges and more spoke of. Where nothing can be told it is all there could be."""
    counts, values = _counted(ratings)
    n = len(counts)
    estimate = _alpha(counts, values, scale, np.ones(n))
    if math.isnan(estimate):
        return Interval(math.nan, -1.0, 1.0, n, n)
    draw = np.random.default_rng(seed)
    drawn = [
        _alpha(counts, values, scale, draw.multinomial(n, np.full(n, 1 / n)).astype(np.float64))
        for _ in range(resamples)
    ]
    low, high = (float(one) for one in np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2]))
    return Interval(estimate, low, high, n, n)


def _counted(ratings: Ratings) -> tuple[Floats, Floats]:
    """How often each value was said of each answer that two judges and more spoke of; and the values, ascending."""
    rated = [[value for value in of if value is not None] for of in ratings]
    rated = [of for of in rated if len(of) > 1]
    values = sorted({float(value) for of in rated for value in of})
    at = {value: place for place, value in enumerate(values)}
    counts = np.zeros((len(rated), len(values)))
    for row, of in enumerate(rated):
        for value in of:
            counts[row, at[float(value)]] += 1
    return counts, np.array(values, dtype=np.float64)


def _alpha(counts: Floats, values: Floats, scale: Scale, weights: Floats) -> float:
    """Each answer counts for its weight."""
    if not len(counts):
        return math.nan
    each = weights / (counts.sum(axis=1) - 1)
    seen = (counts.T * each) @ counts - np.diag(each @ counts)
    totals = weights @ counts
    distances = _distances(values, totals, scale)
    expected = float(totals @ distances @ totals)
    if expected == 0:
        return math.nan
    return 1 - (float(totals.sum()) - 1) * float((seen * distances).sum()) / expected


def _distances(values: Floats, totals: Floats, scale: Scale) -> Floats:
    """Between any two values, squared. In order alone two are as far apart as ratings lie between them, each of both
    counting by half."""
    if scale == "nominal":
        return 1.0 - np.eye(len(values))
    at = values if scale == "interval" else np.cumsum(totals) - totals / 2
    return np.asarray((at[:, None] - at[None, :]) ** 2, dtype=np.float64)


def share(events: int, n: int, level: float = 0.95) -> Interval:
    """With the exact interval of Clopper and Pearson (Biometrika 26, 1934); not known of none."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    if n == 0:
        return Interval(math.nan, 0.0, 1.0, 0, 0)
    low = 0.0 if events == 0 else float(betaincinv(events, n - events + 1, tail))
    high = 1.0 if events == n else float(betaincinv(events + 1, n - events, 1 - tail))
    return Interval(events / n, low, high, n, n)
