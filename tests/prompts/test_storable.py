"""Values that can be kept, and where one is that cannot."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import ValidationError

from gateway.prompts.storable import MAX_DEPTH, check_storable

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=5)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
FAULTS = (
    "\x00",
    "a\ud800b",
    "\udfff",
    float("nan"),
    float("inf"),
    2**63,
    -(2**63) - 1,
    b"a",
    {1},
    {1: "a"},
    {"\x00": 1},
)
STEPS = st.lists(TEXTS | st.integers(0, 2), max_size=4)


def refusal(value: Any) -> tuple[tuple[Any, ...], str]:
    with pytest.raises(ValidationError) as refused:
        check_storable(value)
    [fault] = refused.value.errors()
    return fault["loc"], fault["msg"]


@given(VALUES)
def test_json_is_let_through_as_it_is(value: Any) -> None:
    assert check_storable(value) is value
    assert orjson.loads(orjson.dumps(value)) == value


@pytest.mark.parametrize("fault", FAULTS, ids=ascii)
@given(STEPS, VALUES)
def test_a_fault_is_found_wherever_it_is(fault: Any, steps: list[str | int], other: Any) -> None:
    value = fault
    for step in reversed(steps):
        value = {step: value, f"{step}2": other} if isinstance(step, str) else [other] * step + [value, other]
    assert refusal(value)[0] == tuple(steps)


@pytest.mark.parametrize("levels", [MAX_DEPTH, MAX_DEPTH + 1, 100_000])
def test_depth_is_bounded(levels: int) -> None:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    if levels == MAX_DEPTH:
        assert check_storable(value) is value
    else:
        assert refusal(value) == ((), f"it is nested deeper than {MAX_DEPTH} levels")
