"""Cross-validation: the corrected interval is wrong no more often than stated, where a plain one is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evals.statistics import folds, intervals


def test_the_variance_is_that_of_nadeau_and_bengio() -> None:
    found = folds.mean([0.8, 0.9, 0.7, 0.8, 0.9], 0.2, 0.025)
    spread = math.sqrt(0.007)
    reach = 2.7764451 * spread * math.sqrt(1 / 5 + 0.25)
    assert (found.estimate, found.spread) == pytest.approx((0.82, spread))
    assert (found.low, found.high) == pytest.approx((0.82 - reach, 0.82 + reach))


def test_without_a_share_folds_are_equal_parts() -> None:
    values = [0.8, 0.9, 0.7, 0.85]
    assert folds.mean(values) == folds.mean(values, 0.25)


def test_a_smaller_part_held_out_is_corrected_for_less() -> None:
    values = [0.8, 0.9, 0.7, 0.85]
    assert folds.mean(values, 0.1).high < folds.mean(values, 0.3).high


def test_repeated_splits_do_not_make_chance_real() -> None:
    """Two that are alike, on 15 random fifths of the same 60 items: a plain interval excludes no difference far too
    often, as its fifteen values are not fifteen."""
    random, plain, corrected = np.random.default_rng(3), 0, 0
    for _ in range(400):
        items = random.standard_normal((60, 2))  # by how much each errs on each item
        differences = []
        for _ in range(15):
            held_out = random.permutation(60)[:12]
            differences.append(float((items[held_out, 0] - items[held_out, 1]).mean()))
        simple, wide = intervals.mean(differences), folds.mean(differences, 0.2)
        plain += not simple.low <= 0 <= simple.high
        corrected += not wide.low <= 0 <= wide.high
    assert corrected / 400 <= 0.075
    assert plain / 400 > 0.2
