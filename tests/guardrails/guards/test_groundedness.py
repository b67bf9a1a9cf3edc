from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import NotRun
from guardrails.grounding.judging import LONGEST_CONTEXT, MOST_SENTENCES
from guardrails.grounding.saying import claiming
from guardrails.guard import Models
from guardrails.guards.groundedness import Groundedness
from guardrails.passage import Passage, Surroundings
from guardrails.verdict import Finding
from tests.guardrails.grounding.models import Broken, Told

DOCUMENT = "The bridge was built in 1874 by James Eads. It has three arches. Cars may not cross it."
GUARD = Groundedness(guard="groundedness", ask_model=True)
QUICK = Groundedness(guard="groundedness")


def judge(text: str, around: Surroundings, models: Models) -> Finding:
    return asyncio.run(GUARD.judge(Passage(text, "output", "assistant"), around, models))


def parts(text: str, found: Finding) -> list[tuple[str, str]]:
    return [(span.label, text[span.start : span.end]) for span in found.spans]


def test_what_the_documents_say_passes() -> None:
    text = "The bridge was built in 1874 by James Eads."
    found = judge(text, Surroundings(documents=(DOCUMENT,)), Told())
    assert found.score < 0.5
    assert found.spans == ()
    assert found.reason == "0 of 1 sentences are not borne out; by words, literals and the model"


def test_what_no_document_says_is_found_as_a_whole() -> None:
    invented = "Dragons sleep beneath warm golden hills in Patagonia."
    text = f"It has three arches. {invented}"
    found = judge(text, Surroundings(results=(DOCUMENT,)), Told({invented: 0.02}))
    assert found.score > 0.5
    assert parts(text, found) == [("ungrounded", invented)]
    assert found.reason.startswith("1 of 2 sentences")


def test_a_wrong_number_is_all_that_is_marked() -> None:
    text = "The bridge was built in 1884 by James Eads."
    found = judge(text, Surroundings(documents=(DOCUMENT,)), Told({text: 0.05}))
    assert parts(text, found) == [("altered", "1884")]


def test_a_wrong_name_in_other_words_is_all_that_is_marked() -> None:
    text = "In 1874 Eads and Watt built the bridge."
    found = judge(text, Surroundings(documents=(DOCUMENT,)), Told({text: 0.02}))
    assert parts(text, found) == [("name", "Watt")]


def test_without_a_context_it_does_not_run() -> None:
    with pytest.raises(NotRun, match="no context was given") as caught:
        judge("It is.", Surroundings(system="You know the bridge.", question="Is it?"), Told())
    assert not caught.value.due


@pytest.mark.parametrize("text", ["I don't know.", "", "Would you like to hear more?"])
def test_an_answer_that_claims_nothing_is_not_judged(text: str) -> None:
    with pytest.raises(NotRun, match="claims nothing") as caught:
        judge(text, Surroundings(documents=(DOCUMENT,)), Told())
    assert not caught.value.due


def test_facts_of_the_system_prompt_count_beside_documents() -> None:
    models = Told()
    judge("Entry is free on Mondays.", Surroundings(documents=(DOCUMENT,), system="Entry is free on Mondays."), models)
    assert "Entry is free on Mondays." in models.asked[0][1]


def test_a_question_is_no_evidence() -> None:
    models = Told()
    judge("1874.", Surroundings(documents=(DOCUMENT,), question="When was it built?"), models)
    assert models.asked == [("When was it built? 1874.", DOCUMENT)]


def test_of_a_long_context_a_bounded_part_is_read_and_it_says_so() -> None:
    filler = "Nothing of what stands here matters to any question at all. " * 8000
    models = Told()
    found = judge("Eads built the bridge in 1874.", Surroundings(documents=(filler, DOCUMENT, filler)), models)
    assert "built in 1874 by James Eads" in models.asked[0][1]
    assert len(models.asked[0][1]) < 1000
    assert "150 tokens" in found.reason


def test_without_a_model_it_does_not_run() -> None:
    with pytest.raises(NotRun, match="no model") as caught:
        judge("It has three arches.", Surroundings(documents=(DOCUMENT,)), Broken())
    assert caught.value.due


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("The bridge was built in 1874 by James Eads.", []),
        ("The bridge was built in 1884 by James Eads.", ["1884"]),
        ("It has three arches. Dragons sleep beneath warm hills.", ["Dragons sleep beneath warm hills."]),
    ],
)
def test_without_being_told_to_it_asks_no_model(text: str, marked: list[str]) -> None:
    around = Surroundings(documents=(DOCUMENT,))
    found = asyncio.run(QUICK.judge(Passage(text, "output", "assistant"), around, Broken()))
    assert [text[span.start : span.end] for span in found.spans] == marked
    assert (found.score >= 0.5) == bool(marked)
    assert found.reason.endswith("by words and literals alone")


def test_what_is_too_much_is_said_to_be() -> None:
    with pytest.raises(NotRun, match="sentences"):
        judge("It has three arches. " * (MOST_SENTENCES + 1), Surroundings(documents=(DOCUMENT,)), Told())
    with pytest.raises(NotRun, match="characters"):
        judge("It has three arches.", Surroundings(documents=("x" * (LONGEST_CONTEXT + 1),)), Told())


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=60))
def test_any_texts_are_judged_or_said_not_to_be(text: str, document: str, question: str) -> None:
    around = Surroundings(documents=(document,), question=question)
    if not document.strip() or not claiming(text):
        with pytest.raises(NotRun):
            judge(text, around, Told())
        return
    found = judge(text, around, Told(otherwise=0.01))
    assert 0 <= found.score <= 1
    assert all(0 <= span.start < span.end <= len(text) for span in found.spans)
