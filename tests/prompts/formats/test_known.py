"""The formats by name, and what a file looks like."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.formats.known import FORMATS, called, guessed
from gateway.prompts.render import CompiledPrompt
from gateway.types import PromptVersion


@pytest.mark.parametrize(
    ("text", "suffix", "name"),
    [
        ("Hi {{x}}", ".prompt", "dotprompt"),
        ("messages: []", ".yaml", "yaml"),
        ("messages: []", ".yml", "yaml"),
        ('{"lc": 1}', ".json", "langchain"),
        ('{"_type": "prompt"}', "", "langchain"),
        ('{"prompt": {"id": "pmpt_1"}, "input": "a"}', ".json", "openai"),
        ('[{"instructions": "a"}]', ".json", "openai"),
        ('{"name": "a", "prompt": "b"}', ".json", "langfuse"),
        ('{"data": [{"prompt": []}]}', ".json", "langfuse"),
    ],
)
def test_a_file_shows_its_format(text: str, suffix: str, name: str) -> None:
    assert guessed(text, suffix) == name
    assert called(name) is FORMATS[name]


@pytest.mark.parametrize("text", ["{}", "[]", "3", '{"data": []}', '[["prompt"]]', "Hi"])
def test_one_that_shows_none_has_to_be_told(text: str) -> None:
    with pytest.raises(BadRequest, match="not valid JSON" if text == "Hi" else "say which of"):
        guessed(text, ".json")


def test_there_is_no_other() -> None:
    with pytest.raises(BadRequest, match="'word' is no format; there are dotprompt"):
        called("word")


WORDS = (
    "lc id kwargs type constructor prompt name messages content role template template_format partial_variables "
    "examples example_prompt suffix schema_ tool_calls input instructions variables tools text format reasoning data "
    "config labels image_url url input_text user f-string jinja2 PromptTemplate ChatPromptTemplate StructuredPrompt "
    "HumanMessagePromptTemplate HumanMessage FewShotPromptTemplate function json_schema schema default output toolDefs "
    "inputSchema properties required object string _type few_shot version commitMessage {{x}} {x}"
).split()
values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=20,
)


@given(
    st.sampled_from(sorted(FORMATS)),
    values
    | st.fixed_dictionaries({"type": st.just("text"), "prompt": values, "config": values, "labels": values})
    | st.fixed_dictionaries({"input": values, "tools": values, "text": values, "variables": values})
    | st.fixed_dictionaries({"_type": st.just("few_shot"), "examples": values, "example_prompt": values})
    | st.fixed_dictionaries({"input": st.fixed_dictionaries({"schema": values, "default": values}), "output": values}),
)
def test_whatever_a_file_holds_is_read_or_refused(name: str, value: Any) -> None:
    text = orjson.dumps(value).decode()
    with suppress(BadRequest):
        for prompt in called(name).read(f"---\n{text}\n---\nHi" if name == "dotprompt" else text, "a"):
            CompiledPrompt.compile(PromptVersion("a", 1, "", prompt.draft.messages, prompt.draft.variables))
            called(name).write(prompt)
