"""Bounds of a mean, by how often they are wrong: on what is rare, skewed and clustered."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gate import ALPHA, MARGIN, Pairs, at_floor, passed, sized, student
from evals.statistics.bounds import Bounds, mean

RUNS = 1000
MOST = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / RUNS)

values = st.lists(st.sampled_from([-1.0, -0.25, 0.0, 0.5, 1.0]), min_size=4, max_size=60)


def alone(found: list[float], alpha: float = ALPHA) -> Bounds:
    return mean(found, range(len(found)), alpha)


@pytest.mark.parametrize(
    "pairs",
    [
        Pairs(60, worse=MARGIN, better=0.0),
        Pairs(100, worse=MARGIN, better=0.0),
        Pairs(200, worse=MARGIN + 0.05, better=0.05),
        Pairs(100, worse=MARGIN, better=0.0, size=5, alike=0.3),
        Pairs(200, worse=MARGIN + 0.05, better=0.05, size=5, alike=0.3),
    ],
    ids=str,
)
def test_worse_by_just_the_margin_seldom_passes(pairs: Pairs) -> None:
    assert passed(pairs, RUNS, np.random.default_rng(7)) <= MOST


def test_student_s_t_alone_would_pass_what_is_rarely_but_only_worse() -> None:
    """What the reweighting is for."""
    pairs = Pairs(60, worse=MARGIN, better=0.0)
    assert passed(pairs, RUNS, np.random.default_rng(7), low=student) > 2 * MOST


@pytest.mark.parametrize(("items", "rate"), [(30, 0.8), (30, 0.9), (60, 0.95), (200, 0.99)])
def test_a_rate_just_at_its_floor_seldom_passes(items: int, rate: float) -> None:
    assert at_floor(items, rate, RUNS, np.random.default_rng(11)) <= MOST


@pytest.mark.parametrize(("better", "items"), [(0.05, 248), (0.1, 495)])
def test_as_many_items_as_are_said_to_be_needed_are_enough(better: float, items: int) -> None:
    """As published for one-sided 5 % and a power of 80 %: n = (1.645 + 0.842)^2 times the discordant share over the
    margin squared."""
    pairs = Pairs(items, worse=better, better=better)
    assert passed(pairs, RUNS, np.random.default_rng(8)) >= 0.8 - 3 * math.sqrt(0.8 * 0.2 / RUNS)
    told = [alone(list(run)) for run in pairs.runs(50, np.random.default_rng(9))]
    assert np.median([bounds.needed(-MARGIN, planned=0.0) for bounds in told]) == pytest.approx(items, rel=0.1)
    assert np.median([bounds.detectable for bounds in told]) == pytest.approx(MARGIN, rel=0.05)


@pytest.mark.parametrize("pairs", [Pairs(50, 0.05, 0.05), Pairs(40, 0.05, 0.05, size=5, alike=0.3)], ids=str)
def test_a_run_of_as_many_items_as_one_that_was_too_small_asks_for_passes(pairs: Pairs) -> None:
    found = sized(pairs, 300, np.random.default_rng(10))
    assert len(found.asked) > 60
    assert found.shown >= 0.8 - 3 * math.sqrt(0.8 * 0.2 / len(found.asked))


@given(found=values)
def test_the_mean_is_between_its_bounds_and_turning_turns_them(found: list[float]) -> None:
    bounds, other = alone(found), alone([-value for value in found])
    assert bounds.low < bounds.estimate < bounds.high
    assert bounds.turned().low == pytest.approx(other.low, abs=1e-6)
    assert bounds.turned().high == pytest.approx(other.high, abs=1e-6)


@given(found=values, scale=st.floats(1e-3, 1e3))
def test_bounds_are_in_the_units_of_what_varies(found: list[float], scale: float) -> None:
    if max(found) == min(found):
        found = [*found, -found[0] - 1]
    bounds, scaled = alone(found), alone([value * scale for value in found])
    assert scaled.low == pytest.approx(bounds.low * scale, abs=1e-6 * scale)
    assert scaled.detectable == pytest.approx(bounds.detectable * scale)


@pytest.mark.parametrize("values_alike", [[1.0] * 30, [0.1] * 30])
def test_what_is_all_alike_may_still_be_otherwise(values_alike: list[float]) -> None:
    """Hanley and Lippman-Hand (1983): none in 30 still allows for one in ten."""
    bounds = alone(values_alike)
    assert bounds.estimate - bounds.low == pytest.approx(0.095, abs=0.001)
    assert bounds.error == 0.0


def test_a_rare_harm_has_about_the_exact_bound() -> None:
    """Clopper and Pearson: 1 in 200 allows for 2.35 %, 3 in 200 for 3.83 %."""
    for events, exact in ((1, 0.0235), (3, 0.0383)):
        bounds = alone([-1.0] * events + [0.0] * (200 - events))
        assert -bounds.low == pytest.approx(exact, rel=0.1)


def test_one_cluster_tells_nothing() -> None:
    bounds = mean([1.0, 0.0, 1.0], ["talk"] * 3, ALPHA)
    assert (bounds.low, bounds.high) == (-math.inf, math.inf)
