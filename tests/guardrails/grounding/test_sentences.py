# ruff: noqa: RUF001 - marks of many scripts
from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.grounding.sentences import LONGEST, sentences


def texts(text: str) -> list[str]:
    return [one.text for one in sentences(text)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("It rains. It pours!", ["It rains.", "It pours!"]),
        ("Dr. Smith paid $3.50 for No. 5. He left.", ["Dr. Smith paid $3.50 for No. 5.", "He left."]),
        ("J. R. Tolkien et al. wrote it. True?", ["J. R. Tolkien et al. wrote it.", "True?"]),
        ("He came at 5 p.m. She left.", ["He came at 5 p.m.", "She left."]),
        ("It is in the U.S. in spring.", ["It is in the U.S. in spring."]),
        ('"It is." He left (at last.) Now.', ['"It is."', "He left (at last.)", "Now."]),
        ("# Title\n- one thing\n2. another one", ["Title", "one thing", "another one"]),
        ("这是一。这是二！还有", ["这是一。", "这是二！", "还有"]),
        ("यह एक है। यह दो है।", ["यह एक है।", "यह दो है।"]),
        ("هل هذا؟ نعم.", ["هل هذا؟", "نعم."]),
        ("Wait... and see. Good.", ["Wait... and see.", "Good."]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_sentences_end_where_people_end_them(text: str, parts: list[str]) -> None:
    assert texts(text) == parts


@given(st.text(alphabet=st.sampled_from('aB1 .!?。\n-#*)"é中'), max_size=300))
def test_nothing_but_marks_and_space_is_left_out(text: str) -> None:
    found = sentences(text)
    assert all(one.text == text[one.start : one.end] and one.text == one.text.strip() != "" for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    covered = {at for one in found for at in range(one.start, one.end)}
    assert all(text[at].isspace() or text[at] in "-#*.)1" for at in range(len(text)) if at not in covered)


@given(st.integers(1, 5000))
def test_a_text_without_marks_is_cut(length: int) -> None:
    assert max(len(one) for one in texts("word " * length)) <= LONGEST
    assert "".join(texts("x" * length)) == "x" * length
