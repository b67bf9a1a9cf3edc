"""Two groups: intervals cover, the test keeps its level, and neither is fooled by what is small."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from evals.statistics import bounds, groups

ALPHA = 0.025


def test_an_interval_of_a_difference_is_that_of_newcombe_where_the_means_have_his() -> None:
    """56 of 70 and 48 of 80: 0.2, from 0.0524 to 0.3339 (Newcombe 1998, method 10)."""
    one = bounds.Bounds(56 / 70, 0.69171, 0.87693, 0.0, 1.0, 70, 70, ALPHA)
    other = bounds.Bounds(48 / 80, 0.49039, 0.70028, 0.0, 1.0, 80, 80, ALPHA)
    found = groups.difference(one, other)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=2e-4)


def test_the_difference_the_other_way_is_its_mirror() -> None:
    one, other = (bounds.mean(values, range(5), ALPHA) for values in ([1, 0, 1, 1, 0], [0.5, 0.1, 0.9, 0.4, 0]))
    there, back = groups.difference(one, other), groups.difference(other, one)
    assert (there.estimate, there.low, there.high) == pytest.approx((-back.estimate, -back.high, -back.low))


def test_of_a_group_in_one_cluster_nothing_is_known() -> None:
    found = groups.difference(bounds.mean([1, 0, 1], [1, 1, 1], ALPHA), bounds.mean([1, 0], [1, 2], ALPHA))
    assert (found.low, found.high) == (-math.inf, math.inf)


@pytest.mark.parametrize(("size", "rest"), [(12, 200), (40, 40)])
def test_intervals_cover_a_difference_of_rates(size: int, rest: int) -> None:
    random, missed = np.random.default_rng(1), 0
    for _ in range(600):
        one = bounds.mean(random.random(size) < 0.9, range(size), ALPHA)
        other = bounds.mean(random.random(rest) < 0.8, range(rest), ALPHA)
        found = groups.difference(one, other)
        missed += not found.low <= 0.1 <= found.high
    assert missed / 600 <= 2 * ALPHA + 0.015


@pytest.mark.parametrize("clustered", [False, True])
def test_the_test_keeps_its_level(clustered: bool) -> None:
    """Where a slice is like the rest it is called worse no more often than it may be."""
    random, called = np.random.default_rng(2), 0
    for run in range(200):
        if clustered:
            rates = random.choice([0.5, 1.0], 30)
            clusters = np.repeat(np.arange(30), 4)
            values = random.random(120) < rates[clusters]
        else:
            clusters, values = np.arange(120), random.random(120) < 0.8
        inside = clusters < (6 if clustered else 15)
        called += groups.p_worse(values.astype(float), inside, clusters.tolist(), seed=run) <= 0.05
    assert called / 200 <= 0.05 + 0.03


def test_a_slice_that_is_all_wrong_is_found_by_few_clusters() -> None:
    values = np.r_[np.zeros(6), np.tile([1, 1, 1, 1, 0], 12)]
    assert groups.p_worse(values, np.arange(66) < 6, range(66)) < 0.002


def test_two_of_two_wrong_are_little() -> None:
    values = np.r_[np.zeros(2), np.tile([1, 1, 1, 1, 0], 12)]
    assert groups.p_worse(values, np.arange(62) < 2, range(62)) > 0.02


def test_a_p_value_is_near_the_exact_one() -> None:
    values = np.array([0.1, 0.4, 0.3, 0.9, 0.8, 0.7, 0.6, 1.0])
    leads = [
        values[[at for at in range(8) if at not in chosen]].mean() - values[list(chosen)].mean()
        for chosen in combinations(range(8), 3)
    ]
    exact = np.mean(np.array(leads) >= leads[0] - 1e-12)
    assert groups.p_worse(values, np.arange(8) < 3, range(8)) == pytest.approx(exact, abs=0.005)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.floats(0, 1)), min_size=1, max_size=30))
@settings(deadline=None, max_examples=40)
def test_a_p_value_is_one(items: list[tuple[int, bool, float]]) -> None:
    clusters, inside, values = zip(*items, strict=True)
    p = groups.p_worse(values, inside, clusters)
    assert 0 < p <= 1
    if len(set(inside)) == 1 or len(set(values)) == 1:
        assert p == 1


def test_of_right_and_wrong_it_is_fisher_s_exact_test() -> None:
    """Where few kinds of items are, so many of each are drawn; where no two are alike, the items."""
    random = np.random.default_rng(7)
    values, inside = (random.random(200) < 0.8).astype(float), np.arange(200) < 20
    values[:5] = 0
    exact = hypergeom.sf((values[:20] == 0).sum() - 1, 200, (values == 0).sum(), 20)
    assert exact == pytest.approx(0.025, abs=0.001)
    for held in (values, values + 1e-13 * random.random(200)):
        found = np.mean([groups.p_worse(held, inside, range(200), seed=seed) for seed in range(10)])
        assert found == pytest.approx(exact, rel=0.12)
