"""Intervals: against published values, and by how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evals.statistics.intervals import Interval, at_most, counted, mean, proportion, ratio

STREAMS = 1500


def covers(found: Interval, truth: float) -> bool:
    return found.low <= truth <= found.high


def test_wilson_s_interval_as_published() -> None:
    """Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20; with the normal quantile, which t comes near to."""
    for events, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)):
        found = proportion([1] * events + [0] * (n - events))
        assert (found.low, found.high) == (pytest.approx(low, abs=0.001), pytest.approx(high, abs=0.001))


def test_a_rate_that_was_never_seen_is_not_known_to_be_zero() -> None:
    found = proportion([0] * 20)
    assert found.low == 0
    assert 0.15 < found.high < 0.2
    for n in (7, 60, 400):
        assert (proportion([0] * n).low, proportion([1] * n).high) == (0.0, 1.0)


def test_the_exact_bound_as_published() -> None:
    """Hanley and Lippman-Hand (1983): none in n, about 3/n."""
    assert at_most(0, 30) == pytest.approx(0.0950, abs=0.0001)
    assert at_most(0, 1000) == pytest.approx(3 / 1000, abs=0.0001)
    assert at_most(30, 30) == 1.0


def test_one_cluster_tells_nothing_of_the_error() -> None:
    assert mean([1, 2, 3], ["a"] * 3) == Interval(2.0, -math.inf, math.inf, 3, 1, 1)
    assert proportion([1, 0], ["a", "a"]) == Interval(0.5, 0.0, 1.0, 2, 1, 1)


def test_a_proportion_holds_the_truth_where_ten_samples_are_asked_three_times() -> None:
    random = np.random.default_rng(1)
    found = [proportion((random.random((10, 3)) < 0.95).mean(axis=1)) for _ in range(400)]
    assert sum(one.low <= 0.95 <= one.high for one in found) >= 0.95 * 400


def test_clusters_of_one_size_count_as_they_are() -> None:
    values = np.random.default_rng(1).normal(size=60)
    assert counted(values, [at // 3 for at in range(60)]) == 20
    assert counted(values, None) == counted(values, range(60)) == 60


def test_a_few_large_clusters_whose_values_are_alike_count_as_few() -> None:
    sizes = [1] * 28 + [60, 60]
    clusters = [at for at, size in enumerate(sizes) for _ in range(size)]
    alike = np.repeat([at % 2 for at in range(30)], sizes)
    assert counted(alike.astype(float), clusters) == pytest.approx(148**2 / (28 + 2 * 3600), rel=0.05)
    apart = np.random.default_rng(1).normal(size=148)
    assert counted(apart, clusters) > 20


@pytest.mark.parametrize("right", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("large", [2, 4, 8])
def test_a_proportion_holds_the_truth_where_large_clusters_are_alike(right: float, large: int) -> None:
    random = np.random.default_rng(1)
    sizes = [1] * 28 + [60] * large
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    found = [proportion(np.repeat(random.random(len(sizes)) < right, sizes), clusters) for _ in range(400)]
    assert sum(one.low <= right <= one.high for one in found) >= 0.93 * 400


def test_without_clusters_each_value_is_one() -> None:
    values = np.random.default_rng(1).normal(size=50)
    assert mean(values) == mean(values, range(50))


@pytest.mark.parametrize("kind", [mean, proportion])
def test_clustered_values_are_covered_as_often_as_said(kind: object) -> None:
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(STREAMS):
        rates = np.repeat(rng.beta(2, 6, size=40), 8)
        found = kind((rng.random(320) < rates).astype(float), np.repeat(np.arange(40), 8).tolist())  # type: ignore[operator]
        held += covers(found, 0.25)
    assert held / STREAMS > 0.95 - 3 * math.sqrt(0.95 * 0.05 / STREAMS)


def test_ignoring_clusters_would_cover_too_seldom() -> None:
    """What the clusters are for."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(STREAMS):
        rates = np.repeat(rng.beta(1, 3, size=40), 8)
        held += covers(mean((rng.random(320) < rates).astype(float)), 0.25)
    assert held / STREAMS < 0.85


def test_a_ratio_is_covered_as_often_as_said() -> None:
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(STREAMS):
        below = rng.gamma(4, 1, size=200)
        above = 0.5 * below + rng.normal(0, 1, size=200)
        held += covers(ratio(above, below), 0.5)
    assert held / STREAMS > 0.95 - 3 * math.sqrt(0.95 * 0.05 / STREAMS)


def test_a_ratio_to_nothing_is_refused() -> None:
    with pytest.raises(ZeroDivisionError):
        ratio([1.0, 2.0], [0.0, 0.0])
