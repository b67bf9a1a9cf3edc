"""Bodies of Dotprompt: what they render to here is what Dotprompt 1.1 rendered them to."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats import dotprompt
from gateway.prompts.template import Template
from tests.prompts.formats.exchanging import rendered


def read(body: str) -> PromptDraft:
    (found,) = dotprompt.read(body, "file")
    return found.draft


def contents(body: str, **values: Any) -> list[Any]:
    return [message["content"] for message in rendered(read(body), values)]


PEOPLE = [{"name": "Ada", "tags": ["x", "y"]}, {"name": "Bob", "tags": []}]


@pytest.mark.parametrize(
    ("body", "values", "text"),
    [
        ("\\{{x}} \\\\{{x}} {{{x}}} {{~x~}}  e {{! c }}", {"x": "1"}, "{{x}} \\1 11e "),
        ("{{json a}} {{this.x}} {{./x}} {{a.k.[1]}}", {"a": {"k": [1, "é"]}, "x": "1"}, '{"k":[1,"é"]} 1 1 é'),
        ("a\n{{#if x}}\n  yes {{x}}\n{{else}}\n  no\n{{/if}}\nend\n", {"x": "1"}, "a\n  yes 1\nend\n"),
        ("{{#if a}}1{{else if b}}2{{else unless c}}3{{else}}4{{/if}}", {"a": "", "b": "", "c": "1"}, "4"),
        (
            '{{#ifEquals a "x"}}eq{{else}}ne{{/ifEquals}}{{#unlessEquals a b}}!{{/unlessEquals}}',
            {"a": "x", "b": 1},
            "eq!",
        ),
        ("{{#with a}}{{b}} {{../c}}{{else}}none{{/with}}", {"a": {"b": "1"}, "c": "2"}, "1 2"),
        ("{{#with a as |z|}}{{z.b}}{{/with}}", {"a": {"b": "1"}}, "1"),
        (
            "{{#each items}}\n- {{this}} {{@index}}{{#if @first}} 1st{{/if}}{{#unless @last}},{{/unless}}\n{{/each}}\n",
            {"items": ["a", "b"]},
            "- a 0 1st,\n- b 1\n",
        ),
        ("{{#each items}}{{this}}{{else}}{{x}}{{/each}}", {"items": [], "x": "none"}, "none"),
        (
            "{{#each people}}{{name}} of {{../at}}: {{#each tags}}{{this}} {{../name}} {{@root.at}};{{/each}}{{/each}}",
            {"people": PEOPLE, "at": "P"},
            "Ada of P: x Ada P;y Ada P;Bob of P: ",
        ),
        (
            "{{#each people as |p|}}{{p.name}} {{this.name}} {{../item}}.{{/each}}",
            {"people": PEOPLE, "item": "I"},
            "Ada Ada I.Bob Bob I.",
        ),
        ("{{#each items}}{{this}}{{@root.item}}{{/each}}", {"items": ["a"], "item": "I"}, "aI"),
    ],
)
def test_the_same_is_rendered(body: str, values: dict[str, Any], text: str) -> None:
    assert contents(body, **values) == [text]


def test_roles_begin_messages() -> None:
    found = read('{{role "system"}}\nBe {{tone}}.\n{{role "model"}} \n{{role "user"}}Hi')
    assert rendered(found, {"tone": "kind"}) == [
        {"role": "system", "content": "\nBe kind.\n"},
        {"role": "user", "content": "Hi"},
    ]


def test_images_stand_between_texts() -> None:
    (content,) = contents(
        'Look {{media url=photo contentType="image/png"}} {{media url="https://a/b.png"}} now', photo="u"
    )
    assert content == [
        {"type": "text", "text": "Look "},
        {"type": "image_url", "image_url": {"url": "u"}},
        {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
        {"type": "text", "text": " now"},
    ]


def test_a_partial_is_included() -> None:
    assert read('a {{>style}} {{>"b/c"}}').messages[0]["content"] == 'a {% include "style" %} {% include "b/c" %}'


def test_what_code_fills_is_told() -> None:
    (found,) = dotprompt.read('Hello {{section "tools"}}{{history}}{{role "user"}}Bye', "file")
    assert [message["content"] for message in found.draft.messages] == ["Hello ", "Bye"]
    assert found.losses == (
        'body, line 1: the section "tools", which code fills, is left out',
        "body, line 1: the history comes with the call, after the prompt's messages",
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{{loud x}}", "the helper 'loud' has no equal"),
        ("{{json x indent=2}}", "the helper 'json' has no equal"),
        ("{{#loud}}{{/loud}}", "the block 'loud' has no equal"),
        ("{{#each x as |a b|}}{{/each}}", "the block 'each' has no equal"),
        ("{{^x}}{{/x}}", "begins with '\\^'"),
        ("{{/if}}", "closes nothing"),
        ("{{#if x}}{{/each}}", "closes nothing"),
        ("{{#if x}}", "is not closed"),
        ("{{else}}", "stands where it cannot"),
        ("{{#if x}}{{else}}{{else}}{{/if}}", "stands where it cannot"),
        ("{{#each x}}{{else if y}}{{/each}}", "this {{else}} has no equal"),
        ("{{#ifEquals x}}{{/ifEquals}}", "takes 2 values"),
        ('{{#if x}}{{role "user"}}{{/if}}', "stands in a block"),
        ('{{role "tool"}}', "the role is one of"),
        ('{{media url=x contentType="audio/mp3"}}', "images by url"),
        ("{{media x}}", "images by url"),
        ("{{#each x}}{{>style}}{{/each}}", "a partial with values"),
        ("  {{>style}}\n", "a partial with values"),
        ("{{>style x}}", "a partial with values"),
        ("{{../x}}", "'../x' has no equal"),
        ("{{this}}", "'this' has no equal"),
        ("{{user-name}}", "'user-name' has no equal"),
        ("{{@key}}", "'@key' has no equal"),
        ("{{#each x}}{{../loop}}{{/each}}", "'../loop' has no equal"),
        ("{{}}", "has no equal"),
    ],
)
def test_what_has_no_equal_is_refused_by_its_line(body: str, said: str) -> None:
    with pytest.raises(BadRequest, match=f"body: line 2: .*{said}"):
        read(f"\n{body}")


words = st.sampled_from(
    [
        "{{",
        "}}",
        "{{#if x}}",
        "{{/if}}",
        "{{else}}",
        "{{#each x}}",
        "{{/each}}",
        "{{x}}",
        "../",
        "{{role 'user'}}",
        "{{{",
        "a",
    ]
)


@given(st.lists(words | st.text("{}#/^>&!~\\\"'=|.@ax \n", max_size=5), max_size=12).map("".join))
def test_whatever_stands_there_is_read_or_refused(body: str) -> None:
    with suppress(BadRequest):
        assert all(Template.compile(message["content"], "here") for message in read(body).messages)
