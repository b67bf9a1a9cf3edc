"""Regular expressions that take linear time, over whatever a text holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.linear import Pattern, any_of

ANYTHING = st.text(st.characters(codec=None, categories=None))


@given(ANYTHING)
def test_positions_are_characters_whatever_the_text_holds(text: str) -> None:
    found = Pattern("abc").search(f"{text}\ud800é\0 abc")
    assert found is not None
    assert found.start() <= len(text) + 4
    assert f"{text}\ud800é\0 abc"[found.start() : found.end()] == "abc"


def test_a_pattern_that_is_none_is_told_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="missing"):
        Pattern("(a")


def test_references_back_and_lookarounds_are_refused() -> None:
    for source in (r"(a)\1", "(?=a)", "(?<!a)b"):
        with pytest.raises(ValueError):  # noqa: PT011 - the words are RE2's
            Pattern(source)


def test_case_is_ignored_where_asked() -> None:
    assert Pattern("straße", ignore_case=True).fullmatch("STRAßE")
    assert not Pattern("a").match("A")


def test_words_are_taken_literally_and_the_longest_is_found() -> None:
    found = Pattern(any_of("a.b", "a.bc")).search("axb a.bc")
    assert found is not None
    assert found.group() == "a.bc"
