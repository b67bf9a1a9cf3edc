"""Dotprompt's files: front matter and body, and back. Bodies by themselves are in test_dotprompt_body."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats import dotprompt
from gateway.prompts.formats.base import Portable
from gateway.types import PromptVersion
from tests.prompts.formats.exchanging import VALUES, drafts, portable, rendered

RECIPE = """---
name: Chef/Recipe
model: googleai/gemini-2.5-pro
description: Cooks.
config:
  temperature: 0.4
  maxOutputTokens: 400
  topK: 20
input:
  schema:
    dish: string, what to cook
    guests?: integer
    allergies?(array): string
  default:
    guests: 4
output:
  format: json
  schema:
    title: string
tools: [search]
toolDefs:
  - name: weigh
    description: Weighs.
    inputSchema:
      grams: number
    outputSchema: {ok: boolean}
---
{{role "system"}}Cook {{dish}} for {{guests}}{{#each allergies}}, without {{this}}{{/each}}. {{note}}
"""


def test_a_file_is_read_and_all_that_is_lost_is_told() -> None:
    (prompt,) = dotprompt.read(RECIPE, "file")

    def an_object(**properties: Any) -> dict[str, Any]:
        return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}

    answer = an_object(title={"type": "string"})
    function = {"name": "weigh", "description": "Weighs.", "parameters": an_object(grams={"type": "number"})}
    content = (
        "Cook {{ dish }} for {{ guests }}{% for item in allergies | default([]) %}, without {{ item }}{% endfor %}. "
        "{{ note }}"
    )
    assert prompt.name == "chef/recipe"
    assert prompt.draft == PromptDraft.parse(
        {
            "messages": [{"role": "system", "content": content}],
            "variables": {
                "type": "object",
                "properties": {
                    "dish": {"type": "string", "description": "what to cook"},
                    "guests": {"type": "integer", "default": 4},
                    "allergies": {"type": "array", "items": {"type": "string"}},
                    "note": {"type": "string"},
                },
                "required": ["dish", "note"],
                "additionalProperties": False,
            },
            "parameters": {"temperature": 0.4, "max_completion_tokens": 400},
            "tools": [{"type": "function", "function": function}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": answer}},
        }
    )
    assert prompt.losses == (
        "'Chef/Recipe' is called 'chef/recipe' here",
        "config.topK is left out",
        "toolDefs[0].outputSchema is left out",
        "description is left out",
        "model is left out",
        "tools is left out",
    )


def test_what_may_be_missing_is_written_as_nothing() -> None:
    (prompt,) = dotprompt.read("---\ninput:\n  schema:\n    name?: string\n---\nHi {{name}}{{#if name}}!{{/if}}", "a")
    assert rendered(prompt.draft, {}) == [{"role": "user", "content": "Hi "}]
    assert rendered(prompt.draft, {"name": "Ada"}) == [{"role": "user", "content": "Hi Ada!"}]


def test_without_a_schema_the_body_says_what_there_is() -> None:
    body = "{{a}}{{#each b}}{{this}}{{/each}}{{#if c}}{{/if}}{{d.e}}"
    (prompt,) = dotprompt.read(f"---\ninput:\n  default: {{a: x}}\n---\n{body}", "a")
    assert prompt.draft.variables["properties"] == {
        "a": {"type": "string", "default": "x"},
        "b": {"type": "array"},
        "c": {},
        "d": {},
    }
    assert prompt.draft.variables["required"] == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("front", "form"),
    [("output: {format: json}", {"type": "json_object"}), ("output: {format: text}", None), ("name: a", None)],
)
def test_the_form_of_the_answer(front: str, form: dict[str, str] | None) -> None:
    (prompt,) = dotprompt.read(f"---\n{front}\n---\nHi", "a")
    assert prompt.draft.response_format == form


@pytest.mark.parametrize(
    ("front", "at"),
    [
        ("a: [", "front matter"),
        ("a: 1\na: 2", "front matter"),
        ("- a", "front matter"),
        ("name: '!'", "name"),
        ("config: [1]", "config"),
        ("config: {temperature: hot}", "a.parameters"),
        ("input: {schema: Recipe}", "input.schema"),
        ("input: {schema: {type: array}}", "input.schema"),
        ("input: {schema: {properties: {a: true}}}", "input.schema.a"),
        ("input: {default: 3}", "input.default"),
        ("output: {format: csv}", "output.format"),
        ("toolDefs: [search]", "toolDefs[0]"),
    ],
)
def test_what_cannot_be_ours_is_refused_by_its_place(front: str, at: str) -> None:
    with pytest.raises(BadRequest) as refused:
        dotprompt.read(f"---\n{front}\n---\nHi", "a")
    assert refused.value.param == at


@given(drafts(("system", "developer", "user", "assistant")))
def test_what_is_written_is_read_as_it_was(draft: PromptDraft) -> None:
    text, losses = dotprompt.write(Portable("a", draft))
    expected = [message for message in rendered(draft, VALUES) if message["content"].strip()]
    if not expected:
        return
    (again,) = dotprompt.read(text, "other")
    assert [message for message in rendered(again.draft, VALUES) if message["content"].strip()] == expected
    assert again.name == "a"
    assert all("a message that is blank" in loss for loss in losses)


def test_all_the_parts_of_a_version_go_with_it() -> None:
    answer = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    function = {"name": "f", "description": "F.", "parameters": {"type": "object"}}
    parts = [{"type": "text", "text": "a "}, {"type": "image_url", "image_url": {"url": "{{ x }}"}}]
    made = portable(
        parts,
        variables={"x": {"type": "string", "default": "u"}},
        parameters={"top_p": 0.5, "seed": 1, "stop": ["."]},
        tools=[{"type": "function", "function": function}],
        response_format=answer,
    )
    text, losses = dotprompt.write(made)
    assert (dotprompt.read(text, "a")[0].draft, losses) == (made.draft, ())
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["config"] == {"topP": 0.5, "seed": 1, "stopSequences": ["."]}
    assert front["input"]["default"] == {"x": "u"}


def test_what_dotprompt_has_no_place_for_is_told() -> None:
    strict = {"name": "verdict", "strict": True, "schema": {"type": "object"}}
    made = portable(
        "a",
        tools=[{"type": "function", "function": {"name": "f", "strict": True}}, {"type": "search"}],
        response_format={"type": "json_schema", "json_schema": strict},
    )
    messages = [*made.draft.messages, {"role": "user", "content": " "}]
    blank = PromptDraft.parse({**made.draft.as_json(), "messages": messages})
    text, losses = dotprompt.write(Portable("a", blank, message="Why.", aliases=("pmpt_1",)))
    assert losses == (
        "the alias 'pmpt_1' is left out",
        "the message of the version is left out",
        "response_format.json_schema.name is left out",
        "response_format.json_schema.strict is left out",
        "tools[0].function.strict is left out",
        "tools[1]: a tool of type 'search' is left out",
        "messages[1].content: Dotprompt leaves out a message that is blank",
    )
    assert text.endswith('\n---\n{{role "user"}}a\n')


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<<<dotprompt:role:system>>>", "taken for a mark"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "images by their URLs"),
        ([{"type": "input_audio"}], "images by their URLs"),
        ([{"type": "image_url", "image_url": {"url": "u", "detail": "low"}}], "images by their URLs"),
        ([{"type": "image_url", "image_url": {"url": "https://a/{{ x }}"}}], "one text or one variable"),
        ([{"type": "image_url", "image_url": {"url": "a b"}}], "one text or one variable"),
    ],
)
def test_what_dotprompt_cannot_say_is_refused(content: Any, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        dotprompt.write(portable(content, variables={"x": "string"}))


def test_a_mark_in_a_version_from_before_drafts_had_none_is_refused() -> None:
    old = PromptVersion("a", 1, "d" * 64, ({"role": "user", "content": "a\0b"},), {"type": "object"})
    with pytest.raises(BadRequest, match="taken for a mark"):
        dotprompt.write(Portable("a", PromptDraft.of(old)))
