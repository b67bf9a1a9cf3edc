"""The filters of the template language: what each gives, and that none fails but by refusing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.filters import FILTERS
from gateway.prompts.template import Template
from tests.prompts.test_template import JSON, rendered


@pytest.mark.parametrize(
    ("expression", "value", "written"),
    [
        ("capitalize", "éCOLE du", "École du"),
        ("default('d')", "a", "a"),
        ("default('d')", "", ""),
        ("default('d')", None, "null"),
        ("default('d', true)", "", "d"),
        ("default('d', true)", 0, "d"),
        ("default('d', true)", "a", "a"),
        ("first", ["a", "b"], "a"),
        ("first", "ab", "a"),
        ("first", [], ""),
        ("last", ["a", "b"], "b"),
        ("last", "", ""),
        ("indent", "a\nb", "a\n    b"),
        ("indent(2)", "a\nb\nc", "a\n  b\n  c"),
        ("indent(1000)", "a\nb", "a\n" + " " * 80 + "b"),
        ("join", ["a", "b"], "ab"),
        ("join(', ')", ["a", 1, True, None], "a, 1, true, null"),
        ("join(', ')", [], ""),
        ("join(0)", ["a", "b"], "a0b"),
        ("length", "é€", "2"),
        ("length", [1, 2, 3], "3"),
        ("length", {"a": 1}, "1"),
        ("lower", "ÀB", "àb"),
        ("replace('a', 'b')", "banana", "bbnbnb"),
        ("replace('1', '2')", 11, "22"),
        ("title", "the gate", "The Gate"),
        ("tojson", {"b": [1, None], "a": "é<"}, '{"b":[1,null],"a":"é<"}'),
        ("tojson", "a", '"a"'),
        ("trim", " \n a b\t", "a b"),
        ("truncate(5)", "abcdef", "ab..."),
        ("truncate(6)", "abcdef", "abcdef"),
        ("truncate(5, '…')", "abcdef", "abcd…"),
        ("truncate(2)", "abcdef", "..."),
        ("upper", "straße", "STRASSE"),
        ("upper", True, "TRUE"),
        ("trim | upper | truncate(2, '')", " abc ", "AB"),
    ],
)
def test_each_filter(expression: str, value: Any, written: str) -> None:
    assert rendered(f"{{{{ x | {expression} }}}}", x=value) == written


def test_every_filter_is_tested() -> None:
    """And only what is listed is a filter."""
    [parameters] = [mark.args[1] for mark in test_each_filter.pytestmark]
    assert {expression.partition("(")[0].split(" ")[0] for expression, *_ in parameters} == FILTERS.keys()


@pytest.mark.parametrize("name", sorted(FILTERS))
@given(JSON, JSON)
def test_whatever_it_is_given_a_filter_answers_or_refuses(name: str, value: Any, argument: Any) -> None:
    for source in (f"{{{{ x | {name} }}}}", f"{{{{ x | {name}(y) }}}}", f"{{{{ x | {name}(y, y) }}}}"):
        with suppress(BadRequest):
            assert isinstance(rendered(source, x=value, y=argument), str)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("join", "abc"),
        ("length", 5),
        ("first", {"a": 1}),
        ("first", 5),
        ("replace(1, 2)", "a"),
        ("truncate('long')", "a"),
        ("indent(1e400)", "a"),
        ("tojson | tojson", 2**64),
    ],
)
def test_what_does_not_fit_is_refused(expression: str, value: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        rendered(f"{{{{ x | {expression} }}}}", x=value)
    assert (refused.value.param, refused.value.code) == ("prompt.variables", "invalid_value")


@pytest.mark.parametrize("expression", ["attr('a')", "map('upper')", "upper(name='a')", "safe", "format(1)"])
def test_there_are_no_other_filters(expression: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Template.compile(f"{{{{ x | {expression} }}}}", "here")
    assert refused.value.code == "invalid_template"
    assert all(name in refused.value.message for name in FILTERS)


@given(st.text(), st.integers(0, 20))
def test_truncate_keeps_to_its_length(text: str, length: int) -> None:
    short = rendered(f"{{{{ x | truncate({length}) }}}}", x=text)
    assert short == text if len(text) <= length else len(short) == max(length, 3)
