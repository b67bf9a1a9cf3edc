from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import bootstrap, permutation_test

from evals.statistics.scores import bca, flipped

DARWIN = [6.125, -8.375, 1.0, 2.0, 0.75, 2.875, 3.5, 5.125, 1.75, 3.625, 7.0, 3.0, 9.375, 7.5, -6.0]
"""Cross- less self-fertilised plants of fifteen pots, in inches, as Darwin measured and Fisher judged them."""


def test_fisher_s_p_value_of_darwin_s_plants() -> None:
    """Of 32,768 ways 1,726 are as far off: 5.267 %, in The Design of Experiments, section 21; drawn, as there are
    fifteen."""
    found = flipped(DARWIN, draws=99_999)
    assert not found.exact
    assert found.p_either == pytest.approx(0.05267, abs=0.003)
    assert found.p_above == pytest.approx(found.p_either / 2, abs=0.002)


def test_a_few_are_all_tried() -> None:
    values = DARWIN[:9]
    expected = permutation_test(
        (values,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="greater"
    )
    found = flipped(values)
    assert found.exact
    assert found.p_above == pytest.approx(float(expected.pvalue))


def test_a_cluster_has_one_sign() -> None:
    values, names = [1.0, 1.0, 1.0, 2.0, 2.0, -0.5], ["a", "a", "a", "b", "b", "c"]
    found = flipped(values, names)
    assert (found.p_above, found.clusters) == (pytest.approx(2 / 8), 3)
    assert flipped([3.0, 4.0, -0.5]) == found


def test_the_interval_is_scipy_s() -> None:
    draw = np.random.default_rng(1)
    values = draw.exponential(size=80) - 0.7
    expected = bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=draw).confidence_interval
    found = bca(values, resamples=20_000)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_what_nothing_is_known_of() -> None:
    assert (bca([1.0, 2.0], ["a", "a"]).low, bca([1.0, 2.0], ["a", "a"]).high) == (-math.inf, math.inf)
    assert (bca([0.3] * 20).low, bca([0.3] * 20).high) == (pytest.approx(0.3), pytest.approx(0.3))
    assert flipped([0.0] * 20).p_above == 1.0


def test_the_same_seed_is_the_same_interval() -> None:
    assert bca(DARWIN) == bca(DARWIN)
    assert bca(DARWIN, seed=1) != bca(DARWIN)


def test_both_keep_their_level_for_skewed_scores_in_clusters() -> None:
    """40 clusters of 3 that are much alike. The interval may be a little too narrow, as bootstraps are; the test of
    signs holds for what is symmetric about 0."""
    draw, runs = np.random.default_rng(2), 400
    names = [at // 3 for at in range(120)]
    missed = over = 0
    for _ in range(runs):
        skewed = np.repeat(draw.exponential(size=40), 3) + 0.3 * draw.standard_normal(120)
        found = bca(skewed, names, resamples=600)
        missed += not found.low <= 1 <= found.high
        even = np.repeat(draw.laplace(size=40), 3) + 0.3 * draw.standard_normal(120)
        over += flipped(even, names, draws=199).p_above <= 0.05
    assert missed / runs <= 0.08 + 2.6 * (0.08 * 0.92 / runs) ** 0.5
    assert over / runs <= 0.05 + 2.6 * (0.05 * 0.95 / runs) ** 0.5
