from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from evals.statistics import intervals
from evals.statistics.prediction_powered import Labelled, mean

Floats = NDArray[np.float64]


def scores(n: int, draw: np.random.Generator, noise: float = 0.3) -> tuple[Floats, Floats]:
    """What people say, from 0 to 1 and 0.6 on average, and a judge that is too kind by 0.2."""
    people = draw.beta(3, 2, n)
    return people, people + 0.2 + noise * 0.2 * draw.standard_normal(n)


def test_the_formula_by_hand() -> None:
    people, judge, others = [0.0, 1.0, 1.0, 0.0], [0.1, 0.9, 0.7, 0.3], [0.5, 0.9, 0.1, 0.8, 0.6, 0.4, 0.7, 0.2]
    pooled = np.var([*judge, *others])
    weight = min(1.0, np.cov(people, judge)[0, 1] / (1.5 * pooled))
    found = mean(Labelled(people, judge), others)
    assert found.weight == pytest.approx(weight)
    rest = np.array(people) - weight * np.array(judge)
    assert found.estimate == pytest.approx(weight * np.mean(others) + rest.mean())
    error = rest.var(ddof=2) / 4 + weight**2 * np.var(others, ddof=1) / 8
    assert found.error == pytest.approx(math.sqrt(error))


def test_a_good_judge_is_worth_many_labels_and_its_bias_does_not_matter() -> None:
    draw = np.random.default_rng(3)
    people, judge = scores(100, draw)
    found = mean(Labelled(people, judge), scores(5000, draw)[1])
    assert found.estimate == pytest.approx(0.6, abs=0.02)
    assert found.worth > 500
    alone = intervals.mean(people)
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_a_judge_that_knows_nothing_costs_next_to_nothing() -> None:
    draw = np.random.default_rng(4)
    people, _ = scores(100, draw)
    found = mean(Labelled(people, draw.random(100)), draw.random(5000))
    assert abs(found.weight) < 0.2
    assert found.worth == pytest.approx(100, rel=0.1)
    same = mean(Labelled(people, [0.5] * 100), [0.5] * 50)
    assert (same.weight, same.estimate) == (0.0, pytest.approx(people.mean()))


def test_of_two_clusters_nothing_is_known() -> None:
    found = mean(Labelled([0.0, 1.0, 1.0], [0.0, 1.0, 0.0], ["a", "a", "b"]), [0.5, 0.4])
    assert (found.low, found.high) == (-math.inf, math.inf)


@pytest.mark.parametrize(("labels", "noise"), [(20, 0.3), (20, 2.0), (100, 1.0)])
def test_intervals_keep_their_level(labels: int, noise: float) -> None:
    draw, runs, missed = np.random.default_rng(7), 1000, 0
    for _ in range(runs):
        found = mean(Labelled(*scores(labels, draw, noise)), scores(400, draw, noise)[1])
        missed += not found.low <= 0.6 <= found.high
    assert missed / runs <= 0.05 + 2.6 * (0.05 * 0.95 / runs) ** 0.5


def test_and_in_clusters() -> None:
    draw, runs, missed = np.random.default_rng(8), 600, 0
    names, others = [at // 4 for at in range(120)], [at // 4 for at in range(400)]
    for _ in range(runs):
        people, judge = (np.repeat(one, 4) for one in scores(30, draw, 1.0))
        found = mean(Labelled(people, judge, names), np.repeat(scores(100, draw, 1.0)[1], 4), others)
        missed += not found.low <= 0.6 <= found.high
    assert missed / runs <= 0.05 + 2.6 * (0.05 * 0.95 / runs) ** 0.5
