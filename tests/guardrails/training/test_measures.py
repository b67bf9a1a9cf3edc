"""Figures, held against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.training.measures import auroc, calibration_error, share_above, threshold_at

scores = st.lists(st.integers(0, 20).map(lambda at: at / 20), min_size=1, max_size=60).map(np.array)


@given(scores, scores)
def test_auroc_is_the_chance_that_a_positive_scores_higher(positives: np.ndarray, negatives: np.ndarray) -> None:
    wins = sum((p > n) + (p == n) / 2 for p in positives for n in negatives)
    assert auroc(positives, negatives) == pytest.approx(wins / len(positives) / len(negatives))


@given(scores, st.floats(0, 1))
def test_a_threshold_keeps_its_rate_and_is_the_lowest_that_does(negatives: np.ndarray, rate: float) -> None:
    bar = threshold_at(negatives, rate)
    assert share_above(negatives, bar) <= rate + 1e-9
    lower = negatives[negatives < bar]
    if len(lower):
        assert share_above(negatives, lower.max()) > rate


def test_what_comes_true_as_often_as_was_said_has_no_calibration_error() -> None:
    said = np.repeat([0.1, 0.9], 10)
    true = np.array([1] + [0] * 9 + [1] * 9 + [0])
    assert calibration_error(said, true, np.ones(20)) == pytest.approx(0)
    assert calibration_error(1 - said, true, np.ones(20)) == pytest.approx(0.8)


def test_weights_are_parts_of_the_whole() -> None:
    said, true = np.array([0.9, 0.1]), np.array([0.0, 0.0])
    assert calibration_error(said, true, np.array([0.0, 1.0])) == pytest.approx(0.1)
    assert calibration_error(said, true, np.array([1.0, 0.0])) == pytest.approx(0.9)
