from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.grounding.literals import Known, dates, literals, missing, numbers


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3.14 and 1,234.5", [3.14, 1234.5]),
        ("1.234,5", [1234.5]),
        ("10,000", [10000.0]),
        ("0.125", [0.125]),
        ("2.5 million", [2_500_000.0]),
        ("٤٥", [45.0]),
        ("twenty", [20.0]),
        ("the 1990s", [1990.0]),
        ("two thousand", [2000.0]),
        ("nothing", []),
        ("9" * 40, []),
    ],
)
def test_numbers_are_read_as_they_are_meant(text: str, values: list[float]) -> None:
    assert [value for _, _, value in numbers(text)] == values


@pytest.mark.parametrize("text", ["2019-07-12", "12 July 2019", "July 12, 2019", "12th of July 2019", "Jul. 12 2019"])
def test_dates_are_the_same_however_they_are_written(text: str) -> None:
    assert [date for _, _, date in dates(text)] == [(2019, 7, 12)]


def wrong(sentence: str, *texts: str) -> list[tuple[str, str]]:
    return [(one.kind, sentence[one.start : one.end]) for one in missing(sentence, Known.of(texts))]


@pytest.mark.parametrize(
    ("sentence", "context", "found"),
    [
        ("It cost 1,200 euros.", "It cost 1200 euros.", []),
        ("It cost 1,300 euros.", "It cost 1200 euros.", [("number", "1,300")]),
        ("About 40 % said so.", "39.8 % said so.", []),
        ("Three people came.", "3 people came.", []),
        ("It began in July 2019.", "It began on 12 July 2019.", []),
        ("It began on 13 July 2019.", "It began on 12 July 2019.", [("date", "13 July 2019")]),
        ("It was built by James Eads.", "James B. Eads built it.", []),
        ("It was built by James Watt.", "James B. Eads built it.", [("name", "Watt")]),
        ('He said "the best flag there is" then.', "It is the best flag there is!", []),
        (
            'He said "the worst flag there is" then.',
            "It is the best flag there is!",
            [("quote", '"the worst flag there is"')],
        ),
    ],
)
def test_what_a_context_does_not_have_to_the_letter_is_missing(
    sentence: str, context: str, found: list[tuple[str, str]]
) -> None:
    assert wrong(sentence, context) == found


@given(st.text(max_size=300))
def test_a_text_has_its_own_literals(text: str) -> None:
    held = literals(text)
    assert all(0 <= one.start < one.end <= len(text) for one in held)
    assert all(one.end <= other.start for one, other in pairwise(held))
    assert missing(text, Known.of([text])) == []
