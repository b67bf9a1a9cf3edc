"""YAML that is JSON by another name: what JSON cannot say is refused, and nothing is silently lost."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.strict_yaml import documents

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=5)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(TEXT, inner | st.none(), max_size=3),
    max_leaves=10,
)


LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
MERGED = "a0: &a0 {x: y}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 30))


@given(st.lists(JSON, max_size=3))
def test_what_json_can_say_is_read(values: list[Any]) -> None:
    assert documents(yaml.safe_dump_all(values)) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("---\n---\n# nothing\n", []),
        ("a: 1\n---\nb: 2", [{"a": 1}, {"b": 2}]),
        ("retires: 2027-01-01", [{"retires": "2027-01-01"}]),
        ("a: &x [1]\nb: [*x, *x]", [{"a": [1], "b": [[1], [1]]}]),
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}", [{"a": {"b": 1}, "c": {"b": 1, "d": 2}}]),
    ],
)
def test_documents(text: str, values: list[Any]) -> None:
    assert documents(text) == values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2", "'a' is given twice"),
        ("x: {a: 1, b: 2, a: 1}", "'a' is given twice"),
        ("1: a", "the key 1 is no text"),
        ("on: a", "the key True is no text"),
        ("? [a]\n: b", "is no text"),
        ("? {a: b}\n: c", "is no text"),
        ("a: .nan", "not finite"),
        ("a: [-.inf]", "not finite"),
        ("a: 99999999999999999999", "none of JSON's"),
        ("a: !!binary aGk=", "none of JSON's"),
        ("a: !!set {b, c}", "none of JSON's"),
        ("a: !!timestamp 2027-01-01", "none of JSON's"),
        ("[" * 2000, "nested too deeply"),
        ("a: &a [*a]", "nested too deeply"),
        (LAUGHS, "aliases stand for too much"),
        (MERGED, "aliases stand for too much"),
        ("[" * 300 + "]" * 300, "none of JSON's"),
        ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("a: [", "line 1"),
        ("\x00", "not allowed"),
    ],
)
def test_what_json_cannot_say_is_refused(text: str, words: str) -> None:
    with pytest.raises(yaml.YAMLError) as refused:
        documents(text)
    assert words in str(refused.value)
