from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import NotRun
from guardrails.guards.schema import Schema, repair
from guardrails.passage import ALONE, Passage, Surroundings
from tests.guardrails.guards.asking import NoModels

PERSON = {
    "type": "json_schema",
    "json_schema": {
        "name": "person",
        "schema": {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]},
    },
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
HOLDING = VALUES.filter(lambda value: isinstance(value, dict | list))


def judged(text: str, response_format: Any = PERSON) -> tuple[float, str]:
    around = Surroundings(response_format=response_format)
    finding = asyncio.run(Schema().judge(Passage(text, "output"), around, NoModels()))
    return finding.score, finding.reason


@pytest.mark.parametrize(
    ("text", "score", "reason"),
    [
        ('{"age": 3}', 0.0, ""),
        ('{"age": "3"}', 1.0, "age: it breaks the rule properties.age.type of the schema"),
        ("{}", 1.0, "it breaks the rule required of the schema"),
        ("I cannot say.", 1.0, "it is no JSON"),
        ("```json\n{'age': 3,}\n```", 1.0, "it is no JSON; it can be repaired"),
        ("{'age': 'three'}", 1.0, "it is no JSON"),
    ],
)
def test_an_answer_is_held_against_the_schema(text: str, score: float, reason: str) -> None:
    assert judged(text) == (score, reason)


def test_the_shapes_in_which_json_is_asked_for() -> None:
    flat = {"type": "json_schema", "name": "person", "schema": PERSON["json_schema"]["schema"]}  # type: ignore[index]
    assert judged("{}", flat)[0] == 1.0
    assert judged("[]", {"type": "json_object"})[0] == 1.0
    assert judged("{}", {"type": "json_object"})[0] == 0.0


@pytest.mark.parametrize("response_format", [None, {"type": "text"}])
def test_it_does_not_run_where_no_json_was_asked_for(response_format: Any) -> None:
    with pytest.raises(NotRun, match="no JSON was asked for") as caught:
        judged("hello", response_format)
    assert not caught.value.due


@pytest.mark.parametrize(
    "schema", [{"type": "nothing"}, {"$ref": "https://example.com/schema"}, {"pattern": "(a+)+(?=b)"}]
)
def test_a_schema_that_cannot_be_read_is_said(schema: Any) -> None:
    with pytest.raises(NotRun, match="the JSON Schema cannot be read"):
        judged("{}", {"type": "json_schema", "schema": schema})


def test_only_a_repair_that_matches_is_taken() -> None:
    around = Surroundings(response_format=PERSON)
    assert Schema().repaired("{age: 3", around) == '{"age":3}'
    assert Schema().repaired("{age: x", around) is None
    assert Schema().repaired('{"age": 3}', around) is None
    assert Schema().repaired("{age: 3", ALONE) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Here it is: {"a": [1, 2,],} Good luck!', {"a": [1, 2]}),
        ("{'a': 'it\\'s', \"b\": True, c: None}", {"a": "it's", "b": True, "c": None}),
        ('{"a": {"b": [1, 2', {"a": {"b": [1, 2]}}),
        ('{"a": "cut o', {"a": "cut o"}),
        ('{"a": 1, "b":', {"a": 1}),
        ('{"a": tru', {"a": True}),
        ('{"a": 12.', {"a": 12}),
        ('{"a": 1 /* one */, // two\n "b": 2}', {"a": 1, "b": 2}),
        ("{“a”: “b”}", {"a": "b"}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}),
        ('[{"a": 1} {"a": 2}]', [{"a": 1}, {"a": 2}]),
    ],
)
def test_cheap_faults_are_undone(text: str, value: Any) -> None:
    made = repair(text)
    assert made is not None
    assert json.loads(made) == value


@pytest.mark.parametrize("text", ["", "no braces here", "[" * 5000, "{" * 2_000_000])
def test_of_what_holds_nothing_or_too_much_nothing_is_made(text: str) -> None:
    assert repair(text) is None


@given(VALUES)
def test_json_is_never_changed(value: Any) -> None:
    text = json.dumps(value)
    assert repair(text) == text


@given(HOLDING, st.data())
def test_what_was_cut_off_is_closed(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    made = repair(text[: data.draw(st.integers(1, len(text)))])
    assert made is not None
    assert type(json.loads(made)) is type(value)


@given(st.text("{}[]\",:'\\u0a1.-e tn/*\n", max_size=60))
def test_whatever_comes_a_repair_is_json_or_none(text: str) -> None:
    made = repair(text)
    assert made is None or json.loads(made) is not NotImplemented


@given(HOLDING)
def test_trailing_commas_and_fences_change_nothing(value: Any) -> None:
    text = json.dumps(value)
    made = repair(f"Sure!\n```json\n{text[:-1]},{text[-1]}\n```\nDone")
    assert made is not None
    assert json.loads(made) == value
