"""Prompt versions: what compiles, and the messages they render."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import BadRequest
from gateway.prompts.render import CompiledPrompt
from gateway.prompts.variables import schema_of
from gateway.types import PromptVersion


def compiled(*messages: dict[str, Any], **declared: Any) -> CompiledPrompt:
    return CompiledPrompt.compile(PromptVersion("greeter", 3, "d" * 64, messages, schema_of(declared)))


def test_messages_are_rendered_in_order() -> None:
    prompt = compiled(
        {"role": "system", "content": "Be {{ tone }}."},
        {"role": "user", "content": "Greet {{ name }}."},
        name="string",
        tone={"type": "string", "default": "warm"},
    )
    assert prompt.render({"name": "Ada"}) == [
        {"role": "system", "content": "Be warm."},
        {"role": "user", "content": "Greet Ada."},
    ]


def test_every_rendering_is_fresh() -> None:
    """What one call does to its messages is not seen by the next."""
    prompt = compiled({"role": "user", "content": [{"type": "text", "text": "a"}]})
    first, second = prompt.render({}), prompt.render({})
    first[0]["content"][0]["text"] = "changed"
    first.append({})
    assert second == prompt.render({}) == [{"role": "user", "content": [{"type": "text", "text": "a"}]}]


def test_strings_inside_parts_are_templates_their_types_are_not() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://{{ host }}/a.png", "detail": "low"}}
    prompt = compiled({"role": "user", "content": [{"type": "text", "text": "On {{ host }}:"}, image]}, host="string")
    assert prompt.render({"host": "h"})[0]["content"] == [
        {"type": "text", "text": "On h:"},
        {"type": "image_url", "image_url": {"url": "https://h/a.png", "detail": "low"}},
    ]


def test_values_that_are_not_strings_pass_through_parts() -> None:
    prompt = compiled({"role": "user", "content": [{"type": "x", "n": 1, "on": True, "none": None}]})
    assert prompt.render({})[0]["content"] == [{"type": "x", "n": 1, "on": True, "none": None}]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "user", "content": "{{ x"}, "prompts.greeter.messages[1].content"),
        ({"role": "user", "content": [{"text": "{% set x = 1 %}"}]}, "prompts.greeter.messages[1].content[0].text"),
        ({"role": "user", "content": "{{ ghost }}"}, "prompts.greeter.variables"),
        ({"role": "user", "content": "{{ ''.__class__ }}"}, "prompts.greeter.messages[1].content"),
        ({"role": "user", "content": "{{ x.y }}"}, "prompts.greeter.messages[1].content"),
        ({"role": "user", "content": [{"text": "{{ x['y'] }}"}]}, "prompts.greeter.messages[1].content[0].text"),
    ],
)
def test_what_does_not_compile_is_named(message: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        compiled({"role": "system", "content": "a"}, message, x="string")
    assert refused.value.param == param
    assert refused.value.message.startswith(param.removesuffix(".variables"))


def test_what_is_looked_up_in_a_text_is_told_with_its_line() -> None:
    message = {"role": "user", "content": "{{ x.name }}\n{{ x.name.first }}"}
    with pytest.raises(BadRequest, match=r"content, line 2: 'x\.name' is not declared"):
        compiled(message, x={"type": "object", "properties": {"name": {"type": "string"}}})


def test_a_variable_nobody_declared_is_found_before_any_call() -> None:
    with pytest.raises(BadRequest) as refused:
        compiled({"role": "user", "content": "{% if x %}{{ ghost | default('') }}{% endif %}"}, x="string")
    assert refused.value.code == "undeclared_variable"
    assert "'ghost'" in refused.value.message


def test_the_variable_at_fault_is_named() -> None:
    prompt = compiled({"role": "user", "content": "{{ order.id }}"}, order={"type": "object"})
    for values, param, code in (
        ({}, "prompt.variables.order", "missing_variable"),
        ({"order": "a"}, "prompt.variables.order", "invalid_variable"),
        ({"order": {}, "more": 1}, "prompt.variables.more", "unknown_variable"),
        ({"order": {}}, "prompt.variables.id", "missing_variable"),
        ({"order": {"id": [1]}}, "prompt.variables", "invalid_value"),
    ):
        with pytest.raises(BadRequest) as refused:
            prompt.render(values)
        assert (refused.value.param, refused.value.code) == (param, code)
