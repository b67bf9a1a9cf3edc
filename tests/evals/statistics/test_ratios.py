"""Ratios of means: bounds agree with the test that they are of, and cover."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evals.statistics import bounds, ratios


def test_a_ratio_is_within_its_bounds_where_the_difference_is_not_told_from_none() -> None:
    random = np.random.default_rng(1)
    top, bottom = random.exponential(3, 80), (random.random(80) < 0.8).astype(float)
    found = ratios.ratio(top, bottom, range(80), 0.025)
    assert found.estimate == pytest.approx(top.sum() / bottom.sum())
    for at in np.linspace(found.estimate * 0.6, found.estimate * 1.5, 40):
        linear = bounds.mean(top - at * bottom, range(80), 0.025)
        assert (linear.low <= 0 <= linear.high) == (found.low <= at <= found.high)


def test_bounds_cover() -> None:
    random, missed = np.random.default_rng(2), 0
    for _ in range(200):
        right = (random.random(60) < 0.7).astype(float)
        found = ratios.ratio(random.exponential(2, 60), right, range(60), 0.025)
        missed += not found.low <= 2 / 0.7 <= found.high
    assert missed / 200 <= 0.085


def test_what_it_is_of_scales_with_both() -> None:
    top, bottom = np.array([1.0, 4, 2, 3, 5, 1]), np.array([1.0, 1, 0, 1, 1, 1])
    found, scaled = (ratios.ratio(top * by, bottom, range(6), 0.025) for by in (1, 1e-6))
    assert (scaled.estimate, scaled.low, scaled.high) == pytest.approx(
        (found.estimate * 1e-6, found.low * 1e-6, found.high * 1e-6), rel=1e-3
    )


def test_where_the_lower_sum_may_be_none_a_ratio_may_be_anything() -> None:
    bottom = np.r_[1.0, np.zeros(9)]
    assert ratios.ratio(np.ones(10), bottom, range(10), 0.025).high == math.inf


def test_of_one_cluster_nothing_is_known() -> None:
    found = ratios.ratio([1.0, 2, 3], [1.0, 1, 1], [0, 0, 0], 0.025)
    assert (found.estimate, found.low, found.high) == (2, -math.inf, math.inf)


def test_what_is_exactly_so_is_no_narrower_than_what_was_not_seen() -> None:
    found = ratios.ratio(np.full(40, 2.0), np.ones(40), range(40), 0.025)
    assert found.low < 2 < found.high


def test_without_a_lower_sum_there_is_none() -> None:
    with pytest.raises(ZeroDivisionError):
        ratios.ratio([1.0, 2], [0.0, 0], [0, 1], 0.025)
