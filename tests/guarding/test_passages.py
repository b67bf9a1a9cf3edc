"""The texts of a request that are judged: all that an upstream may take for text, at whatever place a client put it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.guarding.passages import passages, put_back
from gateway.releases.resolve import LiveRelease
from gateway.types import Json, Operation, Release
from gateway.wire.chat import Chat
from gateway.wire.completions import Completions
from gateway.wire.embeddings import Embeddings
from gateway.wire.surface import Call, Surface

USER = {"role": "user", "content": "hi"}
NAMES = st.text("abcxyz_", min_size=3, max_size=8)
JSON = st.recursive(
    st.none() | st.integers() | st.text("ab ", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def release(**parameters: Any) -> LiveRelease:
    return LiveRelease.of(Release("", None, "up", parameters, (), None), None)


def read(body: Json, surface: Surface | None = None) -> Call:
    return (surface or Chat()).read({"model": "m", **body})


def sources(body: Json, live: LiveRelease | None = None) -> dict[str, tuple[str, str]]:
    """By its place the stage and the text of each passage."""
    found = passages(read(body), "chat", live or release(), ())
    return {one.passage.source: (one.passage.stage, one.passage.text) for one in found}


def test_fields_of_a_message_that_nobody_knows_are_judged_as_the_message_is() -> None:
    said = {"role": "assistant", "content": "well", "reasoning_content": "secretly", "deep": {"er": ["down"]}}
    told = {"role": "tool", "tool_call_id": "1", "content": "found", "sources": ["page"]}
    assert sources({"messages": [USER, said, told]}) == {
        "messages.0.content": ("input", "hi"),
        "messages.1.content": ("input", "well"),
        "messages.1.others.0": ("input", "secretly"),
        "messages.1.others.1": ("input", "down"),
        "messages.2.content": ("documents", "found"),
        "messages.2.others.0": ("documents", "page"),
    }


def test_what_a_call_of_a_tool_holds_beside_its_arguments_is_judged_and_not_named() -> None:
    function = {"name": "pay", "arguments": "{}", "injected\r\nname": {"x": "frobozz"}}
    calls = [{"id": "1", "type": "function", "function": function}]
    found = sources({"messages": [USER, {"role": "assistant", "content": None, "tool_calls": calls}]})
    assert found["messages.1.tool_calls.0.function.name"] == ("input", "pay")
    assert found["messages.1.tool_calls.0.function.arguments"] == ("input", "{}")
    assert found["messages.1.others.0"] == ("input", "frobozz")
    assert not any("injected" in source for source in found)


def test_fields_of_a_request_that_nobody_knows_are_judged_but_for_those_of_the_release() -> None:
    body = {"messages": [USER], "user": "u-1", "documents": [{"text": "frobozz"}], "template": "ours"}
    assert sources(body)["others.0"] == ("input", "frobozz")
    assert sources(body)["others.1"] == ("input", "ours")
    assert "others.1" not in sources(body, release(template="ours"))


@pytest.mark.parametrize(
    ("surface", "operation", "body"),
    [(Completions(), "completions", {"prompt": "hi"}), (Embeddings(), "embeddings", {"input": "hi"})],
)
def test_so_they_are_of_other_operations(surface: Surface, operation: Operation, body: Json) -> None:
    found = passages(read({**body, "messages": [{"content": "frobozz"}]}, surface), operation, release(), ())
    assert [(one.passage.source, one.passage.text) for one in found][1:] == [("others.0", "frobozz")]


@given(st.dictionaries(NAMES, JSON, max_size=3), st.dictionaries(NAMES, JSON, max_size=3))
def test_each_text_has_a_place_of_its_own_and_is_put_back_there(beside: Json, around: Json) -> None:
    call = read({"messages": [{**USER, **beside}], **around})
    live = release()
    found = passages(call, "chat", live, ())
    assert len({one.passage.source for one in found}) == len(found)
    before = deepcopy(call.body)
    held = call.body
    put_back(call, None, found, [replace(one.passage, text=f"<{one.passage.text}>") for one in found])
    again = passages(call, "chat", live, ())
    assert [one.passage.text for one in again] == [f"<{one.passage.text}>" for one in found]
    assert held == before, "what others hold of it stays as it was"
