"""Prompts of Langfuse, as its API gives them, and back."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats import langfuse
from gateway.prompts.formats.base import Portable
from tests.prompts.formats.exchanging import VALUES, drafts, portable, rendered, written

CRITIC = {
    "id": "3f2c",
    "createdAt": "2026-01-02T03:04:05.000Z",
    "updatedAt": "2026-01-02T03:04:05.000Z",
    "projectId": "cl9",
    "createdBy": "user-1",
    "prompt": [
        {"type": "chatmessage", "role": "system", "content": "You are a {{level}} critic."},
        {"type": "placeholder", "name": "history"},
        {"type": "chatmessage", "role": "user", "content": "Judge {{ film }}."},
    ],
    "name": "movie-critic",
    "version": 3,
    "type": "chat",
    "isActive": None,
    "config": {"model": "gpt-4.1", "temperature": 0.7, "languages": ["en"], "tools": [{"type": "function"}]},
    "tags": ["movies"],
    "labels": ["production", "latest"],
    "commitMessage": "Kinder.",
    "resolutionGraph": None,
}


def read(*found: Any, name: str = "file") -> list[Portable]:
    return langfuse.read(orjson.dumps(found[0] if len(found) == 1 else list(found)).decode(), name)


def test_a_chat_prompt_is_read_and_all_that_is_lost_is_told() -> None:
    (prompt,) = read(CRITIC)
    assert prompt.draft == PromptDraft.parse(
        {
            "messages": [
                {"role": "system", "content": "You are a {{ level }} critic."},
                {"role": "user", "content": "Judge {{ film }}."},
            ],
            "variables": {"film": "string", "level": "string"},
            "parameters": {"temperature": 0.7},
            "tools": [{"type": "function"}],
        }
    )
    assert (prompt.name, prompt.message, prompt.labels) == ("movie-critic", "Kinder.", ("production", "latest"))
    assert prompt.losses == (
        "prompt[1]: the messages of 'history' come with the call, after the prompt's",
        "config.languages is left out",
        "config.model is left out",
        "tags is left out",
    )


def test_a_text_prompt_is_a_message_of_the_user() -> None:
    (prompt,) = read({"prompt": 'Say {{x}} as {"a": 1}.'}, name="here")
    assert prompt.name == "here"
    assert rendered(prompt.draft, {"x": "1"}) == [{"role": "user", "content": 'Say 1 as {"a": 1}.'}]
    assert prompt.losses == ()


def test_versions_come_in_their_order() -> None:
    listed = {"data": [{**CRITIC, "version": number, "prompt": str(number)} for number in (2, 1, 3)], "meta": {}}
    assert [prompt.draft.messages[0]["content"] for prompt in read(listed)] == ["1", "2", "3"]


def test_a_reference_includes_and_says_what_it_was() -> None:
    (prompt,) = read({"prompt": "{@@@langfusePrompt:name=House Style|label=production@@@ {{x}}", "name": "a"})
    assert prompt.draft.messages[0]["content"] == '{{ "{" }}{% include "house-style" %} {{ x }}'
    assert prompt.losses == (
        "'House Style' is called 'house-style' here",
        "prompt: it was the label 'production' of 'house-style' that was included",
    )


@pytest.mark.parametrize(
    ("found", "at"),
    [
        ([{"name": "a", "labels": ["production"]}], "[0].prompt"),
        (
            [{"name": "a", "prompt": "b"}, {"name": "c", "prompt": [{"role": "tool", "content": ""}]}],
            "[1].prompt[0].role",
        ),
        ([{"name": "a", "prompt": [{"role": "user", "content": [1]}]}], "[0].prompt[0].content"),
        ([{"name": "a", "prompt": "b", "config": []}, 3], "[1]"),
        ([{"name": "a", "prompt": "b", "config": [1]}], "[0].config"),
        ([{"name": "a b", "prompt": "b"}, {"name": "A-B", "prompt": "b"}], "name"),
        ([{"name": "a", "prompt": [{"type": "placeholder", "name": "h"}]}], "[0].messages"),
        ([{"name": "a", "prompt": "b", "config": {"temperature": "hot"}}], "[0].parameters"),
    ],
)
def test_what_cannot_be_ours_is_refused_by_its_place(found: list[Any], at: str) -> None:
    with pytest.raises(BadRequest) as refused:
        langfuse.read(orjson.dumps(found).decode(), "file")
    assert refused.value.param == at


@given(drafts())
def test_what_is_written_is_read_as_it_was_or_refused(draft: PromptDraft) -> None:
    made = written(langfuse, draft)
    if isinstance(made, BadRequest):
        assert "messages[" in made.message
        return
    (again,) = langfuse.read(made[0], "other")
    assert rendered(again.draft, VALUES) == rendered(draft, VALUES)
    assert (again.name, made[1]) == ("a", ())


def test_settings_go_with_it() -> None:
    answer = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    made = portable("Hello.", parameters={"top_p": 0.5}, tools=[{"type": "function"}], response_format=answer)
    text, losses = langfuse.write(made)
    assert (langfuse.read(text, "a")[0].draft, losses) == (made.draft, ())


def test_what_langfuse_has_no_place_for_is_told() -> None:
    variables = {
        "tone": {"type": "string", "enum": ["warm"], "default": "warm"},
        "count": "integer",
    }
    made = portable("{{ tone }} {{ count }}", variables=variables)
    assert langfuse.write(Portable("a", made.draft, aliases=("pmpt_1",)))[1] == (
        "variables.count: type 'integer'",
        "variables.tone: default, enum",
        "the alias 'pmpt_1' is left out",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"type": "text", "text": "a"}], "a message is a text in Langfuse"),
        ("@@@langfusePrompt:name=a|version=1@@@", "would include another prompt"),
        ("{% if x %}{% endif %}", "only texts"),
    ],
)
def test_what_langfuse_cannot_say_is_refused(content: Any, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as refused:
        langfuse.write(portable(content, variables={"x": "string"}))
    assert refused.value.param == "messages[0].content"
