"""The texts of a request that are judged, each with its place, and how what was redacted comes back there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.prompts.render import CompiledPrompt
from gateway.types import Json, Operation
from gateway.wire.surface import Call
from guardrails.passage import Passage, Stage, Surroundings, ToolCall

OURS = frozenset(("system", "developer"))
"""Roles of what an operator says, which is not judged as what people say."""
RETURNED = frozenset(("tool", "function"))
VARIABLES = "prompt.variables."


def passages(call: Call, operation: Operation, prompt: CompiledPrompt | None) -> list[Passage]:
    """What people say and what tools returned, in order. Of a prompt of ours only what was put into it is judged."""
    body = call.body
    if operation != "chat":
        field = "input" if operation == "embeddings" else "prompt"
        return [Passage(text, "input", "user", place) for place, text in _strings(body.get(field), field)]
    given = call.prompt.variables if call.prompt is not None else {}
    found = [
        Passage(text, "input", "user", place)
        for name, value in given.items()
        for place, text in _strings(value, VARIABLES + name)
    ]
    own = len(prompt.version.messages) if prompt is not None else 0
    for number, message in enumerate(body["messages"]):
        if number >= own and message["role"] not in OURS:
            stage: Stage = "documents" if message["role"] in RETURNED else "input"
            place = f"messages.{number}"
            found += [Passage(text, stage, message["role"], at) for at, text in _said(message, place)]
    return found


def unheard(call: Call, operation: Operation) -> list[Passage]:
    """The parts of messages that are no text, which no guard reads: empty passages at their places."""
    if operation != "chat":
        return []
    return [
        Passage("", "input", message["role"], f"messages.{number}.content.{at}")
        for number, message in enumerate(call.body["messages"])
        if isinstance(message.get("content"), list)
        for at, part in enumerate(message["content"])
        if isinstance(part, dict) and not isinstance(part.get("text"), str) and not isinstance(part.get("refusal"), str)
    ]


def unread(call: Call, operation: Operation) -> str | None:
    """The field whose text no guard can read, since it came as tokens."""
    field = {"embeddings": "input", "completions": "prompt"}.get(operation)
    held = call.body.get(field) if field is not None else None
    return field if isinstance(held, list) and held and not isinstance(held[0], str) else None


def surroundings(call: Call, operation: Operation, tenant: str | None) -> Surroundings:
    """What a call carries around each of its passages."""
    body = call.body
    if operation != "chat":
        return Surroundings(tenant=tenant)
    messages: Sequence[Json] = body["messages"]
    asked = [message for message in messages if message["role"] == "user"]
    given = call.prompt.variables if call.prompt is not None else {}
    return Surroundings(
        system="\n".join(_text(message) for message in messages if message["role"] in OURS),
        question=_text(asked[-1]) if asked else "",
        documents=tuple(text for name, value in given.items() for _, text in _strings(value, name)),
        tools={name: schema for name, schema in _tools(body)},
        calls=tuple(made for message in messages for made in _calls(message)),
        results=tuple(_text(message) for message in messages if message["role"] in RETURNED),
        response_format=body.get("response_format"),
        tenant=tenant,
    )


def put_back(call: Call, prompt: CompiledPrompt | None, before: Sequence[Passage], after: Sequence[Passage]) -> None:
    """Write what was redacted into the request; what others hold of it stays as it was. A prompt that it was put into
    is rendered anew."""
    given: Any = call.prompt.variables if call.prompt is not None else {}
    rendered = False
    for old, new in zip(before, after, strict=True):
        if old.text == new.text:
            continue
        if old.source.startswith(VARIABLES):
            given = _with(given, old.source.removeprefix(VARIABLES).split("."), new.text)
            rendered = True
        else:
            call.body = _with(call.body, old.source.split("."), new.text)
    if rendered and prompt is not None:
        own = len(prompt.version.messages)
        call.body["messages"] = prompt.render(given) + call.body["messages"][own:]


def _with(held: Any, way: Sequence[str], text: str) -> Any:
    """The same value with another text at the end of `way`."""
    if not way:
        return text
    if isinstance(held, list):
        at = int(way[0])
        return [*held[:at], _with(held[at], way[1:], text), *held[at + 1 :]]
    return {**held, way[0]: _with(held[way[0]], way[1:], text)}


def _said(message: Json, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a message but its role, ids and types: its content, and what it asked tools to do."""
    yield from _content(message.get("content"), f"{place}.content")
    for name in ("name", "refusal"):
        if isinstance(message.get(name), str):
            yield f"{place}.{name}", message[name]
    for number, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function")
        if isinstance(function, dict) and isinstance(function.get("arguments"), str):
            yield f"{place}.tool_calls.{number}.function.arguments", function["arguments"]


def _content(content: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(content, str):
        if content:
            yield place, content
        return
    for number, part in enumerate(content or ()):
        text = part.get("text") if isinstance(part, dict) else None
        if isinstance(text, str) and text:
            yield f"{place}.{number}.text", text


def _strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """The strings in a JSON value, at any depth."""
    if isinstance(value, str):
        if value:
            yield place, value
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _strings(item, f"{place}.{number}")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _strings(item, f"{place}.{name}")


def _text(message: Json) -> str:
    return "\n".join(text for _, text in _content(message.get("content"), ""))


def _tools(body: Json) -> Iterator[tuple[str, Any]]:
    told = [tool.get("function") for tool in body.get("tools") or ()]
    for function in (*told, *(body.get("functions") or ())):
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            yield function["name"], function.get("parameters") or {}


def _calls(message: Json) -> Iterator[ToolCall]:
    for call in message.get("tool_calls") or ():
        function = call.get("function")
        if isinstance(function, dict) and message["role"] == "assistant":
            yield ToolCall(str(function.get("name")), str(function.get("arguments")), str(call.get("id")))
