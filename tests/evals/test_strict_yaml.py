"""YAML that is JSON by another name: what JSON cannot say is refused, and nothing is silently lost."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evals.strict_yaml import Malformed, documents, read

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
        ("a: !!int x", "not what its tag says"),
        ("a: !!bool x", "not what its tag says"),
        ("a: !!binary aGk=", "none of JSON's"),
        ("a: !!set {b, c}", "none of JSON's"),
        ("a: !!timestamp 2027-01-01", "none of JSON's"),
        ("[" * 2000, "nested too deeply"),
        ("a: &a [*a]", "nested too deeply"),
        (LAUGHS, "aliases stand for too much"),
        (MERGED, "aliases stand for too much"),
        ("[" * 300 + "]" * 300, "none of JSON's"),
        ("a: !!python/object/apply:os.system [id]", "its tag is of another kind"),
        ("a: [", "line 1"),
        ("a: [who? x]", "expected ',' or ']', but got '?'"),
        ("a: [*secret, b]", "found undefined alias"),
        ("\x00", "not allowed"),
        (r'a: "\ud800"', "none of JSON's"),
        ("a: =", "its tag is of another kind"),
    ],
)
def test_what_json_cannot_say_is_refused(text: str, words: str) -> None:
    with pytest.raises(Malformed) as refused:
        documents(text)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\n\na: 3", 4),
        ("a:\n  - x\n  - .nan", 3),
        ("a: b: c", 1),
        ("a: 1\n? [b]\n: c", 2),
        ("---\na: 1\n---\n1: b", 4),
        ("a: {\n  b: [\n", 3),
        ("a: &a [*a]", None),
    ],
)
def test_what_is_refused_has_its_line(text: str, line: int | None) -> None:
    with pytest.raises(Malformed) as refused:
        documents(text)
    assert refused.value.line == line


# Lines ---------------------------------------------------------------------------------------------------------------

Tree = dict[str, Any] | list[Any] | int
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.integers(0, 9),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)


def laid_out(tree: Tree, gap: int) -> tuple[str, dict[tuple[str | int, ...], int]]:
    """The tree as block-style YAML with `gap` blank lines after each line, and the line of every place in it."""
    lines: list[str] = []
    places: dict[tuple[str | int, ...], int] = {}

    def put(node: Tree, place: tuple[str | int, ...], indent: str) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for step, below in items:
            head = f"{indent}{step}:" if isinstance(node, dict) else f"{indent}-"
            if isinstance(node, list) and not isinstance(below, int):
                lines.extend([head, *[""] * gap])
                places[(*place, step)] = len(lines) + 1  # an item begins where its first key or item does
            else:
                lines.extend([f"{head} {below}" if isinstance(below, int) else head, *[""] * gap])
                places[(*place, step)] = len(lines) - gap
            put(below, (*place, step), f"{indent}  ")

    put(tree, (), "")
    return "\n".join(lines), places


@given(TREES.filter(lambda tree: not isinstance(tree, int)), st.integers(0, 2))
def test_every_value_has_its_line(tree: Tree, gap: int) -> None:
    text, places = laid_out(tree, gap)
    (document,) = read(text)
    assert document.value == tree
    assert {place: document.line(place) for place in places} == places
    for place in places:
        assert document.holds(place)
        assert not document.holds((*place, "nowhere"))
        assert document.line((*place, "nowhere")) == places[place]
