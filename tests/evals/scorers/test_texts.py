"""exact, contains, regex, f1, numeric: what they call right, by example."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from evals.scorers.numbers import number, numbers
from evals.scorers.words import words
from tests.evals.scorers.scoring import score, scorer


@pytest.mark.parametrize(
    ("said", "expected", "options", "value"),
    [
        (" Paris\n", "Paris", {}, 1),
        ("paris", "Paris", {}, 0),
        ("paris", "Paris", {"ignore_case": True}, 1),
        ("STRASSE", "straße", {"ignore_case": True}, 1),
        ("cafe\u0301", "caf\u00e9", {}, 1),
        ("Lyon", ["Paris", "Lyon"], {}, 1),
        ("4", 4, {}, 1),
        ("true", True, {}, 1),
        ("Paris", {"answer": "Paris", "calls": []}, {"key": "answer"}, 1),
        ("None", None, {}, None),
        ("", [], {}, None),
        ("x", {"answer": "Paris"}, {"key": "other"}, None),
        ("x", "Paris", {"key": "answer"}, None),
    ],
)
def test_exact(said: str, expected: Any, options: dict[str, Any], value: float | None) -> None:
    assert score("exact", said, expected, **options).value == value


@pytest.mark.parametrize(
    ("said", "expected", "options", "value"),
    [
        ("It is PARIS.", "paris", {}, 1),
        ("It is PARIS.", "paris", {"ignore_case": False}, 0),
        ("red and blue", ["red", "blue"], {}, 1),
        ("red", ["red", "blue"], {}, 0),
        ("red", ["red", "blue"], {"match": "any"}, 1),
        ("green", ["red", "blue"], {"match": "any"}, 0),
        ("red, I think", ["red"], {"forbidden": ["i think"]}, 0),
        ("red", None, {"forbidden": ["i think"]}, 1),
        ("red", "blue", {"texts": ["red"]}, 1),
        ("red", None, {}, None),
    ],
)
def test_contains(said: str, expected: Any, options: dict[str, Any], value: float | None) -> None:
    assert score("contains", said, expected, **options).value == value


def test_an_empty_text_is_in_every_answer_and_so_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 1 character"):
        scorer("contains", texts=[""])


@pytest.mark.parametrize(
    ("said", "options", "value"),
    [
        ("call 555-0100 now", {"pattern": r"\d{3}-\d{4}"}, 1),
        ("call me", {"pattern": r"\d{3}-\d{4}"}, 0),
        ("call me", {"pattern": r"\d", "absent": True}, 1),
        ("call 1", {"pattern": r"\d", "absent": True}, 0),
        ("PARIS", {"pattern": "(?i)^paris$"}, 1),
        ("Größe", {"pattern": r"^\w+$"}, 1),
    ],
)
def test_regex(said: str, options: dict[str, Any], value: float) -> None:
    assert score("regex", said, **options).value == value


def test_no_pattern_takes_for_ever() -> None:
    """A pattern that a backtracking engine would look through for years."""
    assert score("regex", "a" * 50_000 + "b", pattern="^(a+)+$").value == 0


@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"(a)\1"])
def test_what_is_no_pattern_is_told_when_the_suite_is_read(pattern: str) -> None:
    with pytest.raises(ValidationError, match="is no regular expression"):
        scorer("regex", pattern=pattern)


@pytest.mark.parametrize(
    ("said", "expected", "value"),
    [
        ("the cat sat", "the cat", 0.8),
        ("The cat!", "the  CAT", 1),
        ("the the the", "the", 0.5),
        ("nothing", "alike", 0),
        ("", "", 1),
        ("", "x", 0),
        ("猫が座る", "猫が走る", 0.75),
        ("cat", ["dog", "cat"], 1),
    ],
)
def test_f1(said: str, expected: Any, value: float) -> None:
    assert score("f1", said, expected).value == pytest.approx(value)


def test_words_of_any_script() -> None:
    assert words("Don\u2019t STOP\u2014it's 3.5!") == ["don't", "stop", "it's", "3", "5"]
    assert words("Größe привет हिन्दी भाषा 東京タワー") == ["grösse", "привет", "हिन्दी", "भाषा", *"東京タワー"]
    assert words("ที่นี่") == ["ที่", "นี่"]
    assert words("שָׁלוֹם") == ["שָׁלוֹם"]
    assert words("...") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,234.5 and -3", [1234.5, -3]),
        ("12,34,567 rupees", [1234567]),
        ("1\u202f234\u202f567", [1234567]),
        ("x = \u22125e3", [-5000]),
        ("10-20", [10, 20]),
        ("45% of 12kg, $5.00.", [45, 12, 5]),
        ("v1.2.3, a3, ²", []),
        ("1e400", []),
        ("3.", [3]),
    ],
)
def test_numbers_in_a_text(text: str, found: list[float]) -> None:
    assert numbers(text) == found


def test_numbers_with_a_decimal_comma() -> None:
    assert numbers("1.234,5 und 12,5 und 1.000", ",") == [1234.5, 12.5, 1000]
    assert number("1.5", ",") is None
    assert number("5ex") is None


@pytest.mark.parametrize(
    ("said", "expected", "options", "value"),
    [
        ("so it is 42", 42, {}, 1),
        ("42 is it, of 50", 42, {"take": "first"}, 1),
        ("42 is it, of 50", 42, {}, 0),
        ("Answer: 42, of 50", 42, {"after": "Answer:", "take": "first"}, 1),
        ("3.14", 3.14159, {"absolute": 0.01}, 1),
        ("3.14", 3.14159, {"relative": 0.001}, 1),
        ("3.14", 3.14159, {}, 0),
        ("0.3", 0.1 + 0.2, {}, 1),
        ("1,5", "1,5", {"decimal": ","}, 1),
        ("forty-two", 42, {}, 0),
        ("42", "forty-two", {}, None),
        ("42", True, {}, None),
        ("42", None, {}, None),
    ],
)
def test_numeric(said: str, expected: Any, options: dict[str, Any], value: float | None) -> None:
    assert score("numeric", said, expected, **options).value == value


def test_a_tolerance_is_a_finite_number() -> None:
    with pytest.raises(ValidationError):
        scorer("numeric", absolute="inf")
