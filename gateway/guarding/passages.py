"""The texts of a request that are judged, each with its place, and how what was redacted comes back there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.prompts.render import CompiledPrompt
from gateway.releases.resolve import LiveRelease
from gateway.types import Json, Operation
from gateway.wire import chat, completions, embeddings
from gateway.wire.surface import Call
from guardrails.passage import Passage, Stage, Surroundings, ToolCall

OURS = frozenset(("system", "developer"))
"""Roles of what an operator says, which is not judged as what people say."""
RETURNED = frozenset(("tool", "function"))
VARIABLES = "prompt.variables."
OTHERS = "others"
"""What sources call the fields that we do not know."""
PLAIN = frozenset(("type", "text", "refusal"))
"""Keys of a part that is text and nothing else."""
CALLED = ("name", "arguments", "input")
"""What a call of a tool says, at their known places."""
FIELDS: Mapping[Operation, frozenset[str]] = {
    "chat": chat.FIELDS,
    "completions": completions.FIELDS,
    "embeddings": embeddings.FIELDS,
}
"""What we know of a request. All else goes to the upstream as it came, which may take it for text."""
Way = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A passage, and the keys and indexes that lead to it: in the body, or in the variables of its prompt."""

    passage: Passage
    way: Way
    variable: bool = False


def passages(call: Call, operation: Operation, release: LiveRelease, context: Collection[str]) -> list[Placed]:
    """What people say and what tools returned, in order, each with a source of its own. Of a prompt of ours only what
    was put into it is judged, and of that as documents what the variables in `context` hold. Texts in fields that we do
    not know are judged too, but for those that the release sets. Names that a client made up are in no source."""
    body = call.body
    rest = {name: held for name, held in body.items() if name not in FIELDS[operation] and name not in release.fixed}
    found = _said_by_people(call, operation, release.prompt, context)
    return found + _numbered(_strings(rest, ()), "input", "user", (OTHERS,))


def _said_by_people(
    call: Call, operation: Operation, prompt: CompiledPrompt | None, context: Collection[str]
) -> list[Placed]:
    body = call.body
    if operation != "chat":
        fields = ("input",) if operation == "embeddings" else ("prompt", "suffix")
        return [
            _placed("input", "user", way, text) for field in fields for way, text in _strings(body.get(field), (field,))
        ]
    given = call.prompt.variables if call.prompt is not None else {}
    found = []
    for name, value in given.items():
        for number, (way, text) in enumerate(_strings(value, (name,))):
            source = f"{VARIABLES}{name}" + (f".{number}" if number else "")
            stage: Stage = "documents" if name in context else "input"
            found.append(Placed(Passage(text, stage, "user", source), way, variable=True))
    own = len(prompt.version.messages) if prompt is not None else 0
    for number, message in enumerate(body["messages"]):
        if number >= own and message["role"] not in OURS:
            role, way = message["role"], ("messages", number)
            stage = "documents" if role in RETURNED else "input"
            found += [_placed(stage, role, *said) for said in _said(message, way)]
            found += _numbered(_beside(message, way), stage, role, (*way, OTHERS))
    prediction = body.get("prediction") or {}
    found += [
        _placed("input", "user", way, text)
        for way, text in _content(prediction.get("content"), ("prediction", "content"))
    ]
    return found


def _numbered(texts: Iterable[tuple[Way, str]], stage: Stage, role: str, place: Way) -> list[Placed]:
    """Texts at places that a client made up: by their number, in the order of the request."""
    return [
        Placed(Passage(text, stage, role, ".".join(map(str, (*place, number)))), way)
        for number, (way, text) in enumerate(texts)
    ]


def _placed(stage: Stage, role: str, way: Way, text: str) -> Placed:
    return Placed(Passage(text, stage, role, ".".join(map(str, way))), way)


def unheard(call: Call, operation: Operation) -> list[Passage]:
    """The parts of messages that are something else than text, which no guard reads: empty passages at their places."""
    if operation != "chat":
        return []
    return [
        Passage("", "input", message["role"], f"messages.{number}.content.{at}")
        for number, message in enumerate(call.body["messages"])
        if isinstance(message.get("content"), list)
        for at, part in enumerate(message["content"])
        if not isinstance(part, dict) or not part.keys() <= PLAIN
    ]


def unread(call: Call, operation: Operation) -> str | None:
    """The field whose text no guard can read, since it came as tokens."""
    field = {"embeddings": "input", "completions": "prompt"}.get(operation)
    held = call.body.get(field) if field is not None else None
    return field if isinstance(held, list) and held and not isinstance(held[0], str) else None


def surroundings(call: Call, operation: Operation, tenant: str | None, context: Collection[str]) -> Surroundings:
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
        documents=tuple(text for name in context for _, text in _strings(given.get(name), (name,))),
        tools={name: schema for name, schema in _tools(body)},
        calls=tuple(made for message in messages for made in _calls(message)),
        results=tuple(_text(message) for message in messages if message["role"] in RETURNED),
        response_format=body.get("response_format"),
        tenant=tenant,
    )


def put_back(call: Call, prompt: CompiledPrompt | None, before: Sequence[Placed], after: Sequence[Passage]) -> None:
    """Write what was redacted into the request; what others hold of it stays as it was. A prompt that it was put into
    is rendered anew."""
    given: Any = call.prompt.variables if call.prompt is not None else {}
    rendered, made = False, dict[int, Any]()
    for old, new in zip(before, after, strict=True):
        if old.passage.text == new.text:
            continue
        if old.variable:
            given = _with(given, old.way, new.text, made)
            rendered = True
        else:
            call.body = _with(call.body, old.way, new.text, made)
    if rendered and prompt is not None and call.prompt is not None:
        own = len(prompt.version.messages)
        call.body["messages"] = prompt.render(given) + call.body["messages"][own:]
        call.prompt = msgspec.structs.replace(call.prompt, variables=given)


def _with(held: Any, way: Way, text: str, made: dict[int, Any]) -> Any:
    """The same value with another text at the end of `way`. `made` are the lists and objects that were made for it
    already, by their ids: each is copied once, however many texts in it change."""
    if not way:
        return text
    if id(held) not in made:
        held = held.copy()
        made[id(held)] = held
    step: Any = way[0]
    held[step] = _with(held[step], way[1:], text, made)
    return held


def _said(message: Json, way: Way) -> Iterator[tuple[Way, str]]:
    """Every text of a message but its role, ids and types: its content, and what it asked tools to do."""
    yield from _content(message.get("content"), (*way, "content"))
    for name in ("name", "refusal"):
        if isinstance(message.get(name), str):
            yield (*way, name), message[name]
    for called, place in _called(message, way):
        for name in CALLED:
            if isinstance(called.get(name), str) and called[name]:
                yield (*place, name), called[name]


def _beside(message: Json, way: Way) -> Iterator[tuple[Way, str]]:
    """The texts of a message in fields that we do not know, as the reasoning that some servers are told again."""
    for name, held in message.items():
        if name not in chat.MESSAGE_FIELDS:
            yield from _strings(held, (*way, name))
    for called, place in _called(message, way):
        for name, held in called.items():
            if name not in CALLED or not isinstance(held, str):
                yield from _strings(held, (*place, name))


def _called(message: Json, way: Way) -> Iterator[tuple[Json, Way]]:
    """What a message asked tools to do, each with its place."""
    if isinstance(message.get("function_call"), dict):
        yield message["function_call"], (*way, "function_call")
    for number, call in enumerate(message.get("tool_calls") or ()):
        for kind in ("function", "custom"):
            if isinstance(call.get(kind), dict):
                yield call[kind], (*way, "tool_calls", number, kind)


def _content(content: Any, way: Way) -> Iterator[tuple[Way, str]]:
    if isinstance(content, str):
        if content:
            yield way, content
        return
    for number, part in enumerate(content or ()):
        for name in ("text", "refusal"):
            text = part.get(name) if isinstance(part, dict) else None
            if isinstance(text, str) and text:
                yield (*way, number, name), text


def _strings(value: Any, way: Way) -> Iterator[tuple[Way, str]]:
    """The strings in a JSON value, at any depth."""
    if isinstance(value, str):
        if value:
            yield way, value
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _strings(item, (*way, number))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _strings(item, (*way, name))


def _text(message: Json) -> str:
    return "\n".join(text for _, text in _content(message.get("content"), ()))


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
