"""Templates: what is in the language, what is refused and where, and the bounds of rendering."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.filters import MAX_CHARACTERS
from gateway.prompts.page import MAX_STEPS
from gateway.prompts.template import Template

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
PIECES = (
    "{{ {% %} }} {{- -%} {# #} ( ) [ ] , . : | ~ + - * / ** % == != < >= in not and or is if else elif endif for "
    "endfor set macro call import include extends block filter raw endraw with autoescape x y loop item self 0 1 1.5 "
    "1e400 'a' upper first last join length default indent truncate replace tojson title trim attr map format "
    "defined none x.__class__ ().__class__ x() dict lipsum range namespace cycler \n é"
).split(" ")
ATTACKS = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ x.__class__.__init__.__globals__['os'].popen('id').read() }}",
    "{{ x | attr('__class__') }}",
    "{{ '%s' | format(x) }}",
    "{{ x | map('upper') | list }}",
    "{{ x() }}",
    "{{ range(10) }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{% import 'os' as os %}",
    "{% include '/etc/passwd' %}",
    "{% extends 'base' %}",
    "{% set x = 1 %}",
    "{% macro m() %}{% endmacro %}",
    "{% block b %}{% endblock %}",
    "{% with a = 1 %}{% endwith %}",
    "{% filter upper %}a{% endfilter %}",
    "{% call x() %}{% endcall %}",
    "{% for a in x recursive %}{{ loop(a) }}{% endfor %}",
    "{% for a in x if a %}{% endfor %}",
    "{% for a, b in x %}{% endfor %}",
    "{{ x * 1000000 }}",
    "{{ x ** x }}",
    "{{ x[1:2] }}",
    "{{ {'a': 1} }}",
    "{{ x | join(attribute='__class__') }}",
    "{{ x | default(*x) }}",
    "{{ 1 < x < 3 }}",
    "{{ ''.__class__ }}",
    "{{ 'a'.upper }}",
    "{{ ('a').upper }}",
    "{{ 'a'['upper'] }}",
    "{{ 5.real }}",
    "{{ [].append }}",
    "{{ [x][0] }}",
    "{{ (x, y)[0] }}",
    "{{ (x ~ 'a').y }}",
    "{{ (x or 'a').y }}",
    "{{ ('a' if x else 'b').y }}",
    "{{ (not x).y }}",
    "{{ (x == 1).y }}",
    "{{ ('a' | upper).y }}",
    "{{ (x | first).y }}",
    "{{ ('a' is defined).y }}",
    "{{ ''.a.b }}",
    "{% for a in ''.a %}{% endfor %}",
    "{% if ''.a is defined %}{% endif %}",
    "{{ x.__class__ }}",
    "{{ (x).__class__ }}",
    "{{ x['__class__'] }}",
    "{{ x['__class__']['__mro__'] }}",
    "{{ x.y.__dict__ }}",
    "{{ loop.__class__ }}",
)


def rendered(source: str, **variables: Any) -> str:
    return Template.compile(source, "here").render(variables)


@pytest.mark.parametrize("source", ATTACKS)
def test_what_is_not_in_the_language_does_not_compile(source: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Template.compile(f"first line\n{source}", "prompts.p.messages[0].content")
    assert refused.value.param == "prompts.p.messages[0].content"
    assert refused.value.code == "invalid_template"
    assert "prompts.p.messages[0].content, line 2: " in refused.value.message


@pytest.mark.parametrize(
    "source", ["{{ x.keys }}", "{{ (x).keys }}", "{{ x['_' ~ '_class__'] }}", "{{ x.y.items }}", "{{ loop.x }}"]
)
def test_a_dot_is_a_look_up_in_data_and_nothing_else(source: str) -> None:
    with pytest.raises(BadRequest) as refused:
        rendered(source, x={"y": {"z": 1}})
    assert refused.value.code == "missing_variable"


@pytest.mark.parametrize("inside", ["{{ secret }}", "{% for a in secret %}{% endfor %}", "{# #}", "{{ ''.__class__ }}"])
def test_values_are_never_read_as_templates(inside: str) -> None:
    assert rendered("{{ x }}|{{ y.z }}|{{ [x] | join }}", x=inside, y={"z": inside}) == "|".join([inside] * 3)


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join), JSON, JSON)
def test_whatever_is_written_is_refused_or_rendered(source: str, x: Any, y: Any) -> None:
    """No template and no value is a defect of ours."""
    with suppress(BadRequest):
        assert isinstance(rendered(source, x=x, y=y), str)


@given(st.text(max_size=40))
def test_text_without_marks_is_written_as_it_is(text: str) -> None:
    plain = text.replace("{", "(").replace("\r", "\n")  # Jinja2's lexer writes one kind of line end
    assert rendered(plain) == plain


def test_the_variables_it_reads_are_known() -> None:
    source = "{% if a.b is defined %}{{ c | default(d) }}{% endif %}{% for e in f %}{{ e }}{{ loop.index }}{% endfor %}"
    assert Template.compile(source, "here").names == {"a", "c", "d", "f"}


def test_a_loop_s_variable_is_its_own() -> None:
    compiled = Template.compile("{% for x in xs %}{{ x }}{% endfor %}{{ x }}", "here")
    assert compiled.names == {"xs", "x"}
    assert compiled.render({"xs": ["a", "b"], "x": "c"}) == "abc"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("{{ ghost }}", "ghost"),
        ("{{ x.ghost }}", "ghost"),
        ("{{ x[ghost] }}", "ghost"),
        ("{{ ghost.y }}", "ghost"),
        ("{{ ghost | upper }}", "ghost"),
        ("{{ ghost == 1 }}", "ghost"),
        ("{{ 'a' ~ ghost }}", "ghost"),
        ("{{ [ghost] | join }}", "ghost"),
        ("{{ ['a'] | join(ghost) }}", "ghost"),
        ("{{ 'a' | replace(ghost, 'b') }}", "ghost"),
        ("{{ [ghost] | tojson }}", "ghost"),
        ("{% for a in ghost %}{% endfor %}", "ghost"),
        ("{{ ghost and 1 }}", "ghost"),
    ],
)
def test_what_is_missing_is_named(source: str, name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        rendered(source, x={})
    assert refused.value.param == f"prompt.variables.{name}"
    assert refused.value.code == "missing_variable"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% if ghost %}a{% else %}b{% endif %}", "b"),
        ("{{ 'a' if ghost is defined else 'b' }}", "b"),
        ("{{ 'a' if ghost is undefined else 'b' }}", "a"),
        ("{{ ghost | default('a') }}", "a"),
        ("{{ x.ghost | default('a') }}", "a"),
        ("{{ ghost or 'a' }}", "a"),
        ("{{ 'a' if not ghost }}", "a"),
        ("{{ 'a' if ghost }}", ""),
    ],
)
def test_what_may_be_asked_of_what_is_missing(source: str, expected: str) -> None:
    assert rendered(source, x={}) == expected


@pytest.mark.parametrize(
    ("value", "written"),
    [("é", "é"), ("", ""), (3, "3"), (-1.5, "-1.5"), (True, "true"), (False, "false"), (None, "null")],
)
def test_values_are_written_as_in_json(value: Any, written: str) -> None:
    assert rendered("{{ x }}", x=value) == written
    assert rendered("{{ 'a' ~ x }}", x=value) == f"a{written}"


@pytest.mark.parametrize(
    "source", ["{{ x }}", "{{ x ~ 'a' }}", "{{ x | upper }}", "{{ [x] | join }}", "{% for a in 'abc' %}{% endfor %}"]
)
@pytest.mark.parametrize("value", [[1], {"a": 1}])
def test_what_cannot_be_written_is_refused(source: str, value: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        rendered(source, x=value)
    assert (refused.value.param, refused.value.code) == ("prompt.variables", "invalid_value")


@pytest.mark.parametrize("source", ["{{ x < y }}", "{{ x in 5 }}", "{{ 5 | length }}", "{{ x | indent('wide') }}"])
def test_operands_that_do_not_fit_are_refused(source: str) -> None:
    with pytest.raises(BadRequest) as refused:
        rendered(source, x="a", y=1)
    assert refused.value.code == "invalid_value"


# Bounds --------------------------------------------------------------------------------------------------------------


def test_the_length_is_bounded() -> None:
    longest = "a" * MAX_CHARACTERS
    assert rendered("{{ x }}", x=longest) == longest
    with pytest.raises(BadRequest) as refused:
        rendered("{{ x }}.", x=longest)
    assert refused.value.code == "prompt_too_long"


def test_loops_are_bounded_nested_ones_together() -> None:
    nested = "{% for a in x %}{% for b in x %}{% endfor %}{% endfor %}"
    side = 315  # side * (side + 1) steps
    assert side * (side + 1) < MAX_STEPS < (side + 1) * (side + 2)
    assert rendered(nested, x=[0] * side) == ""
    with pytest.raises(BadRequest) as refused:
        rendered(nested, x=[0] * (side + 1))
    assert refused.value.code == "prompt_too_long"


@pytest.mark.parametrize(
    "source", ["{{ " + "(" * 3000 + "x" + ")" * 3000 + " }}", "{% if x %}" * 500 + "{% endif %}" * 500]
)
def test_a_template_nested_too_deeply_is_refused(source: str) -> None:
    with pytest.raises(BadRequest) as refused:
        rendered(source, x="a")
    assert refused.value.code == "invalid_template"


def test_filters_cannot_outgrow_the_page() -> None:
    """A value that grows in a filter, and would be written shorter, is bounded too."""
    with pytest.raises(BadRequest) as refused:
        rendered("{{ x | replace('a', x) | replace('a', x) | length }}", x="a" * 200)
    assert refused.value.code == "prompt_too_long"


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in x %}{% if 0 in x %}{% endif %}{% endfor %}",
        "{% for a in x %}{% if x == y %}{% endif %}{% endfor %}",
        "{% for a in x %}{{ x | join | length }}{% endfor %}",
        "{% for a in x %}{{ x | tojson | length }}{% endfor %}",
        "{% for a in x %}{{ long | upper | length }}{% endfor %}",
        "{% for a in x %}{{ (long ~ 'b') | length }}{% endfor %}",
        "{% for a in x %}{% for b in one %}{% endfor %}{% endfor %}",
    ],
)
def test_what_is_worked_through_in_a_loop_is_paid_for(source: str) -> None:
    """Each step of these loops takes long by itself: the time is the product."""
    many = {f"v{number}": 0 for number in range(64_000)} if "one" in source else {}
    variables = {"x": [1] * 400, "y": [1] * 400, "long": "a" * 512 * 1024, "one": [1], **many}
    with pytest.raises(BadRequest) as refused:
        rendered(source, **variables)
    assert refused.value.code == "prompt_too_long"


def test_a_text_that_grows_before_it_is_written_is_bounded() -> None:
    for source in ("{{ (x ~ x) | length }}", "{{ x | replace('a', 'bb') | length }}", "{{ x | indent(80) | length }}"):
        with pytest.raises(BadRequest) as refused:
            rendered(source, x="a\n" * (MAX_CHARACTERS // 2))
        assert refused.value.code == "prompt_too_long"


# Partials ------------------------------------------------------------------------------------------------------------


def test_what_is_included_reads_the_same_variables() -> None:
    partial = Template.compile("{{ loop.index }} {{ item }} {{ x }}", "partial")
    whole = Template.compile(
        "{% for item in items %}{% include 'house/item' %};{% endfor %}", "here", {"house/item": partial}
    )
    assert whole.names == {"items", "x"}
    assert whole.render({"items": ["a", "b"], "x": "!"}) == "1 a !;2 b !;"


@pytest.mark.parametrize(
    "source",
    [
        "{% include 'ghost' %}",
        "{% include name %}",
        "{% include ['item'] %}",
        "{% include '/item' %}",
        "{% include 'item' ignore missing %}",
        "{% include 'item' without context %}",
    ],
)
def test_only_what_is_pinned_is_included(source: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Template.compile(source, "here", {"item": Template.compile("a", "item")})
    assert (refused.value.param, refused.value.code) == ("here", "invalid_template")


def test_including_is_bounded_in_steps_and_levels() -> None:
    inner = Template.compile("{% for a in x %}{% endfor %}", "inner")
    twice = Template.compile("{% include 'inner' %}{% include 'inner@2' %}", "twice", {"inner": inner})
    half = MAX_STEPS // 2 - 1
    assert twice.render({"x": [0] * half}) == ""
    with pytest.raises(BadRequest):
        twice.render({"x": [0] * (half + 1)})
    deep = Template.compile("{% if x %}" * 60 + "{% endif %}" * 60, "deep")
    with pytest.raises(BadRequest, match="too deeply"):
        Template.compile("{% if x %}" * 60 + "{% include 'deep' %}" + "{% endif %}" * 60, "here", {"deep": deep})
