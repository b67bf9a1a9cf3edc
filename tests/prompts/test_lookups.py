"""What a template looks up, and where that is told."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.prompts.template import Template


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ (a).b['c'].d }}", {(("a",), "b"), (("a", "b"), "c"), (("a", "b", "c"), "d")}),
        ("{{ a[0].b }}", {(("a",), 0), (("a", 0), "b")}),
        ("{{ a[b].c }}", {(("a",), None)}),
        ("{% for a in b.c %}{{ a.d }}{{ loop.index }}{% endfor %}", {(("b",), "c")}),
        ("{% for a in b %}{% include 'p' %}{% endfor %}{{ a.x }}", {(("a",), "x"), (("c",), "d")}),
    ],
)
def test_what_it_looks_up_is_known(source: str, expected: set[tuple[tuple[Any, ...], Any]]) -> None:
    partial = Template.compile("{{ a.b }}{{ c.d }}", "there")
    lookups = Template.compile(source, "here", {"p": partial}).lookups
    assert {(lookup.holder, lookup.key) for lookup in lookups} == expected


def test_the_place_of_a_lookup_is_told() -> None:
    [lookup] = Template.compile("\n{{ order.id }}", "here").lookups
    refusal = lookup.refusal()
    assert (refusal.param, refusal.code) == ("here", "invalid_template")
    assert refusal.message.startswith("here, line 2: 'order' ")
