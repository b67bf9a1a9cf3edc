"""What holds of every scorer, whatever an answer says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.digest import sha256
from evals.sample import Output, Sample, ToolCall, Usage
from evals.scorers import registry
from evals.scorers.words import f1, words
from tests.evals.scorers.scoring import score, scored, scorer

PURE: dict[str, list[dict[str, Any]]] = {
    "bleu": [{}, {"tokenize": "char", "ignore_case": True}],
    "canary": [{"key": None}],
    "chrf": [{}, {"words": 2}],
    "contains": [{}, {"match": "any", "ignore_case": False, "forbidden": ["a"]}],
    "context_precision": [{}, {"ranked": False}],
    "context_recall": [{}],
    "exact": [{}, {"ignore_case": True}],
    "f1": [{}],
    "forbidden_call": [{"key": None}, {"calls": ["f"]}],
    "grounded": [{}, {"by": "meaning"}],
    "json_schema": [{}, {"schema": {"type": "object"}, "fenced": True}],
    "label": [{"labels": ["a", "b"]}, {"labels": ["a", "b"], "field": "label", "probability": "p"}],
    "numeric": [{}, {"decimal": ",", "take": "first", "after": "a"}],
    "over_refusal": [{}, {"refuse": "never"}],
    "refusal": [{}, {"refuse": "always"}],
    "regex": [{"pattern": "a+"}, {"pattern": r"^\s*$", "absent": True}],
    "rouge": [{}, {"of": "rougeLsum", "measure": "recall"}, {"stem": True, "of": "rouge2"}],
    "similarity": [{}, {"least": 0.5}],
    "tools": [{}, {"order": "any", "partial": True, "arguments": "contain"}],
}
"""From 0 to 1, and options to try."""
CASES = [(kind, options) for kind, several in PURE.items() for options in several]
TEXT = st.text(max_size=200) | st.sampled_from(
    [
        "",
        "\0",
        "1",
        "-1e9",
        "NaN",
        "{}",
        '{"label": "a", "p": 0.5}',
        "```\n[]\n```",
        "I can't help with that.",
        "。",
        "a" * 500,
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OUTPUT = st.builds(
    Output,
    text=TEXT,
    tool_calls=st.lists(st.builds(ToolCall, name=st.sampled_from("fg"), arguments=JSON), max_size=3).map(tuple),
    messages=st.lists(
        st.builds(
            lambda role, content: {"role": role, "content": content}, st.sampled_from(["tool", "assistant"]), TEXT
        ),
        max_size=2,
    ).map(tuple),
    finish=st.sampled_from([None, "stop", "content_filter"]),
)
SAMPLE = st.builds(
    Sample,
    id=st.just("s"),
    expected=JSON,
    documents=st.lists(TEXT, max_size=2).map(tuple),
    metadata=st.fixed_dictionaries({}, optional={"retrieved": JSON, "relevant": JSON}),
)


@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
@settings(max_examples=40, deadline=None)
@given(output=OUTPUT, sample=SAMPLE)
def test_a_score_is_from_0_to_1_or_none_with_its_reason(
    kind: str, options: dict[str, Any], output: Output, sample: Sample
) -> None:
    found = scored(scorer(kind, **options), output, sample)
    if found.value is None:
        assert found.reason
    else:
        assert 0 <= found.value <= 1


RUNAWAY = [
    "```json\n",
    "`",
    " ",
    "9",
    "1,2",
    "1'1",
    "word ",
    ". ",
    "猫",
    "i am ",
    "Z-e-b-r-a ",
    "'a",
    "1e",
    "\n",
    "{",
    "[",
]
"""What models repeat until they are stopped."""


@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
def test_answers_that_ran_away_are_scored_too(kind: str, options: dict[str, Any]) -> None:
    """In time that grows with the answer: with its square, this would take minutes."""
    sample = Sample("s", expected="Zebra-7731", documents=("a word. " * 50,), metadata={"relevant": ["a word"]})
    for piece in RUNAWAY:
        found = scored(scorer(kind, **options), piece * (40_000 // len(piece)), sample)
        assert found.value is None or 0 <= found.value <= 1


@pytest.mark.parametrize("kind", ["exact", "f1", "chrf", "rouge", "contains"])
@settings(max_examples=40, deadline=None)
@given(text=st.text(alphabet=st.characters(categories=["L", "Nd", "Zs"]), min_size=1).filter(str.strip))
def test_the_expected_text_itself_scores_1(kind: str, text: str) -> None:
    assert score(kind, text, text).value == pytest.approx(1)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_f1_of_words_is_symmetric_and_knows_no_order(one: list[str], other: list[str]) -> None:
    assert f1(one, other) == f1(other, one) == f1(one[::-1], other)
    assert f1(one, other) == f1(one + one, other + other)


@given(st.text())
def test_words_are_of_one_case_and_form(text: str) -> None:
    assert words(text.upper()) == words(text.upper().lower())
    assert all(word and not word.isspace() for word in words(text))


def test_every_scorer_says_what_it_measures_and_has_a_digest() -> None:
    needed: dict[str, dict[str, Any]] = {"python": {"call": "math:sqrt"}, **{k: v[0] for k, v in PURE.items()}}
    for kind in registry.BUILT_IN:
        cls = registry.find(kind)
        assert cls.about
        assert cls.__doc__
        if kind in needed:
            made = cls.model_validate({"kind": kind, **needed[kind]})
            again = cls.model_validate({"kind": kind, **needed[kind], "name": "other"})
            assert made.metric == kind
            assert sha256(made.identity) != sha256(again.identity)


@pytest.mark.parametrize(
    ("kind", "options", "sample", "applies"),
    [
        ("exact", {}, Sample("1", expected="x"), True),
        ("exact", {}, Sample("1"), False),
        ("contains", {"texts": ["x"]}, Sample("1"), True),
        ("contains", {}, Sample("1"), False),
        ("canary", {"texts": ["x"]}, Sample("1"), True),
        ("canary", {}, Sample("1", expected={"canary": "x"}), True),
        ("canary", {}, Sample("1", expected="x"), False),
        ("forbidden_call", {"calls": ["f"]}, Sample("1"), True),
        ("forbidden_call", {}, Sample("1"), False),
        ("label", {"labels": ["a", "b"]}, Sample("1", expected="A"), True),
        ("label", {"labels": ["a", "b"]}, Sample("1", expected="c"), False),
        ("numeric", {}, Sample("1", expected="1,000"), True),
        ("numeric", {}, Sample("1", expected="many"), False),
        ("refusal", {"refuse": "always"}, Sample("1"), True),
        ("refusal", {}, Sample("1", expected={"refuse": False}), True),
        ("refusal", {}, Sample("1", expected={"refuse": "no"}), False),
        ("over_refusal", {}, Sample("1", expected={"refuse": False}), True),
        ("over_refusal", {}, Sample("1", expected={"refuse": True}), False),
        ("context_recall", {}, Sample("1", metadata={"relevant": ["a"]}), True),
        ("context_recall", {}, Sample("1", metadata={"relevant": []}), False),
        ("latency", {}, Sample("1"), True),
    ],
)
def test_which_samples_a_scorer_applies_to(kind: str, options: dict[str, Any], sample: Sample, applies: bool) -> None:
    """To others it gives no score, whatever the answer."""
    made = scorer(kind, **options)
    assert made.applies(sample) is applies
    assert (scored(made, "x", sample).value is not None) is applies


def test_latency_and_cost() -> None:
    took = Output(seconds=1.5, first_token=0.2, usage=Usage(cost=2500))
    assert score("latency", took).value == 1.5
    assert score("latency", took, of="first_token").value == 0.2
    assert score("latency", Output(seconds=1.5), of="first_token").value is None
    assert score("cost", took).value == 2500
    assert score("cost", Output(usage=Usage(cost=None))).value is None
    for kind in ("latency", "cost"):
        assert registry.find(kind).lower
        assert score(kind, Output(seconds=1, reused=True)).value is None
