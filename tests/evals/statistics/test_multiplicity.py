from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, norm

from evals.statistics.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm

P = st.lists(st.floats(0, 1), max_size=30)


def test_published_adjustments() -> None:
    """Holm's: four tests, as in the documentation of R's p.adjust."""
    assert holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert benjamini_hochberg([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.04, 0.04, 0.04])


@given(P)
def test_false_discovery_rates_are_scipy_s(values: list[float]) -> None:
    expected = false_discovery_control(values).tolist() if values else []
    assert benjamini_hochberg(values) == pytest.approx(expected)
    expected = false_discovery_control(values, method="by").tolist() if values else []
    assert benjamini_yekutieli(values) == pytest.approx(expected)


@given(P)
def test_no_test_gains_and_their_order_stays(values: list[float]) -> None:
    for adjusted in (holm(values), benjamini_hochberg(values), benjamini_yekutieli(values)):
        assert all(p <= q + 1e-12 <= 1 + 1e-9 for p, q in zip(values, adjusted, strict=True))
        ranked = [q for _, q in sorted(zip(values, adjusted, strict=True))]
        assert all(one <= other + 1e-12 for one, other in pairwise(ranked))


def test_holm_keeps_the_chance_of_any_false_claim() -> None:
    draw = np.random.default_rng(3)
    wrong = sum(min(holm(draw.random(8).tolist())) <= 0.05 for _ in range(2000))
    assert wrong / 2000 <= 0.05 + 2.6 * (0.05 * 0.95 / 2000) ** 0.5


@pytest.mark.parametrize("adjust", [benjamini_hochberg, benjamini_yekutieli])
def test_of_claims_the_share_of_false_ones_is_kept(adjust: Callable[[list[float]], list[float]]) -> None:
    """Of ten slices that share what they measure, six differ in truth."""
    draw, runs, false = np.random.default_rng(4), 1000, 0.0
    for _ in range(runs):
        z = 0.6 * draw.standard_normal() + 0.8 * draw.standard_normal(10)
        z[4:] += 3
        claimed = np.array(adjust(norm.sf(z).tolist())) <= 0.05
        false += claimed[:4].sum() / max(1, claimed.sum())
    assert false / runs <= 0.05
