from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.agreement import Table, alpha, alpha_interval, kappa, sensitivity, specificity


def test_a_published_kappa() -> None:
    """20 agree on yes, 15 on no, 5 and 10 not: the example of Cohen's kappa in most textbooks."""
    found = kappa(Table(true_right=20, false_wrong=5, true_wrong=15, false_right=10))
    assert found.estimate == pytest.approx(0.4)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * 0.1272, abs=2e-3)


def test_exact_intervals() -> None:
    table = Table(true_right=9, false_wrong=1, true_wrong=30, false_right=0)
    assert sensitivity(table).estimate == 0.9
    assert (sensitivity(table).low, sensitivity(table).high) == pytest.approx((0.5550, 0.9975), abs=1e-4)
    assert (specificity(table).low, specificity(table).high) == pytest.approx((0.025 ** (1 / 30), 1.0))


def test_what_was_not_seen_is_not_known() -> None:
    assert math.isnan(sensitivity(Table(0, 0, 5, 5)).estimate)
    assert math.isnan(kappa(Table(7, 0, 0, 0)).estimate)


@given(st.integers(1, 50), st.integers(0, 50), st.integers(1, 50), st.integers(0, 50))
def test_kappa_lies_where_it_can(right: int, missed: int, wrong: int, false: int) -> None:
    found = kappa(Table(right, missed, wrong, false))
    assert -1 <= found.low <= found.estimate <= found.high <= 1
    assert (found.estimate == pytest.approx(1)) == (missed == false == 0)


def test_kappa_keeps_its_level() -> None:
    draw = np.random.default_rng(6)
    cells = np.array([0.45, 0.1, 0.35, 0.1])
    truth = kappa(Table(45000, 10000, 35000, 10000)).estimate
    missed = 0
    for _ in range(1000):
        right, lost, wrong, false = (int(one) for one in draw.multinomial(400, cells))
        found = kappa(Table(right, lost, wrong, false))
        missed += not found.low <= truth <= found.high
    assert missed / 1000 <= 0.05 + 2.6 * (0.05 * 0.95 / 1000) ** 0.5


def test_a_published_alpha() -> None:
    """Two observers, ten articles: Krippendorff, Computing Krippendorff's alpha-reliability (2011), section A."""
    meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert alpha(list(zip(meg, owen, strict=True))) == pytest.approx(0.095, abs=5e-4)


def test_an_alpha_with_gaps_and_of_numbers() -> None:
    """Four observers, twelve units, with values missing: the same paper, section C; .743, .815 and .849."""
    nothing = None
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nothing, nothing, nothing],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nothing, 3],
        [nothing, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nothing],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nothing],
    ]
    units = list(zip(*rows, strict=True))
    assert alpha(units) == pytest.approx(0.743, abs=5e-4)
    assert alpha(units, "ordinal") == pytest.approx(0.815, abs=5e-4)
    assert alpha(units, "interval") == pytest.approx(0.849, abs=5e-4)
    assert math.isnan(alpha([(1, 1), (1, 1)]))
    assert math.isnan(alpha([(1, None)]))
    assert math.isnan(alpha_interval([]).estimate)


def panel(answers: int, draw: np.random.Generator) -> list[tuple[float, ...]]:
    """Three judges, each of whom says of one answer in ten something by chance."""
    right = draw.random(answers) < 0.6
    said = np.where(draw.random((3, answers)) < 0.1, draw.random((3, answers)) < 0.6, right)
    return [tuple(float(one) for one in of) for of in said.T]


def test_an_interval_of_alpha_keeps_its_level() -> None:
    draw, runs, missed = np.random.default_rng(5), 200, 0
    truth = alpha(panel(200_000, draw))
    for _ in range(runs):
        found = alpha_interval(panel(80, draw), resamples=200)
        missed += not found.low <= truth <= found.high
    assert missed / runs <= 0.07 + 2.6 * (0.07 * 0.93 / runs) ** 0.5


def test_order_counts_where_it_is_said_to() -> None:
    near = [(1, 2), (2, 3), (5, 4), (3, 3), (4, 4), (1, 1)] * 5
    assert alpha(near, "nominal") < alpha(near, "ordinal") < 1
    assert alpha_interval(near, "ordinal") == alpha_interval(near, "ordinal")
