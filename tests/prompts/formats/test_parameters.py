"""The fields of a chat request that other formats keep beside their messages."""

from __future__ import annotations

from typing import Any

from gateway.prompts.formats import parameters
from tests.prompts.formats.exchanging import draft


def test_fields_of_a_request_are_taken_and_others_told() -> None:
    answer = {"type": "json_object"}
    settings: dict[str, Any] = {
        "temperature": 1,
        "seed": None,
        "tools": [],
        "response_format": answer,
        "model": "a",
        "mood": "b",
    }
    parts, lost = parameters.read(settings, "config")
    assert parts == {"parameters": {"temperature": 1}, "response_format": answer}
    assert lost == ["config.model is left out", "config.mood is left out"]


def test_what_is_written_is_read_as_it_was() -> None:
    made = draft("a", parameters={"top_p": 0.5}, tools=[{"type": "function"}], response_format={"type": "text"})
    again, lost = parameters.read(parameters.write(made), "")
    assert (draft("a", **again), lost) == (made, [])
