"""What safety models say: read to the letter, or not at all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import NotRun
from guardrails.guards.safety_answers import READERS, Format, Likely, Token, likely

FORMATS: tuple[Format, ...] = ("llama_guard", "granite_guardian", "yes_no", "json")


def tokens(word: str, **probabilities: float) -> tuple[Token, ...]:
    """As a server tells of the first tokens: a line break, and then the word among others."""
    others = tuple(Likely(one, math.log(chance)) for one, chance in probabilities.items())
    return Token("\n\n", (Likely("\n\n", 0.0),)), Token(word, others)


@pytest.mark.parametrize(
    ("wanted", "said", "score", "codes"),
    [
        ("llama_guard", "safe", 0, ()),
        ("llama_guard", "\n\nsafe\n", 0, ()),
        ("llama_guard", "unsafe\nS1", 1, ("S1",)),
        ("llama_guard", "\n\nunsafe\nS10,S2, S14", 1, ("S10", "S2", "S14")),
        ("llama_guard", "unsafe", 1, ()),
        ("granite_guardian", "Yes", 1, ()),
        ("granite_guardian", "No", 0, ()),
        ("granite_guardian", "Yes\n<confidence> High </confidence>", 1, ()),
        ("granite_guardian", "<score> yes </score>", 1, ()),
        ("granite_guardian", "<score>no</score>", 0, ()),
        ("granite_guardian", "<think>Yes, but no.</think>\n<score> no </score>", 0, ()),
        ("yes_no", "Yes", 1, ()),
        ("yes_no", "no\nIt only asks.", 0, ()),
        ("yes_no", "Yes, it does.", 1, ()),
        ("json", '{"violation": 1, "policy_category": "H2.f", "rationale": "because"}', 1, ("H2.f",)),
        ("json", '{"violation": false, "category": "none"}', 0, ()),
        ("json", ' {"score": 0.25, "categories": ["spam", "spam", "scam"]}\n', 0.25, ("spam", "scam")),
        ("json", '{"score": 0.9, "category": "a\\nline"}', 0.9, ()),
    ],
)
def test_answers(wanted: Format, said: str, score: float, codes: tuple[str, ...]) -> None:
    found = READERS[wanted](said, ())
    assert (found.score, found.codes) == (score, codes)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        *(
            (wanted, said)
            for wanted in FORMATS
            for said in ("", "I cannot help with that.", "maybe", "Yesterday", "None")
        ),
        ("llama_guard", "Safe and sound"),
        ("llama_guard", "safe\nS1"),
        ("llama_guard", "unsafe\nS1,"),
        ("llama_guard", "unsafe\nviolence"),
        ("llama_guard", "safe unsafe"),
        ("llama_guard", "the user message is unsafe"),
        ("granite_guardian", "<score> yes"),
        ("granite_guardian", "<score> no </score> <score> yes </score>"),
        ("granite_guardian", "<think>no</think>"),
        ("granite_guardian", "Not at all"),
        ("yes_no", "nobody knows"),
        ("yes_no", "yes and no"),
        ("json", "{}"),
        ("json", "[]"),
        ("json", '{"violation": null}'),
        ("json", '{"violation": 2}'),
        ("json", '{"violation": "1"}'),
        ("json", '{"score": 1.01}'),
        ("json", 'Sure: {"violation": 0}'),
        ("json", "[" * 10_000),
    ],
)
def test_other_answers_are_none(wanted: Format, said: str) -> None:
    with pytest.raises(NotRun, match="another format"):
        READERS[wanted](said, ())


def test_the_score_is_the_share_of_the_bad_word() -> None:
    found = READERS["llama_guard"]("unsafe\nS1", tokens("unsafe", unsafe=0.6, safe=0.2, other=0.2))
    assert found.score == pytest.approx(0.75)
    found = READERS["yes_no"]("No", tokens("No", **{"No": 0.5, " no": 0.2, "Yes": 0.2, " yes": 0.1}))
    assert found.score == pytest.approx(0.3)
    found = READERS["granite_guardian"]("<score> yes </score>", tokens(" yes", **{" yes": 0.9, " no": 0.1}))
    assert found.score == pytest.approx(0.9)


def test_what_a_model_thought_is_not_its_answer() -> None:
    found = READERS["granite_guardian"](
        "<think>No harm yet</think><score> yes </score>", tokens("No", **{"No": 0.9, "Yes": 0.1})
    )
    assert found.score == 1


def test_without_probabilities_the_word_counts() -> None:
    assert READERS["llama_guard"]("unsafe", (Token("unsafe"),)).score == 1
    assert READERS["llama_guard"]("safe", tokens("safe", other=1.0)).score == 0
    assert READERS["llama_guard"]("unsafe", (Token("un"), Token("safe!", (Likely("x", -1.0),)))).score == 1


@given(
    st.sampled_from(FORMATS),
    st.text(max_size=80) | st.sampled_from(["safe", "unsafe\nS1", "Yes", "No", '{"violation": 1}']),
    st.lists(
        st.builds(
            Token,
            st.sampled_from(["safe", "unsafe", "Yes", " no", "x"]),
            st.lists(
                st.builds(Likely, st.sampled_from(["safe", "unsafe", "yes", "No"]), st.floats(allow_nan=False)),
                max_size=5,
            ).map(tuple),
        ),
        max_size=3,
    ),
)
def test_whatever_is_said_is_a_probability_or_none(wanted: Format, said: str, told: list[Token]) -> None:
    try:
        found = READERS[wanted](said, told)
    except NotRun:
        return
    assert 0 <= found.score <= 1


@given(st.floats(-20, 0), st.floats(-20, 0))
def test_the_likelier_the_bad_word_the_higher_the_score(bad: float, good: float) -> None:
    told = (Token("yes", (Likely("yes", bad), Likely("no", good))),)
    assert likely(told, "yes", "no", True) == pytest.approx(1 / (1 + math.exp(good - bad)))
