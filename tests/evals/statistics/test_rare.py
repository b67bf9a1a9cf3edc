from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evals.statistics.rare import bounded, planned, proving


def test_none_in_thirty_says_less_than_one_in_ten() -> None:
    found = bounded([False] * 30)
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 30))
    assert found.high == pytest.approx(3 / 30, rel=0.06)
    assert (found.estimate, found.events, found.n) == (0.0, 0, 30)


def test_published_numbers_of_items() -> None:
    """Zero failures at 95 %: 59 units show 5 %, 299 show 1 % (success-run theorem, as in any table of it); one failure
    takes 93 and 473, two take 124."""
    assert [proving(0.05), proving(0.01), proving(0.05, allowed=1), proving(0.01, allowed=1)] == [59, 299, 93, 473]
    assert proving(0.05, allowed=2) == 124


@given(st.integers(0, 40), st.integers(1, 300), st.sampled_from([0.01, 0.025, 0.05, 0.1]))
def test_bounds_are_scipy_s(events: int, more: int, alpha: float) -> None:
    found = bounded([True] * events + [False] * more, alpha=alpha)
    exact = binomtest(events, events + more, alternative="less").proportion_ci(1 - alpha, "exact")
    assert found.high == pytest.approx(exact.high, abs=1e-9)


def test_a_cluster_counts_once() -> None:
    found = bounded([True, True, False, False, False, False], ["a", "a", "a", "b", "c", "c"])
    assert (found.events, found.n) == (1, 3)


@given(st.floats(0.001, 0.5), st.integers(0, 20))
def test_one_unit_less_proves_less(ceiling: float, allowed: int) -> None:
    n = proving(ceiling, allowed=allowed)
    assert bounded([True] * allowed + [False] * (n - allowed)).high <= ceiling + 1e-9
    if n - 1 > allowed:
        assert bounded([True] * allowed + [False] * (n - 1 - allowed)).high > ceiling - 1e-9


def test_a_planned_run_proves_its_ceiling_as_often_as_was_said() -> None:
    found = planned(0.05, 0.01)
    draw, runs = np.random.default_rng(4), 20_000
    proved = np.mean(draw.binomial(found.n, 0.01, runs) <= found.allowed)
    assert (found.n, found.allowed) == (124, 2)
    assert found.power >= 0.8
    assert proved == pytest.approx(found.power, abs=0.01)
    assert planned(0.05, 0.0).n == 59


def test_at_the_ceiling_it_is_proved_no_more_often_than_the_error_even_in_clusters() -> None:
    draw, runs, wrong = np.random.default_rng(5), 2000, 0
    names = [at // 4 for at in range(480)]
    for _ in range(runs):
        bad = draw.random(120) < 0.05
        failed = np.repeat(bad, 4) & (np.arange(480) % 4 == draw.integers(4))
        wrong += bounded(failed.tolist(), names).high < 0.05
    assert wrong / runs <= 0.05 + 2.6 * (0.05 * 0.95 / runs) ** 0.5


def test_what_no_run_proves() -> None:
    with pytest.raises(ValueError, match="above it"):
        planned(0.01, 0.01)
    with pytest.raises(ValueError, match="between"):
        proving(1.0)
