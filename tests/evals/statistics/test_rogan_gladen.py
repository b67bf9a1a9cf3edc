from __future__ import annotations

import numpy as np
import pytest

from evals.statistics import bounds
from evals.statistics.rogan_gladen import Quality, difference, rate


def test_a_rate_is_turned_back_into_what_the_judge_made_of_it() -> None:
    """Of 1000 answers 60 % right, judged with sensitivity .9 and specificity .8, known as well as can be."""
    quality = Quality(900_000, 1_000_000, 800_000, 1_000_000)
    found = [1.0] * 620 + [0.0] * 380  # .6 x .9 + .4 x .2
    corrected = rate(bounds.mean(found, range(1000), 0.05), quality)
    assert corrected.estimate == pytest.approx(0.6, abs=1e-3)
    plain = bounds.mean(found, range(1000), 0.05)
    assert corrected.high - corrected.low == pytest.approx((plain.high - plain.low) / 0.7, rel=1e-2)


def test_a_difference_is_divided_by_what_the_judge_knows() -> None:
    found = bounds.mean([1.0, 0.0, 0.0, 0.0, -1.0, 1.0, 0.0] * 20, range(140), 0.05)
    corrected = difference(found, Quality(90, 100, 80, 100))
    assert corrected.estimate == pytest.approx(found.estimate / ((91 + 81) / 102 - 1))
    assert corrected.low < found.low / 0.7


def test_a_judge_that_knows_nothing_corrects_nothing() -> None:
    with pytest.raises(ValueError, match="chance"):
        difference(bounds.mean([0.0, 1.0], range(2), 0.05), Quality(50, 100, 50, 100))


def test_an_interval_holds_the_truth_though_judge_and_calibration_err() -> None:
    """One-sided at 5 %: the true rate is below the lower bound in no more than 5 % of runs, within the simulation's
    error. Uncorrected bounds miss it nearly always."""
    draw = np.random.default_rng(8)
    truth, sensitivity, specificity, labelled, n, runs = 0.8, 0.9, 0.85, 100, 400, 500
    missed = plain = 0
    for _ in range(runs):
        right = draw.random(n) < truth
        said = np.where(right, draw.random(n) < sensitivity, draw.random(n) > specificity).astype(float)
        quality = Quality(
            int(draw.binomial(labelled, sensitivity)), labelled, int(draw.binomial(labelled, specificity)), labelled
        )
        found = bounds.mean(said, range(n), 0.05)
        missed += rate(found, quality).low > truth
        plain += found.high < truth
    assert missed / runs <= 0.05 + 2.6 * (0.05 * 0.95 / runs) ** 0.5
    assert plain / runs > 0.5


@pytest.mark.parametrize(("sensitivity", "specificity", "labelled"), [(0.9, 0.85, 100), (0.95, 0.7, 40)])
def test_bounds_of_a_difference_hold_the_truth_on_both_sides(
    sensitivity: float, specificity: float, labelled: int
) -> None:
    """The candidate alone is wrong on a tenth of items, the live release alone on a twentieth, and the judge errs on
    each answer by itself."""
    draw = np.random.default_rng(9)
    truth, n, runs = -0.05, 400, 500
    above = below = 0
    for _ in range(runs):
        at = draw.random(n)
        right = draw.random(n) < 0.8
        new, old = (right | (at < 0.05)) & (at < 0.9), (right | (at >= 0.9)) & (at >= 0.05)
        said = [
            np.where(one, draw.random(n) < sensitivity, draw.random(n) > specificity).astype(float)
            for one in (new, old)
        ]
        quality = Quality(
            int(draw.binomial(labelled, sensitivity)), labelled, int(draw.binomial(labelled, specificity)), labelled
        )
        found = difference(bounds.mean(said[0] - said[1], range(n), 0.05), quality)
        above += found.low > truth
        below += found.high < truth
    assert max(above, below) / runs <= 0.05 + 2.6 * (0.05 * 0.95 / runs) ** 0.5
