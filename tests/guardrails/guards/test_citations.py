from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import NotRun
from guardrails.guard import Models
from guardrails.guards.citations import Citations, cited
from guardrails.passage import Passage, Surroundings
from guardrails.verdict import Finding
from tests.guardrails.grounding.models import Told

BRIDGE = "The bridge was built in 1874 by James Eads."
MUSEUM = "The museum opened in 1912 and shows paintings of the sea."
BOTH = Surroundings(documents=(BRIDGE, MUSEUM))


def judge(text: str, around: Surroundings, models: Models) -> Finding:
    guard = Citations(guard="citations", ask_model=True)
    return asyncio.run(guard.judge(Passage(text, "output", "assistant"), around, models))


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("It was built in 1874 [1].", [(1,)]),
        ("It was built in 1874. [1] The museum came later [2].", [(1,), (2,)]),
        ("Both are old [1, 2].", [(1, 2)]),
        ("All are old [1-3].", [(1, 2, 3)]),
        ("It is old [doc:2].", [(2,)]),
        ("It is old [^1].", [(1,)]),
        ("It is old (source 2).", [(2,)]),
        ("It is old【1†bridge】.", [(1,)]),
        ("It is old [1][2].", [(1, 2)]),
        ("It is old (1874).", []),
        ("It is [old].", []),
    ],
)
def test_marks_are_read(text: str, documents: list[tuple[int, ...]]) -> None:
    assert [one.documents for one in cited(text)] == documents


def test_a_sentence_is_held_against_what_it_cites_alone() -> None:
    models = Told()
    found = judge(f"{BRIDGE[:-1]} [1].", BOTH, models)
    assert found.score < 0.5
    assert [row[1] for row in models.asked] == [BRIDGE]
    text = f"{BRIDGE[:-1]} [2]."
    found = judge(text, BOTH, Told(otherwise=0.02))
    assert found.score > 0.5
    assert [(span.label, text[span.start : span.end]) for span in found.spans] == [
        ("not in the cited passage", text[:-1])
    ]


def test_a_document_that_is_not_there_is_found_for_certain() -> None:
    text = f"{BRIDGE[:-1]} [7]."
    found = judge(text, BOTH, Told())
    assert found.score == 1.0
    assert [(span.label, text[span.start : span.end]) for span in found.spans] == [("no such document", "[7]")]


@pytest.mark.parametrize(("around", "reason"), [(Surroundings(), "no context"), (BOTH, "cites nothing")])
def test_where_there_is_nothing_to_judge_it_does_not_run(around: Surroundings, reason: str) -> None:
    with pytest.raises(NotRun, match=reason) as caught:
        judge("It is old.", around, Told())
    assert not caught.value.due


@given(st.text(alphabet=st.sampled_from("aB. [1]2,-()\n"), max_size=200))
def test_any_answer_is_read(text: str) -> None:
    for one in cited(text):
        assert 0 <= one.sentence.start < one.mark[1] <= len(text)
        assert one.documents == tuple(sorted(set(one.documents)))
