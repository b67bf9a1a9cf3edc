"""Drafts: what a prompt is made of, every fault named with its place."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import BadRequest
from gateway.prompts.draft import MAX_BYTES, ROLES, PromptDraft
from gateway.prompts.storable import MAX_DEPTH
from gateway.types import PromptVersion

WHOLE = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": ""}]},
    ],
    "variables": {"type": "object", "properties": {"name": {"type": "string"}}},
    "parameters": {"temperature": 0.2},
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "response_format": {"type": "json_object"},
}


def draft(*messages: Any, **others: Any) -> PromptDraft:
    return PromptDraft.parse({"messages": list(messages), **others}, "file.yaml")


@pytest.mark.parametrize("whole", [WHOLE, {"messages": WHOLE["messages"]}])
def test_it_is_read_as_it_was_written(whole: dict[str, Any]) -> None:
    parsed = PromptDraft.parse(whole)
    assert PromptDraft.parse(parsed.as_json()) == parsed
    assert {name: parsed.as_json()[name] for name in whole} == whole


def test_variables_in_their_short_form_become_a_schema() -> None:
    written = draft(
        {"role": "user", "content": ""}, variables={"name": "string", "n": {"type": "integer", "default": 3}}
    )
    assert written.variables["required"] == ["name"]
    assert written.variables["properties"]["n"] == {"type": "integer", "default": 3}


@pytest.mark.parametrize("role", ROLES)
def test_every_role(role: str) -> None:
    assert draft({"role": role, "content": "a"}).messages[0]["role"] == role


@pytest.mark.parametrize(
    ("fields", "at", "words"),
    [
        ({"messages": []}, "messages", "at least 1"),
        ({"messages": ["text"]}, "messages.0", "dictionary"),
        ({"messages": [{"role": "user", "content": ""}, {"content": "a"}]}, "messages.1", "the role is one of"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages.0", "the role is one of"),
        ({"messages": [{"role": "user"}]}, "messages.0", "a string or a list of parts"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0", "a string or a list of parts"),
        ({"messages": [{"role": "user", "content": ["a"]}]}, "messages.0", "an object with a `type`"),
        ({"messages": [{"role": "user", "content": "", "name": "ada"}]}, "messages.0", "no 'name'"),
        ({"variables": {"x": 5}}, "variables", "'x'"),
        ({"parameters": {"temperature": "hot"}}, "parameters", "must be a number"),
        ({"parameters": {"model": "m"}}, "parameters", "it comes from the upstream"),
        ({"tools": [{}]}, "tools.0", "an object with a `type`"),
        ({"response_format": {}}, "response_format", "an object with a `type`"),
        ({"temperature": 1}, "temperature", "not permitted"),
    ],
)
def test_a_fault_is_named_with_its_place(fields: dict[str, Any], at: str, words: str) -> None:
    whole = {"messages": [{"role": "user", "content": "a"}], **fields}
    with pytest.raises(BadRequest) as refused:
        PromptDraft.parse(whole, "file.yaml")
    assert (refused.value.param, refused.value.code) == (f"file.yaml.{at}", "invalid_value")
    assert words in refused.value.message


def test_a_version_leads_back_to_its_draft() -> None:
    parsed = PromptDraft.parse(WHOLE)
    parts = {name: getattr(parsed, name) for name in PromptDraft.model_fields}
    assert PromptDraft.of(PromptVersion("a", 1, "d" * 64, **parts)) == parsed


@pytest.mark.parametrize(
    ("fields", "at", "words"),
    [
        ({"messages": [{"role": "user", "content": "a\ud800"}]}, "messages.0.content", "U+D800"),
        ({"messages": [{"role": "user", "content": "a\x00"}]}, "messages.0.content", "NUL"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "\x00"}]}]},
            "messages.0.content.0.text",
            "NUL",
        ),
        ({"variables": {"x": {"type": "string", "description": "\udfff"}}}, "variables.x.description", "U+DFFF"),
        ({"variables": {"x\ud800": "string"}}, "variables", "a key"),
        ({"tools": [{"type": "function", "function": {"name": "\x00"}}]}, "tools.0.function.name", "NUL"),
        ({"response_format": {"type": "x", "n": float("nan")}}, "response_format.n", "finite"),
        ({"response_format": {"type": "x", "n": 2**63}}, "response_format.n", "64 bits"),
    ],
)
def test_what_cannot_be_kept_is_named_with_its_place(fields: dict[str, Any], at: str, words: str) -> None:
    with pytest.raises(BadRequest) as refused:
        PromptDraft.parse({"messages": [{"role": "user", "content": "a"}], **fields}, "file.yaml")
    assert (refused.value.param, refused.value.code) == (f"file.yaml.{at}", "invalid_value")
    assert words in refused.value.message


@pytest.mark.parametrize("field", ["messages", "variables", "tools"])
def test_what_is_nested_too_deeply_says_so(field: str) -> None:
    deep: Any = "a"
    for _ in range(MAX_DEPTH):
        deep = {"type": "object", "properties": {"x": deep}}
    whole: dict[str, Any] = {"messages": [{"role": "user", "content": [deep]}], "variables": deep, "tools": [deep]}
    with pytest.raises(BadRequest) as refused:
        PromptDraft.parse({"messages": [{"role": "user", "content": "a"}], field: whole[field]}, "file.yaml")
    assert refused.value.param == f"file.yaml.{field}"
    assert refused.value.message.endswith(f"nested deeper than {MAX_DEPTH} levels.")


def test_what_a_version_holds_already_is_not_refused() -> None:
    """It may be older than what drafts are checked for."""
    old = ({"role": "user", "content": "\x00"},)
    assert PromptDraft.of(PromptVersion("a", 1, "d" * 64, old, {})).messages == old


def test_a_draft_is_bounded() -> None:
    with pytest.raises(BadRequest, match="at most 1024 KiB") as refused:
        draft({"role": "user", "content": "a" * MAX_BYTES})
    assert refused.value.param == "file.yaml"
