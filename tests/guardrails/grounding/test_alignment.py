from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.grounding.alignment import align

SOURCE = "Later on Charles II took power in 1660 with sweeping ambitions. He was not crowned that year."


def changed(sentence: str) -> list[str]:
    found = align(sentence, SOURCE)
    return [sentence[start:end] for start, end in found.changed] if found.near else []


def test_the_words_that_leave_the_source_are_found() -> None:
    assert changed("Charles II took power in 1658 with sweeping ambitions.") == ["1658"]
    assert changed("Charles II never took power in 1660 with sweeping ambitions.") == ["never"]
    assert changed("Charles II took power in 1660 with sweeping ambitions.") == []


def test_a_negation_that_is_left_out_is_noticed() -> None:
    assert align("He was crowned that year.", SOURCE).dropped
    assert not align("He was not crowned that year.", SOURCE).dropped


def test_another_sentence_stands_apart() -> None:
    assert not align("The museum has many paintings of the sea.", SOURCE).near


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_texts_are_aligned(sentence: str, source: str) -> None:
    found = align(sentence, source)
    assert 0 <= found.followed <= 1
    assert all(0 <= start < end <= len(sentence) for start, end in found.changed)
