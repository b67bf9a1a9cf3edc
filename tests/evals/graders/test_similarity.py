"""Metrics of text similarity, against figures worked out elsewhere or by hand."""

from __future__ import annotations

import pytest

from evals.errors import BadInput
from evals.graders.similarity import MOST, similarity
from evals.graders.spec import METRICS

TEXT, REFERENCE = "the cat sat on the mat", "the cat is on the mat"


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_text_is_as_near_as_can_be(metric: str) -> None:
    near = similarity(metric, REFERENCE, REFERENCE)
    assert near == pytest.approx(1.0, abs=0.01)
    assert 0 <= similarity(metric, TEXT, REFERENCE) <= near
    assert similarity(metric, "nothing of it here at all", "quite other words stand there") < 0.6


def test_figures() -> None:
    assert similarity("rouge_1", TEXT, REFERENCE) == pytest.approx(5 / 6)
    assert similarity("rouge_2", TEXT, REFERENCE) == pytest.approx(3 / 5)
    assert similarity("rouge_l", TEXT, REFERENCE) == pytest.approx(5 / 6)
    assert similarity("gleu", TEXT, REFERENCE) == pytest.approx(9 / 18)
    assert similarity("fuzzy_match", "abcd", "abcx") == pytest.approx(0.75)


def test_other_scripts_have_words_too() -> None:
    assert similarity("rouge_1", "кошка спит", "кошка ест") == pytest.approx(0.5)


@pytest.mark.parametrize("metric", METRICS)
def test_texts_are_bounded(metric: str) -> None:
    assert similarity(metric, "a b " * (MOST // 4), "c d " * (MOST // 4)) <= 0.6
    with pytest.raises(BadInput, match="characters"):
        similarity(metric, "x" * (MOST + 1), "x")
