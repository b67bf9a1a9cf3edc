"""A release laid over a call: its prompt first, its fields for good, and what the client hears of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.render import CompiledPrompt
from gateway.prompts.variables import schema_of
from gateway.releases.resolve import CAP, LiveRelease
from gateway.types import Json, PromptRef, PromptVersion, Release
from gateway.wire.surface import Call

ASKED = [{"role": "user", "content": "Hi."}]
FIELDS = ("temperature", "top_p", "stop", "seed", "max_tokens", "max_completion_tokens", "new_field")
BODIES: st.SearchStrategy[Json] = st.dictionaries(st.sampled_from(FIELDS), st.integers(0, 3))
GREETING = {"role": "system", "content": "Greet {{ name }}."}


def call(prompt: PromptRef | None = None, /, **fields: Any) -> Call:
    body: Json = {"model": "bot", "messages": list(ASKED), **fields}
    return Call(model="bot", body=body, stream=False, asked=dict(body), prompt=prompt)


def live(prompt: bool = False, **parts: Any) -> LiveRelease:
    version = PromptVersion("greeter", 3, "p" * 64, (GREETING,), schema_of({"name": "string"})) if prompt else None
    release = Release(digest="d" * 64, prompt=version, upstream="demo", **parts)
    return LiveRelease.of(release, CompiledPrompt.compile(version) if version is not None else None)


def test_without_a_prompt_the_client_s_messages_pass() -> None:
    asked = call(temperature=0.5, unknown="kept")
    live().apply(asked, "chat")
    assert asked.body == {"model": "bot", "messages": ASKED, "temperature": 0.5, "unknown": "kept"}
    assert asked.fixed == []


def test_the_prompt_comes_before_the_client_s_messages() -> None:
    asked = call(PromptRef(None, None, {"name": "Ada"}))
    live(prompt=True).apply(asked, "chat")
    assert asked.body["messages"] == [{"role": "system", "content": "Greet Ada."}, *ASKED]


def test_tools_and_the_response_format_are_fixed_too() -> None:
    tools = ({"type": "function", "function": {"name": "f"}},)
    asked = call(tools=[], response_format={"type": "text"})
    live(tools=tools, response_format={"type": "json_object"}).apply(asked, "chat")
    assert asked.body["tools"] == list(tools)
    assert asked.body["response_format"] == {"type": "json_object"}
    assert asked.fixed == ["tools", "response_format"]


@given(BODIES, BODIES)
def test_a_release_s_fields_hold_whatever_the_client_sends(fixed: Json, sent: Json) -> None:
    fixed = {name: value for name, value in fixed.items() if name != CAP[1]}
    asked = call(None, **sent)
    live(parameters=fixed).apply(asked, "chat")
    fields = {name: value for name, value in asked.body.items() if name not in ("model", "messages")}
    caps = set(CAP) if set(CAP) & fixed.keys() else set()
    assert fields == {**{name: value for name, value in sent.items() if name not in caps}, **fixed}
    changed = {name for name, value in sent.items() if fields.get(name) != value and name not in caps}
    capped = {name for name in caps & sent.keys() if sent[name] != fixed[CAP[0]]}
    assert set(asked.fixed) == changed | capped
    assert len(asked.fixed) == len(set(asked.fixed))


@pytest.mark.parametrize("fixed", CAP)
@pytest.mark.parametrize("sent", CAP)
def test_a_cap_has_no_way_around_it(fixed: str, sent: str) -> None:
    asked = call(**{sent: 10_000})
    live(parameters={fixed: 100}).apply(asked, "chat")
    assert {name: asked.body[name] for name in CAP if name in asked.body} == {fixed: 100}
    assert asked.fixed == [sent]


def test_the_same_value_is_not_told_as_fixed() -> None:
    asked = call(temperature=0.1)
    live(parameters={"temperature": 0.1}).apply(asked, "chat")
    assert asked.fixed == []


def test_one_call_does_not_change_the_release() -> None:
    release = live(parameters={"temperature": 0.1}, prompt=True)
    for _ in range(2):
        asked = call(PromptRef("greeter", "3", {"name": "Ada"}))
        release.apply(asked, "chat")
        assert len(asked.body["messages"]) == 2
        asked.body["messages"].clear()
        asked.body["temperature"] = 2
    assert release.fixed["temperature"] == 0.1


@pytest.mark.parametrize(
    ("given_", "param", "code"),
    [
        (None, "prompt.variables.name", "missing_variable"),
        (PromptRef(None, None, {}), "prompt.variables.name", "missing_variable"),
        (PromptRef(None, None, {"name": 5}), "prompt.variables.name", "invalid_variable"),
        (PromptRef("other", None, {"name": "Ada"}), "prompt.id", "invalid_value"),
        (PromptRef("greeter", "2", {"name": "Ada"}), "prompt.version", "invalid_value"),
        (PromptRef(None, "03", {"name": "Ada"}), "prompt.version", "invalid_value"),
    ],
)
def test_what_does_not_fit_the_prompt_is_named(given_: PromptRef | None, param: str, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        live(prompt=True).apply(call(given_), "chat")
    assert (refused.value.param, refused.value.code) == (param, code)


def test_a_prompt_where_there_is_none_to_fill() -> None:
    with pytest.raises(BadRequest) as refused:
        live().apply(call(PromptRef(None, None, {})), "chat")
    assert refused.value.param == "prompt"


@pytest.mark.parametrize("operation", ["completions", "embeddings"])
def test_a_prompt_of_messages_is_for_chat(operation: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        live(prompt=True).apply(call(), operation)
    assert refused.value.code == "unsupported_operation"
