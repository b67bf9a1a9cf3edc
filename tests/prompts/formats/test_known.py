"""The formats by name, and what a file looks like."""

from __future__ import annotations

import pytest

from gateway.errors import BadRequest
from gateway.prompts.formats.known import FORMATS, called, guessed


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
