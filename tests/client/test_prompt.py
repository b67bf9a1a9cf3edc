"""A prompt in a program's hands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client import Prompt
from gateway.errors import BadRequest, Unavailable
from gateway.prompts.published import as_json
from gateway.prompts.render import CompiledPrompt
from gateway.types import PromptVersion

STYLE = PromptVersion("style", 2, "b" * 64, ({"role": "system", "content": "Be {{ tone }}. "},), {"type": "object"})
GREETER = PromptVersion(
    "support/greeter",
    3,
    "a" * 64,
    (
        {"role": "system", "content": '{% include "style" %}'},
        {"role": "user", "content": [{"type": "text", "text": "Greet {{ name }}."}]},
    ),
    {"type": "object", "properties": {"name": {"type": "string"}, "tone": {"type": "string", "default": "warm"}}},
    parameters={"temperature": 0.2},
    tools=({"type": "function", "function": {"name": "wave"}},),
    response_format={"type": "text"},
    partials={"style": STYLE},
)


@given(st.text(max_size=50), st.text(max_size=50))
def test_it_renders_as_the_gateway_does(name: str, tone: str) -> None:
    prompt = Prompt.read(as_json(GREETER))
    assert prompt.definition == GREETER
    assert prompt.render(name=name, tone=tone) == CompiledPrompt.compile(GREETER).render({"name": name, "tone": tone})


def test_it_is_what_a_chat_completion_takes() -> None:
    prompt = Prompt.of(GREETER)
    assert (prompt.name, prompt.version, prompt.digest) == ("support/greeter", 3, "a" * 64)
    assert prompt.request(name="Ada") == {
        "temperature": 0.2,
        "messages": [
            {"role": "system", "content": "Be warm. "},
            {"role": "user", "content": [{"type": "text", "text": "Greet Ada."}]},
        ],
        "tools": [{"type": "function", "function": {"name": "wave"}}],
        "response_format": {"type": "text"},
    }


def test_a_bare_prompt_asks_for_messages_alone() -> None:
    assert Prompt.fallback("greeter", [{"role": "user", "content": "Hi {{ self }}"}]).request(self="Ada") == {
        "messages": [{"role": "user", "content": "Hi Ada"}]
    }


def test_a_variable_that_does_not_fit_is_named() -> None:
    with pytest.raises(BadRequest) as refused:
        Prompt.of(GREETER).render(name=3)
    assert refused.value.param == "prompt.variables.name"


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {**as_json(GREETER), "messages": None},
        {**as_json(GREETER), "messages": [{"role": "user", "content": "{% hang %}"}]},
        {**as_json(GREETER), "variables": []},
        {**as_json(GREETER), "included": []},
    ],
)
def test_what_cannot_be_read_is_no_prompt(body: object) -> None:
    with pytest.raises(Unavailable) as refused:
        Prompt.read(body)
    assert refused.value.code == "unreadable_reply"
