"""OpenAI's prompt objects, and back."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats import openai
from gateway.prompts.formats.base import Portable
from tests.prompts.formats.exchanging import VALUES, drafts, portable, rendered, written

WEATHER = {
    "prompt": {"id": "pmpt_68ab", "version": "3", "variables": {"city": "San Francisco"}},
    "model": "gpt-5",
    "instructions": "Be {{tone}}.",
    "input": [
        {"role": "developer", "content": [{"type": "input_text", "text": "No jokes."}]},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Weather in {{city}}?"},
                {"type": "input_image", "image_url": "https://example.com/{{city}}.png", "detail": "low"},
            ],
        },
    ],
    "tools": [
        {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": True},
        {"type": "web_search"},
    ],
    "tool_choice": {"type": "function", "name": "look"},
    "text": {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}}, "verbosity": "low"},
    "reasoning": {"effort": "low", "summary": "auto"},
    "temperature": 1,
    "max_output_tokens": 2048,
    "store": True,
}


def read(found: Any) -> list[Portable]:
    return openai.read(orjson.dumps(found).decode(), "weather")


def test_a_prompt_is_read_and_all_that_is_lost_is_told() -> None:
    (prompt,) = read(WEATHER)
    function = {"name": "look", "parameters": {"type": "object"}, "strict": True}
    assert prompt.draft == PromptDraft.parse(
        {
            "messages": [
                {"role": "system", "content": "Be {{ tone }}."},
                {"role": "developer", "content": "No jokes."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Weather in {{ city }}?"},
                        {
                            "type": "image_url",
                            "image_url": {"url": "https://example.com/{{ city }}.png", "detail": "low"},
                        },
                    ],
                },
            ],
            "variables": {"city": {"type": "string", "examples": ["San Francisco"]}, "tone": "string"},
            "parameters": {
                "temperature": 1,
                "store": True,
                "max_completion_tokens": 2048,
                "reasoning_effort": "low",
                "verbosity": "low",
                "tool_choice": {"type": "function", "function": {"name": "look"}},
            },
            "tools": [{"type": "function", "function": function}],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "object"}},
            },
        }
    )
    assert (prompt.name, prompt.aliases) == ("weather", ("pmpt_68ab",))
    assert prompt.losses == (
        "model is left out",
        "reasoning.summary is left out",
        "tools[1]: the tool 'web_search', which runs at OpenAI, is left out",
    )


def test_what_was_read_is_written_and_read_the_same() -> None:
    (prompt,) = read(WEATHER)
    text, losses = openai.write(prompt)
    (again,) = openai.read(text, "other")
    assert (again.name, again.draft, again.aliases, losses) == ("weather", prompt.draft, prompt.aliases, ())


def test_of_several_each_says_its_name() -> None:
    with pytest.raises(BadRequest) as refused:
        read([{"name": "a", "input": "a"}, {"input": "b"}])
    assert refused.value.param == "[1].name"


def test_text_alone_is_what_the_user_says() -> None:
    (prompt,) = read(
        [{"id": "pmpt_1", "name": "My Prompt", "input": "Hello {{x}}.", "text": {"format": {"type": "text"}}}]
    )
    assert prompt.draft.messages == ({"role": "user", "content": "Hello {{ x }}."},)
    assert (prompt.name, prompt.draft.response_format) == ("my-prompt", None)


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"instructions": None, "input": None}, None),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].type"),
        ({"input": [{"role": "tool", "content": "a"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_video"}]}]}, "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": 3}]}, "input[0].content"),
        ({"prompt": {"variables": {"photo": {"type": "input_image", "file_id": "f"}}}}, "variables.photo"),
        ({"prompt": {"variables": {"a b": "c"}}}, "variables"),
        ({"prompt": {"id": "pmpt_1/../../keys"}}, "id"),
        ({"prompt": {"id": "resp_1"}}, "id"),
        ({"prompt": {"id": 3}}, "id"),
        ({"tools": {"type": "function"}}, "tools"),
        ({"reasoning": "low"}, "reasoning"),
        ({"text": {"format": 3}}, "weather.response_format"),
    ],
)
def test_what_cannot_be_ours_is_refused_by_its_place(change: dict[str, Any], at: str | None) -> None:
    with pytest.raises(BadRequest) as refused:
        read({**WEATHER, **change})
    assert refused.value.param == at


@given(drafts(("system", "developer", "user", "assistant")))
def test_what_is_written_is_read_as_it_was_or_refused(draft: PromptDraft) -> None:
    made = written(openai, draft)
    if isinstance(made, BadRequest):
        assert "which has no escape" in made.message
        return
    (again,) = openai.read(made[0], "other")
    assert rendered(again.draft, VALUES) == rendered(draft, VALUES)
    assert made[1] == ()


def test_parts_go_with_it() -> None:
    parts = [
        {"type": "text", "text": "a {{ x }}"},
        {"type": "image_url", "image_url": {"url": "{{ x }}"}},
        {"type": "file", "file": {"file_data": "data:,a", "filename": "a.txt"}},
    ]
    made = portable(parts, variables={"x": "string"})
    assert openai.read(openai.write(made)[0], "a")[0].draft == made.draft
    said = portable([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], role="assistant")
    assert orjson.loads(openai.write(said)[0])["input"][0]["content"][1] == {"type": "output_text", "text": "b"}


def test_what_openai_has_no_place_for_is_told() -> None:
    variables = {"x": {"type": "string", "examples": ["a", "b"]}}
    made = portable("{{ x }}", variables=variables, parameters={"seed": 1, "max_tokens": 5})
    text, losses = openai.write(Portable("a", made.draft, message="Why.", aliases=("other", "pmpt_1", "pmpt_2")))
    assert losses == (
        "variables.x: examples",
        "the alias 'other' is left out",
        "the alias 'pmpt_2' is left out",
        "the message of the version is left out",
        "parameters.seed is left out",
    )
    assert orjson.loads(text)["max_output_tokens"] == 5


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "a"}},
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"detail": "low"}},
    ],
)
def test_a_part_that_openai_has_not_is_refused_by_its_place(part: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refused:
        openai.write(portable([part]))
    assert refused.value.param == "messages[0].content[0]"
