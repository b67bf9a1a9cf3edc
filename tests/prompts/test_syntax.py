"""The syntax tree of a template: bounded before it is made, and searched however deep it is."""

from __future__ import annotations

import pytest
from jinja2 import nodes

from gateway.errors import BadRequest
from gateway.prompts.filters import MAX_CHARACTERS
from gateway.prompts.syntax import MAX_TOKENS, included, includes, parse

LONG = MAX_CHARACTERS


@pytest.mark.parametrize(
    "source",
    [
        "a" * (LONG + 1),
        "{{ " + "1" * 5000 + " }}",
        "{{a}}" * (LONG // 5),
        "{{a" + ".b" * (LONG // 2 - 5) + "}}",
        "{{a" + "~a" * (LONG // 2 - 5) + "}}",
        "{{[" + "a," * (LONG // 2 - 5) + "]}}",
        "{% if a %}{% endif %}" * (LONG // 21),
        "{{" + "(" * MAX_TOKENS,
        "{{" + "not " * (LONG // 4 - 1),
        "{{" * (LONG // 2),
        "{#" * (LONG // 2),
        "{% raw %}" * (LONG // 9),
        "{" * LONG,
        "{{",
    ],
    ids=lambda source: f"{source[:12]}…",
)
def test_what_would_take_long_to_compile_is_refused(source: str) -> None:
    """Each of these is in time with the bound, not with its own length."""
    with pytest.raises(BadRequest) as refused:
        parse(source, "here")
    assert (refused.value.param, refused.value.code) == ("here", "invalid_template")


def test_a_long_text_is_no_long_template() -> None:
    [output] = parse("a" * (LONG - 5) + "{{b}}", "here").body
    assert isinstance(output, nodes.Output)
    assert len(output.nodes) == 2


def test_what_is_included_is_found_however_deep() -> None:
    source = "{% if a" + ".b" * 5000 + " %}{% for a in b %}{% include 'x/y@2' %}{% endfor %}{% endif %}{% include c %}"
    assert sorted(str(included(node)) for node in includes(parse(source, "here"))) == ["None", "x/y"]
