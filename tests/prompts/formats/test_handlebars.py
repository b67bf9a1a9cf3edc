"""Handlebars' tags and the white space they take with them, as Handlebars 4.7 does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.formats.handlebars import Mark, Tag, read, write


def shown(text: str) -> str:
    """Texts as they are, and tags by their words in angle brackets."""
    return "".join(
        token if isinstance(token, str) else f"<{token.sigil}{' '.join(token.words)}>" for token in read(text, "body")
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a {{x}} b", "a <x> b"),
        ("{{{x}}}{{&x}}{{ x.[a b] }}", "<x><x><x.[a b]>"),
        ("{{#if x}}a{{else if y}}b{{^}}c{{/if}}", "<#if x>a<elseif y>b<else>c</if>"),
        ("{{>style}}{{! gone }}{{!-- }} --}}.", "<>style><!><!>."),
        ("{{f \"a }} b\" c='d'}}", "<f \"a }} b\" c='d'>"),
        ("\\{{x}} \\\\{{x}} \\\\\\{{x}}", "{{x}} \\<x> \\\\<x>"),
        ("\\{{a \\{{b {{x}}", "{{a {{b <x>"),
        ("a  {{~x~}}  b", "a<x>b"),
        ("a\n  {{#if x}}  \n  b\n  {{/if}}\nc", "a\n<#if x>  b\n</if>c"),
        ("{{#if x}}\nb\n{{/if}}", "<#if x>b\n</if>"),
        ("a {{#if x}}\nb {{/if}}\nc", "a <#if x>\nb </if>\nc"),
        ("{{#if x}}{{#if y}}\nb\n{{/if}}{{/if}}", "<#if x><#if y>\nb\n</if></if>"),
        ("a\r\n{{! b }}\r\nc", "a\r\n<!>c"),
        ("a\n{{x}}\nb", "a\n<x>\nb"),
    ],
)
def test_tags_are_found_and_take_their_lines_with_them(text: str, found: str) -> None:
    assert shown(text) == found


def test_a_partial_that_is_indented_says_so() -> None:
    found = [token.indented for token in read("{{>a}}\n {{>b}}\n x {{>c}}", "body") if isinstance(token, Tag)]
    assert found == [False, True, False]


def test_a_block_names_what_it_is_at() -> None:
    *_, tag = read("\n{{#each items as | item |}}", "body")
    assert tag == Tag("#", ("each", "items"), ("item",), 2)


@pytest.mark.parametrize(
    "text", ["{{x", "{{{x}}", "{{x}}}", "{{{{raw}}}}", '{{f "a}}', "{{f (g x)}}", "{{!-- x }}", "{{a=}}"]
)
def test_what_is_no_tag_is_refused_by_its_line(text: str) -> None:
    with pytest.raises(BadRequest, match="line 3"):
        read(f"\n\n{text}", "body")


texts = st.text("{}\\ \n\t~!-a}", min_size=1, max_size=8)
marks = st.sampled_from(["x", "this.x", "#if x", "/if", "else", '>"a"', 'role "user"'])


@given(st.lists(texts | marks.map(Mark), max_size=6))
def test_what_is_written_is_read_as_it_was(items: list[str | Mark]) -> None:
    apart = [
        item for index, item in enumerate(items) if isinstance(item, Mark) or not isinstance(items[index - 1], str)
    ]
    expected = "".join(item if isinstance(item, str) else f"<{item.inside}>" for item in apart)
    assert shown(write(apart)).replace("<!>", "") == expected
