"""Calibration finds the scale and shift that were there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.training.calibrating import by_source, first_half, platt
from guardrails.training.corpora import ATTACK, CLEAN, Example
from guardrails.training.measures import calibration_error


@given(st.floats(0.3, 3), st.floats(-2, 2))
def test_it_finds_the_curve_that_labels_were_drawn_by(scale: float, shift: float) -> None:
    draw = np.random.default_rng(7)
    logits = draw.uniform(-4, 4, 20_000)
    labels = (draw.uniform(size=20_000) < 1 / (1 + np.exp(-(scale * logits + shift)))).astype(float)
    found = platt(logits, labels, np.ones(20_000))
    said = 1 / (1 + np.exp(-(found[0] * logits + found[1])))
    assert calibration_error(said, labels, np.ones(20_000)) < 0.03


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans()), min_size=2, max_size=40))
def test_it_is_finite_and_never_turns_the_order(rows: list[tuple[float, bool]]) -> None:
    logits, labels = np.array([x for x, _ in rows]), np.array([float(y) for _, y in rows])
    scale, shift = platt(logits, labels, np.ones(len(rows)))
    assert 0.05 <= scale < 100
    assert np.isfinite(shift)


def test_classes_and_their_sources_weigh_the_same() -> None:
    examples = [Example(str(at), CLEAN, "benign", "large") for at in range(8)]
    examples += [Example("x", CLEAN, "benign", "small"), Example("y", ATTACK, "leak", "small")]
    weights = by_source(examples, 0)
    assert weights[:8].sum() == pytest.approx(0.5)
    assert weights[8] == pytest.approx(0.5)
    assert weights[9] == pytest.approx(1)


def test_halves_are_always_the_same_ones() -> None:
    examples = [Example(f"text {at}", CLEAN, "benign", "s") for at in range(200)]
    half = first_half(examples)
    assert (half == first_half(examples)).all()
    assert 60 < half.sum() < 140
