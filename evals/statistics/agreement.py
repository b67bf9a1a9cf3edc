"""How well a judge agrees with people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evals.statistics.intervals import Interval


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
    return _exact(table.true_right, table.true_right + table.false_wrong, level)


def specificity(table: Table, level: float = 0.95) -> Interval:
    """Of wrong answers, the share that the judge calls wrong (TNR)."""
    return _exact(table.true_wrong, table.true_wrong + table.false_right, level)


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


def alpha(ratings: Sequence[Sequence[float | None]], *, ordered: bool = False) -> float:
    """Krippendorff's alpha of a panel: for each answer what each judge said, None where one said nothing. Ratings are
    names (0 and 1), or with `ordered` numbers whose distance counts (Krippendorff, Content Analysis, 2004, chapter 11).
    1 where all agree; 0 where they agree as by chance; nan where nothing can be told."""
    rated = [[value for value in of if value is not None] for of in ratings]
    rated = [of for of in rated if len(of) > 1]
    values = [value for of in rated for value in of]
    if len(set(values)) < 2:
        return math.nan

    def distance(one: float, other: float) -> float:
        return (one - other) ** 2 if ordered else float(one != other)

    seen = sum(sum(distance(one, other) for one in of for other in of) / (len(of) - 1) for of in rated)
    counts = {value: values.count(value) for value in set(values)}
    expected = sum(
        of_one * of_other * distance(one, other) for one, of_one in counts.items() for other, of_other in counts.items()
    )
    return 1 - (len(values) - 1) * seen / expected


def _exact(events: int, n: int, level: float) -> Interval:
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    if n == 0:
        return Interval(math.nan, 0.0, 1.0, 0, 0)
    low = 0.0 if events == 0 else float(betaincinv(events, n - events + 1, tail))
    high = 1.0 if events == n else float(betaincinv(events + 1, n - events, 1 - tail))
    return Interval(events / n, low, high, n, n)
