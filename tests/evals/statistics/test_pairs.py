from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.statistics.pairs import Pairs, mcnemar, newcombe, superior, tango

AIRWAYS = Pairs(both=1, better=1, worse=7, neither=12)
"""Airway hyper-responsiveness before and after stem cell transplantation: Bentur et al. 2009, as in Fagerland, Lydersen
and Laake, Statistics in Medicine 33 (2014), tables 2 and 5."""

COUNTS = st.integers(0, 60)
TABLES = st.builds(Pairs, COUNTS, COUNTS, COUNTS, COUNTS).filter(lambda pairs: pairs.n > 0)


def test_published_intervals() -> None:
    found = tango(AIRWAYS)
    assert (found.low, found.high) == pytest.approx((-0.517, -0.026), abs=5e-4)
    found = newcombe(AIRWAYS)
    assert (found.low, found.high) == pytest.approx((-0.507, -0.026), abs=5e-4)


def test_published_p_values() -> None:
    assert mcnemar(AIRWAYS) == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar(AIRWAYS, mid=True) == pytest.approx(0.0391, abs=5e-5)


def test_one_side_is_a_sign_test() -> None:
    assert superior(Pairs(0, 8, 2, 0)) == pytest.approx(56 / 1024)
    assert superior(Pairs(5, 0, 0, 5)) == 1.0
    assert mcnemar(Pairs(5, 0, 0, 5)) == 1.0


@settings(max_examples=150, deadline=None)
@given(TABLES)
def test_intervals_hold_what_was_found_and_turn_with_the_sides(pairs: Pairs) -> None:
    turned = Pairs(pairs.both, pairs.worse, pairs.better, pairs.neither)
    for interval in (tango, newcombe):
        found, other = interval(pairs), interval(turned)
        assert -1 - 1e-9 <= found.low <= found.estimate + 1e-9
        assert found.estimate - 1e-9 <= found.high <= 1 + 1e-9
        assert (other.low, other.high) == pytest.approx((-found.high, -found.low), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_more_of_the_same_narrows_them(pairs: Pairs) -> None:
    more = Pairs(pairs.both * 9, pairs.better * 9, pairs.worse * 9, pairs.neither * 9)
    for interval in (tango, newcombe):
        few, many = interval(pairs), interval(more)
        assert many.high - many.low < few.high - few.low + 1e-9


@pytest.mark.parametrize(("better", "worse"), [(0.05, 0.05), (0.02, 0.1), (0.2, 0.1)])
def test_they_keep_their_level(better: float, worse: float) -> None:
    draw = np.random.default_rng(11)
    missed = np.zeros(2)
    runs, n = 800, 60
    for _ in range(runs):
        up, down, rest = (int(one) for one in draw.multinomial(n, (better, worse, 1 - better - worse)))
        pairs = Pairs(rest // 2, up, down, rest - rest // 2)
        for place, found in enumerate((tango(pairs), newcombe(pairs))):
            missed[place] += not found.low <= better - worse <= found.high
    assert max(missed) / runs <= 0.05 + 2.6 * (0.05 * 0.95 / runs) ** 0.5
