"""Messages as guards see them: the texts in each, where it stands in a call, and what it is without what was found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from guardrails.passage import Passage, Stage, Surroundings, ToolCall

Way = tuple[str | int, ...]
"""The keys and indexes that lead to a text, the field of the message first."""
NO_TEXT = frozenset(
    "base64 citations data file_id id image_url index mime_type name role signature source source_type type url".split()
)
"""What in a block of content is nothing that was said."""
CALLS = frozenset(("tool_use", "tool_call", "tool_call_chunk", "server_tool_use", "function_call", "input_json_delta"))
"""Blocks that say again what stands in the message's tool calls."""
BESIDE = frozenset(("tool_calls", "function_call", "audio"))
"""What in a message's `additional_kwargs` is no text of its own."""

Message = TypeVar("Message", bound=BaseMessage)


@dataclass(frozen=True, slots=True)
class Said:
    way: Way
    text: str


def said(message: BaseMessage) -> list[Said]:
    """The texts of a message, in order."""
    found = list(_texts(message.content, ("content",)))
    if isinstance(message, AIMessage):
        beside = {name: held for name, held in message.additional_kwargs.items() if name not in BESIDE}
        found += _texts(beside, ("additional_kwargs",))
    return found


def with_texts(message: Message, texts: Mapping[Way, str]) -> Message:
    """The message with other texts in these places; itself where there are none."""
    if not texts:
        return message
    changed = message.model_copy(deep=True)
    for (field, *steps), text in texts.items():
        if not steps:
            setattr(changed, str(field), text)
            continue
        held = getattr(changed, str(field))
        for step in steps[:-1]:
            held = held[step]
        held[steps[-1]] = text
    return changed


def standing(message: BaseMessage) -> tuple[Stage, str] | None:
    """The stage of what a conversation says, and who said it; None for the operator's own words."""
    if isinstance(message, SystemMessage):
        return None
    if isinstance(message, ToolMessage | FunctionMessage):
        return "documents", "tool"
    if isinstance(message, HumanMessage):
        return "input", "user"
    if isinstance(message, AIMessage):
        return "input", "assistant"
    role = message.role if isinstance(message, ChatMessage) else "user"
    return None if role in ("system", "developer") else ("input", role)


def asked(message: AIMessage) -> list[ToolCall]:
    """The calls that a message makes, those among them whose arguments are no JSON."""
    calls = [ToolCall(call["name"], _json(call["args"]), call["id"] or "") for call in message.tool_calls]
    broken = message.invalid_tool_calls
    return calls + [ToolCall(one["name"] or "", one["args"] or "", one["id"] or "") for one in broken]


def surroundings(
    messages: Sequence[BaseMessage],
    system: str = "",
    tools: Mapping[str, Any] | None = None,
    tenant: str | None = None,
) -> Surroundings:
    """What a conversation carries around what is said next."""
    people = [message.text for message in messages if isinstance(message, HumanMessage)]
    results = tuple(message.text for message in messages if isinstance(message, ToolMessage | FunctionMessage))
    operator = [message.text for message in messages if isinstance(message, SystemMessage)]
    return Surroundings(
        system="\n\n".join(filter(None, [system, *operator])),
        question=people[-1] if people else "",
        documents=results,
        tools=tools,
        calls=tuple(call for message in messages if isinstance(message, AIMessage) for call in asked(message)),
        results=results,
        tenant=tenant,
    )


def passages(messages: Sequence[BaseMessage]) -> list[tuple[int, Way, Passage]]:
    """Every text of a conversation that is judged: the number of its message, its place in it, and itself."""
    found = []
    for number, message in enumerate(messages):
        at = standing(message)
        for one in said(message) if at is not None else ():
            source = ".".join(str(step) for step in ("messages", number, *one.way))
            found.append((number, one.way, Passage(one.text, *_of(at), source)))
    return found


def _of(at: tuple[Stage, str] | None) -> tuple[Stage, str]:
    assert at is not None
    return at


def _json(arguments: Any) -> str:
    return json.dumps(arguments, ensure_ascii=False, default=str)


def _texts(held: Any, way: Way) -> Iterator[Said]:
    if isinstance(held, str):
        if held:
            yield Said(way, held)
    elif isinstance(held, list):
        for number, item in enumerate(held):
            yield from _texts(item, (*way, number))
    elif isinstance(held, dict) and held.get("type") not in CALLS:
        for name, item in held.items():
            if name not in NO_TEXT:
                yield from _texts(item, (*way, name))
