from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.guards.pii import Pii
from guardrails.passage import ALONE
from guardrails.pii import finding, recognisers
from guardrails.stream import Follower
from guardrails.verdict import Span

PARTS = st.lists(
    st.sampled_from(
        [
            "My name is Maria Schneider",
            "John",
            "and",
            "call +44 20 7946 0958",
            "9469 9966",
            "GB82 WEST 1234 5698 7654 32",
            "4111 1111 1111 1111",
            "maria.schneider@example.com",
            "12 Main Street, Springfield, IL 62704",
            "born 1/2/1990",
            "Passport number",
            "C01234567",
            "http://example.com/a?b=c",
            "Acme Analytics Ltd",
            "123-45-6789",
            "WEST",
            "12 34 56 78",
            "(021)",
            "x12",
            "a" * 60,
            "12:30",
            "@",
            "+1",
        ]
    )
    | st.text("aB1 .,@-+/\n<ü中", max_size=12),
    max_size=9,
)
TEXTS = st.builds(lambda parts, between: between.join(parts), PARTS, st.sampled_from([" ", ", ", "\n", ". ", ""]))


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
        ("please ship it to 12 Main Street, Springfield", "ADDRESS", "12 Main Street, Springfield"),
    ],
)
def test_personal_data_is_found(text: str, label: str, value: str) -> None:
    assert (label, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 4111111111111112 came",
        "version 2.10.3 of 12:30:45",
        "it costs 1,250.00 and 3.5 percent",
        "How do I reset my password?",
        "Write a poem about rain and the sea.",
        "",
    ],
)
def test_what_is_none_is_not_found(text: str) -> None:
    assert found(text) == []


def test_only_the_named_kinds_are_looked_for() -> None:
    text = "maria@example.com, 4111 1111 1111 1111"
    assert [span.label for span in Pii(entities=("EMAIL",)).spans(text, ALONE)] == ["EMAIL"]


@given(TEXTS)
def test_none_lies_inside_another_and_all_are_in_order(text: str) -> None:
    spans = finding.found(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    for one, other in zip(spans, spans[1:], strict=False):
        assert one.start < other.start
        assert one.end < other.end


@given(TEXTS, st.data())
@example("call 9469 9966 x12 now", None)
def test_what_is_settled_is_found_whatever_comes_next(text: str, data: st.DataObject | None) -> None:
    cuts = range(len(text) + 1) if data is None else [data.draw(st.integers(0, len(text)))]
    whole = finding.found(text)
    for cut in cuts:
        settled = finding.settled(text[:cut])
        assert 0 <= settled <= cut
        early = [span for span in finding.found(text[:cut]) if span.start < settled]
        assert early == [span for span in whole if span.start < settled]


@given(st.lists(TEXTS, max_size=12), st.integers(1, 200))
def test_a_stream_finds_what_the_whole_has(texts: list[str], size: int) -> None:
    text = " ".join(texts)
    follower = Follower([Pii()], ALONE)
    spans: list[Span] = []
    out = ""
    for at in range(0, len(text), size):
        piece, finds = follower.feed(text[at : at + size])
        out += piece
        spans += [find.span for find in finds]
    piece, finds = follower.end()
    assert out + piece == text
    assert outer([*spans, *(find.span for find in finds)]) == outer(finding.found(text))


def outer(spans: list[Span]) -> list[tuple[int, int]]:
    """What is taken out, put together: a follower goes on behind what it found."""
    out: list[tuple[int, int]] = []
    for span in recognisers.outermost(spans):
        if out and span.start < out[-1][1]:
            out[-1] = (out[-1][0], span.end)
        else:
            out.append((span.start, span.end))
    return out


def test_of_a_usual_sentence_little_is_held_back() -> None:
    text = "The meeting about the new office was moved to the second week, and nobody has told the others about it yet."
    held = [len(text[:cut]) - finding.settled(text[:cut]) for cut in range(len(text))]
    assert max(held) <= 40
