from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.grounding.claims import claim
from guardrails.grounding.support import SIGNS, Checked, Head, Kind, Source, checked, head, signs, together

KINDS: tuple[Kind, ...] = ("words", "model")
DOCUMENT = "The bridge was built in 1874 by James Eads. It has three arches and is not open to cars."


def counted(sentence: str, question: str = "", document: str = DOCUMENT) -> dict[str, float]:
    source = Source.of([document], question)
    put = claim(question, sentence)
    found = checked(question, sentence, put, source.context.evidence(put), source)
    return dict(zip(SIGNS[2:], found.numbers, strict=True))


def test_a_sentence_of_the_document_lacks_nothing() -> None:
    found = counted("The bridge was built in 1874 by James Eads.")
    assert found["exact"] == 1
    assert all(found[name] == 0 for name in ("uncovered", "missing numbers", "missing names", "new words", "altered"))


def test_each_sign_rises_with_what_it_is_of() -> None:
    assert counted("The bridge was built in 1875 by James Eads.")["missing numbers"] == 1
    assert counted("The bridge was built in 1874 by James Watt.")["missing names"] > 0
    assert counted("The bridge was built in 1875 by James Eads.")["altered"] == 1
    assert counted("A dog sleeps under warm blankets.")["new words"] == 1
    assert counted("The bridge never fell.", document="The bridge fell.")["negation"] == 1


def test_a_short_answer_is_held_against_its_question() -> None:
    right = counted("1874", "When was the bridge built?")
    wrong = counted("three", "When was the bridge built?")
    absent = counted("1901", "When was the bridge built?")
    assert right["short"] == wrong["short"] == 1
    assert right["short unasked"] == 0
    assert absent["short apart"] == 1


def test_the_shipped_heads_trust_the_model_and_the_letters() -> None:
    sentence = "The bridge was built in 1874 by James Eads."
    source = Source.of([DOCUMENT])
    held = checked("", sentence, sentence, DOCUMENT, source)
    false = "Eads built the bridge in 1999 with Henry Ford."
    broken = checked("", false, false, DOCUMENT, source)
    for kind in KINDS:
        assert head(kind).ungrounded(3.0, held.numbers) < 0.5 < head(kind).ungrounded(-3.0, broken.numbers)


@given(st.floats(-1e6, 1e6), st.text(max_size=100), st.text(max_size=60), st.text(max_size=200))
def test_any_texts_give_a_probability(logit: float, sentence: str, question: str, document: str) -> None:
    source = Source.of([document], question)
    put = claim(question, sentence)
    found: Checked = checked(question, sentence, put, source.context.evidence(put), source)
    assert len(signs(logit, found.numbers)) == len(SIGNS)
    assert 0 <= Head((1.0,) * len(SIGNS), 0.0).ungrounded(logit, found.numbers) <= 1


@given(st.lists(st.floats(0, 1), max_size=30))
def test_an_answer_of_sentences_that_nothing_is_known_of_has_even_odds(scores: list[float]) -> None:
    whole = together(scores)
    assert 0 <= whole <= 1
    assert together([0.5] * len(scores)) == pytest.approx(0.5 if scores else 0.0)
    assert together([*scores, 0.5]) >= together([*scores, 0.1]) - 1e-9
    assert len(scores) != 1 or whole == pytest.approx(scores[0], abs=1e-6)
