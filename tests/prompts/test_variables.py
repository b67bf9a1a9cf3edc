"""A prompt's variables: every type of a schema, and a refusal that names the variable at fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.variables import Variables, schema_of

FITTING: dict[str, Any] = {
    "string": "a",
    "integer": 3,
    "number": 2.5,
    "boolean": True,
    "array": ["a"],
    "object": {"a": 1},
    "null": None,
}
SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=5)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)


def fits(kind: str, value: Any) -> bool:
    """What JSON Schema calls a value of `kind`, said with Python's types."""
    if kind == "integer":
        return type(value) is int or (type(value) is float and value.is_integer())
    if kind == "number":
        return type(value) in (int, float)
    return type(value) is type(FITTING[kind])


def variables(**declared: Any) -> Variables:
    return Variables.compile(schema_of(declared))


def refusal(compiled: Variables, values: dict[str, Any]) -> tuple[str | None, str | None]:
    with pytest.raises(BadRequest) as refused:
        compiled.check(values)
    assert refused.value.param is not None
    assert refused.value.param.rpartition(".")[2] in refused.value.message
    return refused.value.param, refused.value.code


@pytest.mark.parametrize("kind", FITTING)
@given(VALUES)
def test_every_type_takes_its_values_and_no_others(kind: str, value: Any) -> None:
    compiled = variables(x=kind)
    if fits(kind, value) and value not in (float("inf"), -float("inf")):
        assert compiled.check({"x": value}) == {"x": value}
    elif not fits(kind, value):
        assert refusal(compiled, {"x": value}) == ("prompt.variables.x", "invalid_variable")


@pytest.mark.parametrize("kind", FITTING)
def test_a_missing_one_is_named(kind: str) -> None:
    assert refusal(variables(x=kind, y=kind), {"y": FITTING[kind]}) == ("prompt.variables.x", "missing_variable")


@pytest.mark.parametrize("kind", FITTING)
def test_an_unknown_one_is_named_beside_those_there_are(kind: str) -> None:
    with pytest.raises(BadRequest) as refused:
        variables(x=kind, y=kind).check({"x": FITTING[kind], "y": FITTING[kind], "z": 1})
    assert (refused.value.param, refused.value.code) == ("prompt.variables.z", "unknown_variable")
    assert "x, y" in refused.value.message


def test_defaults_are_filled_in_and_checked() -> None:
    compiled = variables(name="string", tone={"type": "string", "default": "warm"}, n={"type": "integer", "default": 3})
    assert compiled.check({"name": "a"}) == {"name": "a", "tone": "warm", "n": 3}
    assert compiled.check({"name": "a", "tone": "cold"})["tone"] == "cold"
    assert refusal(compiled, {"name": "a", "n": "x"}) == ("prompt.variables.n", "invalid_variable")


def test_what_the_caller_gave_is_left_as_it_was() -> None:
    given_ = {"name": "a"}
    variables(name="string", tone={"type": "string", "default": "warm"}).check(given_)
    assert given_ == {"name": "a"}


@pytest.mark.parametrize(
    ("schema", "value", "param"),
    [
        ({"enum": ["warm", "cold"]}, "hot", "x"),
        ({"type": "string", "maxLength": 3}, "long", "x"),
        ({"type": "string", "pattern": "^[a-z]+$"}, "A", "x"),
        ({"type": "integer", "minimum": 1}, 0, "x"),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1], "x.1"),
        ({"type": "array", "maxItems": 1}, ["a", "b"], "x"),
        ({"type": "object", "properties": {"id": {"type": "integer"}}}, {"id": "a"}, "x.id"),
        ({"type": ["string", "null"]}, 1, "x"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, 1.5, "x"),
    ],
)
def test_whatever_a_schema_asks_for_is_held(schema: dict[str, Any], value: Any, param: str) -> None:
    compiled = variables(x=schema)
    with pytest.raises(BadRequest) as refused:
        compiled.check({"x": value})
    assert (refused.value.param, refused.value.code) == (f"prompt.variables.{param}", "invalid_variable")
    assert refused.value.message.startswith(f"prompt.variables.{param}: ")


def test_a_long_value_is_not_told_back() -> None:
    with pytest.raises(BadRequest) as refused:
        variables(x="integer").check({"x": "secret" * 1000})
    assert len(refused.value.message) < 200
    assert refused.value.param == "prompt.variables.x"


def test_the_short_form_is_a_schema() -> None:
    declared = {"question": "string", "n": {"type": "integer", "default": 3}}
    assert schema_of(declared) == {
        "type": "object",
        "properties": {"question": {"type": "string"}, "n": {"type": "integer", "default": 3}},
        "required": ["question"],
        "additionalProperties": False,
    }
    assert schema_of(schema_of(declared)) == schema_of(declared)


def test_a_variable_may_be_declared_by_true_alone() -> None:
    variables = Variables.compile({"type": "object", "properties": {"a": True, "b": {"default": 1}}, "required": ["a"]})
    assert variables.check({"a": [1]}) == {"a": [1], "b": 1}


def test_a_whole_schema_may_leave_variables_open() -> None:
    compiled = Variables.compile(
        {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": True}
    )
    assert compiled.open
    assert compiled.check({"y": 1}) == {"y": 1}
    closed = Variables.compile({"type": "object", "properties": {"x": {"type": "string"}}})
    assert not closed.open
    assert closed.check({}) == {}
    assert refusal(closed, {"y": 1}) == ("prompt.variables.y", "unknown_variable")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"x": {"type": "text"}}},
        {"type": "object", "properties": {"x": 5}},
        {"type": "object", "properties": {}, "required": "x"},
        {"type": "object", "properties": {"x": {"pattern": "("}}},
    ],
)
def test_what_is_no_schema_is_refused_with_its_place(schema: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refused:
        Variables.compile(schema, "prompts.p.variables")
    assert (refused.value.param, refused.value.code) == ("prompts.p.variables", "invalid_schema")
    assert refused.value.message.startswith("prompts.p.variables: ")


HELD: dict[str, Any] = {
    "text": {"type": "string"},
    "either": {"type": ["string", "object"]},
    "anything": {},
    "choice": {"anyOf": [{"type": "string"}, {"type": "object"}]},
    "order": {"type": "object", "properties": {"id": {"type": "integer"}, "buyer": {"type": "object"}}},
    "orders": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}},
    "pair": {"type": "array", "prefixItems": [{"type": "object"}], "items": {"type": "string"}},
}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("text.a", False),
        ("text.0", False),
        ("text.?", False),
        ("either.a", True),
        ("either.0", False),
        ("anything.a", True),
        ("choice.a", True),
        ("undeclared.a", True),
        ("order.id", True),
        ("order.unheard_of", True),
        ("order.unheard_of.a", True),
        ("order.0", False),
        ("order.?", True),
        ("order.id.a", False),
        ("order.buyer.a.b", True),
        ("orders.0", True),
        ("orders.id", False),
        ("orders.0.id", True),
        ("orders.0.id.a", False),
        ("pair.0.a", True),
    ],
)
def test_what_may_be_looked_up_is_by_the_schema(steps: str, expected: bool) -> None:
    *holder, key = [int(step) if step.isdigit() else None if step == "?" else step for step in steps.split(".")]
    assert variables(**HELD).may_hold(holder, key) == expected
