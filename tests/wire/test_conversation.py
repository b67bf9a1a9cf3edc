"""Stored conversations: what is gone on from, what the upstream sees of it, and how the API lists it."""

from __future__ import annotations

from typing import Any

from gateway.wire.conversation import input_items, messages_of, recall, turn
from gateway.wire.responses import Responses
from gateway.wire.surface import Call

THOUGHT: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
CALLED = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def read(given: Any, **fields: Any) -> Call:
    return Responses().read({"model": "m", "input": given, **fields})


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "content": list(parts), "status": "completed"}


def called(status: str = "completed") -> dict[str, Any]:
    return {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}", "status": status}


def test_earlier_turns_come_between_the_instructions_and_what_is_asked_now() -> None:
    first = read("one", instructions="Of the first.")
    history = turn(first, {"output": [THOUGHT, message({"type": "output_text", "text": "uno"})]})
    second = read("two", instructions="Of the second.")
    recall(second, history)
    said = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "uno"},
        {"role": "user", "content": "two"},
    ]
    assert second.body["messages"] == [{"role": "system", "content": "Of the second."}, *said]
    assert messages_of(second.turn) == said
    assert THOUGHT in second.turn


def test_calls_and_text_become_one_message_and_a_call_cut_off_is_left_out() -> None:
    asked = read("x")
    text = message({"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "b"})
    assert turn(asked, {"output": [text, called()]})[-1] == {
        "role": "assistant",
        "content": "ab",
        "tool_calls": [CALLED],
    }
    assert turn(asked, {"output": [called()]})[-1] == {"role": "assistant", "content": None, "tool_calls": [CALLED]}
    assert turn(asked, {"output": [called("incomplete")]}) == asked.turn
    assert turn(asked, {"output": [THOUGHT]}) == [*asked.turn, THOUGHT]


def test_the_input_is_listed_as_it_came_and_without_the_answer() -> None:
    given = [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "u"}]},
        THOUGHT,
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "4"},
    ]
    stored = turn(read(given), {"output": [THOUGHT, message({"type": "output_text", "text": "done"})]})
    listed = input_items(stored)
    assert [item["type"] for item in listed] == ["message", "reasoning", "function_call", "function_call_output"]
    assert listed[0]["content"] == [
        {"type": "input_text", "text": "a"},
        {"type": "input_image", "image_url": "u", "detail": "auto"},
    ]
    assert len({item["id"] for item in listed}) == 4
    assert input_items([]) == []
