from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.guards.pii import Pii
from guardrails.passage import ALONE, Passage
from tests.guardrails.guards.asking import NoModels
from tests.guardrails.guards.finders import held_back, is_the_same_however_cut, keeps_its_word, spliced

FINDS = (
    "My name is Maria Schneider",
    "call +44 20 7946 0958",
    "9469 9966",
    "GB82 WEST 1234 5698 7654 32",
    "4111 1111 1111 1111",
    "maria.schneider@example.com",
    "12 Main Street, Springfield, IL 62704",
    "PO Box 12\nNew York",
    "born 1/2/1990",
    "2020-01-02 10:20:30",
    "Passport number C01234567",
    "http://example.com/a?b=c",
    "Acme Analytics Ltd",
    "123-45-6789",
    "12 34 56 78",
    "AB 12 34 56 C",
    "(021) 555 x12",
    "a" * 60,
    "@",
    "+1",
)


def found(text: str) -> list[tuple[str, str]]:
    return [(span.label, text[span.start : span.end]) for span in Pii().spans(text, ALONE)]


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("Write to maria.o'neil+x@mail.example.co.uk.", "EMAIL", "maria.o'neil+x@mail.example.co.uk"),
        ("see https://example.com/a, please", "URL", "https://example.com/a"),
        ("from 10.218.6.131 today", "IP_ADDRESS", "10.218.6.131"),
        ("pay with 4111-1111-1111-1111 now", "CREDIT_CARD", "4111-1111-1111-1111"),
        ("to GB82 WEST 1234 5698 7654 32, thanks", "IBAN", "GB82 WEST 1234 5698 7654 32"),
        ("to DE89 3704 0044 0532 0130 00 ABCD and", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("to NO93 8601 1117 947 NOW", "IBAN", "NO93 8601 1117 947"),
        ("to gb82west12345698765432", "IBAN", "gb82west12345698765432"),
        ("it is 219-09-9999.", "US_SSN", "219-09-9999"),
        ("my SSN is 219099999", "US_SSN", "219099999"),
        ("DNI 12345678Z", "NATIONAL_ID", "12345678Z"),
        ("CPF 529.982.247-25", "NATIONAL_ID", "529.982.247-25"),
        ("passport no. C01234567", "PASSPORT", "C01234567"),
        ("driver's license number M943688896309", "DRIVER_LICENSE", "M943688896309"),
        ("ring +44 20 7946 0958 tonight", "PHONE", "+44 20 7946 0958"),
        ("ring (415) 555-2671 tonight", "PHONE", "(415) 555-2671"),
        ("born on 31/12/1999", "DATE", "31/12/1999"),
        ("Hello, my name is Katarína Horváthová and I need help", "PERSON", "Katarína Horváthová"),
    ],
)
def test_personal_data_is_found(text: str, label: str, value: str) -> None:
    assert (label, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 4111111111111112 came",
        "it costs 1,250.00 and 3.5 percent",
        "How do I reset my password?",
        "Write a poem about rain and the sea.",
        "version 2.10.3 came out",
        "",
    ],
)
def test_what_is_none_is_not_found(text: str) -> None:
    assert [span for span in Pii().spans(text, ALONE) if span.score >= Pii().threshold] == []


def test_a_long_text_is_read_too() -> None:
    text = "All is quiet here. " * 1000 + "Write to maria@example.com."
    finding = asyncio.run(Pii().judge(Passage(text), ALONE, NoModels()))
    assert "EMAIL" in {span.label for span in finding.spans}
    assert finding.score > 0.9


def test_only_the_named_kinds_are_looked_for() -> None:
    text = "maria@example.com, 4111 1111 1111 1111"
    assert [span.label for span in Pii(entities=("EMAIL",)).spans(text, ALONE)] == ["EMAIL"]


TEXTS = st.one_of(spliced(*FINDS), st.lists(st.sampled_from(FINDS), max_size=6).map(" ".join))


@settings(deadline=None)
@given(TEXTS)
def test_what_is_settled_is_found_whatever_comes_next(text: str) -> None:
    keeps_its_word(Pii(), text)


@settings(deadline=None)
@given(TEXTS, st.lists(st.integers(0, 400), max_size=12))
def test_where_a_text_is_cut_changes_nothing(text: str, cuts: list[int]) -> None:
    is_the_same_however_cut(Pii(), text, cuts)


@settings(deadline=None, max_examples=20)
@given(st.lists(TEXTS, min_size=8, max_size=20).map(" ".join), st.lists(st.integers(0, 6000), max_size=40))
def test_nor_does_it_in_a_long_text_whose_beginning_is_forgotten(text: str, cuts: list[int]) -> None:
    is_the_same_however_cut(Pii(), text, cuts)


def test_of_a_usual_sentence_little_is_held_back() -> None:
    text = "The meeting about the new office was moved to the second week, and nobody has told the others about it yet."
    assert held_back(Pii(), text) <= 40
