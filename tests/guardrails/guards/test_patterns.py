"""Patterns and words of one's own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from guardrails.guards.patterns import Patterns
from guardrails.passage import ALONE
from tests.guardrails.guards import finders

PATTERNS = Patterns(
    guard="patterns",
    patterns={"ticket": r"\bACME-\d{3,6}\b", "row": r"(?m)^total: .*$", "run": "a+", "pair": "aa|bab"},
    words=("Project Falcon", "falcon", "Straße", "c++"),
)
WORDS = Patterns(guard="patterns", words=("Project Falcon", "falcon", "Straße"))


def said(guard: Patterns, text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.label) for span in guard.spans(text, ALONE)]


def test_what_is_found_has_its_label() -> None:
    assert said(PATTERNS, "See acme-1234.\nTotal: 5\nIt") == [("acme-1234", "ticket"), ("Total: 5", "row")]


def test_words_are_found_as_words_whatever_their_case() -> None:
    text = "project FALCON, falcons, a Falcon; STRASSE, STRAßE. İ falcon_x"
    assert said(WORDS, text) == [("project FALCON", "word"), ("Falcon", "word"), ("STRAßE", "word")]


def test_the_shorter_word_counts_where_the_longer_goes_on() -> None:
    words = Patterns(guard="patterns", words=("foo", "foo bar"))
    assert said(words, "foo bars, foo bar") == [("foo", "word"), ("foo bar", "word")]


def test_a_find_that_is_longer_than_may_be_is_none() -> None:
    guard = Patterns(guard="patterns", patterns={"digits": r"\b\d+\b"}, longest=5)
    assert said(guard, "12345 123456") == [("12345", "digits")]


def test_of_words_only_the_beginning_of_one_is_held_back() -> None:
    assert WORDS.settled("We talk about projec") == len("We talk about ")
    assert WORDS.settled("We talk about it") == len("We talk about it")
    assert finders.held_back(PATTERNS, "".join(finders.PROSE)) <= 40


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"patterns": {"x": "(a"}}, "no regular expression"),
        ({"patterns": {"x": r"(a)\1"}}, "no regular expression"),
        ({}, "write what is to be found"),
        ({"words": [" "]}, "at least 1"),
        ({"patterns": {"x": "a"}, "longest": 5000}, "less than or equal to 1000"),
    ],
)
def test_what_cannot_be_used_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Patterns.model_validate({"guard": "patterns", **options})


TEXTS = finders.spliced(
    "ACME-1234", "\ntotal: 5 and more\n", "aaaa", "babab", "Project Falcon", "falcon", "STRASSE", "c++ "
)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_it_keeps_its_word(text: str) -> None:
    finders.keeps_its_word(PATTERNS, text)
    finders.keeps_its_word(WORDS, text)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 300), max_size=20))
def test_it_does_not_depend_on_where_a_text_is_cut(text: str, cuts: list[int]) -> None:
    finders.is_the_same_however_cut(PATTERNS, text, cuts)
    finders.is_the_same_however_cut(WORDS, text, cuts)


@pytest.mark.parametrize("text", ["a" * 900, "bab" * 300, "x" * 9000, "falcon " * 1500, "ACME-12 " * 1200])
def test_long_texts_are_followed_too(text: str) -> None:
    finders.is_the_same_however_cut(PATTERNS, text, list(range(0, len(text), 501)))
