from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.grounding.claims import CLAIM, claim, clipped
from guardrails.grounding.evidence import BUDGET, Context, size
from guardrails.grounding.terms import terms

FILLER = " ".join(f"Sentence number {at} speaks of nothing that matters to anyone here at all." for at in range(200))


def test_a_short_context_is_all_evidence() -> None:
    assert Context.of(["One thing.", "Another thing."]).evidence("unrelated words") == "One thing. Another thing."


def test_of_a_long_context_the_sentences_that_speak_of_the_claim_are_chosen() -> None:
    context = Context.of([FILLER, "The bridge was built in 1874 by Eads.", FILLER])
    assert "The bridge was built in 1874 by Eads." in context.evidence("Eads built the bridge in 1880")


def test_two_places_that_a_claim_needs_are_both_chosen() -> None:
    context = Context.of([FILLER, "Marie Curie was born in Warsaw.", FILLER, "She received two Nobel prizes.", FILLER])
    evidence = context.evidence("Curie, born in Warsaw, received two Nobel prizes")
    assert "Warsaw" in evidence
    assert "Nobel" in evidence


@given(st.lists(st.text(max_size=200), max_size=20), st.text(max_size=100))
def test_evidence_is_bounded_and_of_the_context(texts: list[str], said: str) -> None:
    context = Context.of(texts)
    evidence = context.evidence(said)
    longest = max(context.sizes, default=0)
    assert size(evidence) <= max(BUDGET, longest) + len(context.sentences)
    assert context.empty or evidence
    assert set(terms(evidence)) <= {term for one in context.sentences for term in terms(one)}


def test_terms_are_stems_numbers_and_pairs() -> None:
    assert terms("The buildings of 1,234 users") == ["buildi", "1", "234", "users"]
    assert terms("東京都") == ["東京", "京都"]
    assert terms("of the") == []


def test_a_short_answer_is_read_with_its_question() -> None:
    assert claim("When did\nit open?", "In 1912.") == "When did it open? In 1912."
    long = "The museum was opened to the public in the year 1912 by the mayor."
    assert claim("When did it open?", long) == long


@given(st.text(max_size=2000), st.integers(2, 200))
def test_what_is_clipped_is_a_beginning_of_bounded_size(text: str, most: int) -> None:
    found = clipped(text, most)
    assert text.startswith(found)
    assert size(found) <= max(most, size(found[:1]))
    assert size(claim(text, text)) <= 2 * CLAIM + 2
