"""OpenAI's prompt objects: the fields of the Responses API, as the dashboard shows them, with the prompt's own beside.

`{"id": "pmpt_…", "name": …, "variables": {…}, "instructions": …, "input": [...], "tools": [...], "text": {…}, …}`, or
with `{"prompt": {"id": …, "variables": {…}}}` as in a request. The id is kept as an alias, and a variable's value as an
example of it. There is no public API that gives a prompt's messages.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.errors import BadRequest
from gateway.prompts.draft import ROLES, PromptDraft
from gateway.prompts.formats import mustache, parameters, schema
from gateway.prompts.formats.base import Portable
from gateway.prompts.formats.pieces import Variable, each_text, template_of, variable
from gateway.prompts.formats.source import (
    below,
    items,
    left_out,
    mapping,
    named,
    parse_json,
    refusal,
    text_of,
    write_json,
)
from gateway.types import Json
from gateway.wire.responses_input import read_part

ID = re.compile(r"pmpt_[A-Za-z0-9._-]{1,123}")
MESSAGES = ("instructions", "input", "messages")
"""Where they are, in their order."""
RENAMED = {
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
OWN = frozenset(("object", "id", "name", "version", "variables", "prompt", *MESSAGES))
TRANSLATED = frozenset(("tools", "tool_choice", "text", "reasoning", "max_output_tokens"))
FUNCTION = ("name", "description", "parameters", "strict")
IMAGE = {"url": "image_url", "detail": "detail"}
REQUEST = frozenset(
    "metadata parallel_tool_calls prompt_cache_key prompt_cache_retention safety_identifier service_tier store "
    "temperature tool_choice top_logprobs top_p user".split()
)
"""Parameters that the Responses API calls as chat does."""


def read(text: str, name: str) -> list[Portable]:
    found = parse_json(text)
    if not isinstance(found, list):
        return [_Reader("").prompt(mapping(found, ""), name)]
    for index, one in enumerate(found):
        text_of(mapping(one, f"[{index}]").get("name"), f"[{index}].name")
    return [_Reader(f"[{index}]").prompt(one, name) for index, one in enumerate(found)]


class _Reader:
    """Of one prompt. `at` is where it is in the file."""

    def __init__(self, at: str) -> None:
        self._at = at
        self._names: set[str] = set()
        self._losses: list[str] = []

    def prompt(self, one: Json, default: str) -> Portable:
        reference = mapping(one.get("prompt") or one, below(self._at, "prompt"))
        name, renamed = named(one["name"], below(self._at, "name")) if one.get("name") else (default, [])
        messages = [message for field in MESSAGES for message in self._messages(one.get(field), field)]
        if not messages:
            raise refusal(self._at, "there are no messages here: OpenAI's API does not give them, its dashboard does")
        draft = {"messages": messages, "variables": self._variables(reference.get("variables") or {})}
        draft |= self._settings(one)
        return Portable(
            name=name,
            draft=PromptDraft.parse(draft, self._at or name),
            aliases=self._aliases(reference.get("id")),
            losses=(*renamed, *self._losses),
        )

    def _aliases(self, identity: Any) -> tuple[str, ...]:
        if identity is None:
            return ()
        if not ID.fullmatch(text_of(identity, below(self._at, "id"))):
            raise refusal(below(self._at, "id"), f"{identity[:80]!r} is not the id of a prompt, as pmpt_123")
        return (identity,)

    # messages --------------------------------------------------------------------------------------------------------

    def _messages(self, held: Any, field: str) -> list[Json]:
        at = below(self._at, field)
        if held is None:
            return []
        if isinstance(held, str):
            role = "system" if field == "instructions" else "user"
            return [{"role": role, "content": self._template(held, at)}]
        return [self._message(mapping(one, f"{at}[{i}]"), f"{at}[{i}]") for i, one in enumerate(items(held, at))]

    def _message(self, message: Json, at: str) -> Json:
        if message.get("type", "message") != "message":
            raise refusal(below(at, "type"), f"{str(message['type'])[:80]!r} is no message")
        role = message.get("role")
        if role not in ROLES:
            raise refusal(below(at, "role"), f"the role is one of {', '.join(ROLES)}")
        self._losses += left_out(message, ("type", "role", "content", "id", "status"), at)
        at = below(at, "content")
        content = message.get("content")
        if isinstance(content, str):
            return {"role": role, "content": self._template(content, at)}
        parts = [self._part(part, f"{at}[{index}]") for index, part in enumerate(items(content, at))]
        alone = len(parts) == 1 and parts[0]["type"] == "text"
        return {"role": role, "content": parts[0]["text"] if alone else parts}

    def _part(self, part: Any, at: str) -> Json:
        try:
            made = read_part(part, at)
        except BadRequest as error:
            raise refusal(error.param or at, error.message.rstrip(".")) from error
        translated: Json = each_text(made, at, self._template)
        return translated

    def _template(self, text: str, at: str) -> str:
        pieces = mustache.read(text)
        self._names |= {piece.name for piece in pieces if isinstance(piece, Variable)}
        self._losses += mustache.odd_texts(pieces, at)
        return template_of(pieces)

    def _variables(self, given: Any) -> Json:
        at = below(self._at, "variables")
        examples = {name: _example(value, below(at, name)) for name, value in mapping(given, at).items()}
        names = self._names | {variable(name, at).name for name in examples}
        return {
            name: {"type": "string"} | ({"examples": [examples[name]]} if examples.get(name) else {})
            for name in sorted(names)
        }

    # settings --------------------------------------------------------------------------------------------------------

    def _settings(self, one: Json) -> Json:
        plain = {name: value for name, value in one.items() if name not in OWN | TRANSLATED}
        parts, lost = parameters.read(plain, self._at)
        self._losses += lost
        fixed = parts["parameters"]
        reasoning = self._object(one, "reasoning", ("effort",))
        text = self._object(one, "text", ("format", "verbosity"))
        fixed |= {
            "max_completion_tokens": one.get("max_output_tokens"),
            "reasoning_effort": reasoning.get("effort"),
            "verbosity": text.get("verbosity"),
            "tool_choice": _function(one.get("tool_choice")),
        }
        parts["parameters"] = {name: value for name, value in fixed.items() if value is not None}
        return {**parts, "tools": self._tools(one.get("tools") or []), "response_format": _format(text.get("format"))}

    def _object(self, one: Json, field: str, taken: tuple[str, ...]) -> Json:
        at = below(self._at, field)
        found = mapping(one.get(field) or {}, at)
        self._losses += left_out(found, taken, at)
        return found

    def _tools(self, given: Any) -> list[Any]:
        at = below(self._at, "tools")
        made = []
        for index, tool in enumerate(items(given, at)):
            kind = mapping(tool, f"{at}[{index}]").get("type")
            if kind == "function":
                self._losses += left_out(tool, ("type", *FUNCTION), f"{at}[{index}]")
                made.append(_function(tool))
            else:
                self._losses.append(f"{at}[{index}]: the tool {str(kind)[:80]!r}, which runs at OpenAI, is left out")
        return made


def _function(flat: Any) -> Any:
    """As chat has it: what a function is, in an object of its own."""
    if not isinstance(flat, dict) or flat.get("type") != "function":
        return flat
    return {"type": "function", "function": {name: flat[name] for name in FUNCTION if flat.get(name) is not None}}


def _format(given: Any) -> Any:
    kind = given.get("type") if isinstance(given, dict) else None
    if kind != "json_schema":
        return None if kind == "text" else given
    return {"type": "json_schema", "json_schema": {name: held for name, held in given.items() if name != "type"}}


def _example(value: Any, at: str) -> str:
    if isinstance(value, dict) and value.get("type") == "input_text":
        value = value.get("text")
    if value is not None and not isinstance(value, str):
        raise refusal(at, "a variable is a text here, and no image or file")
    return value or ""


def write(prompt: Portable) -> tuple[str, tuple[str, ...]]:
    """Messages stand in `input`, whatever their role."""
    draft = prompt.draft
    ids = [alias for alias in prompt.aliases if ID.fullmatch(alias)]
    lost = [f"the alias {alias!r} is left out" for alias in prompt.aliases if alias not in ids[:1]]
    lost += ["the message of the version is left out"] if prompt.message else []
    properties = schema.properties_of(draft)
    made = {
        "object": "prompt",
        **({"id": ids[0]} if ids else {}),
        "name": prompt.name,
        "variables": {name: _value(spec) for name, spec in sorted(properties.items())},
        "input": [_written(message, f"messages[{index}].content") for index, message in enumerate(draft.messages)],
        **_written_settings(draft),
    }
    carried = frozenset(("examples",)) if all(map(_one_example, properties.values())) else frozenset()
    lost += [f"parameters.{name} is left out" for name in sorted(draft.parameters.keys() - REQUEST - RENAMED.keys())]
    return write_json(made), (*schema.lost_variables(draft, carried), *lost)


def _one_example(spec: Any) -> bool:
    examples = spec.get("examples", [""])
    return isinstance(examples, list) and len(examples) == 1 and isinstance(examples[0], str)


def _value(spec: Json) -> str:
    return str(spec["examples"][0]) if spec.get("examples") and _one_example(spec) else ""


def _written(message: Json, at: str) -> Json:
    role = message["role"]
    content = each_text(message["content"], at, mustache.write)
    if isinstance(content, list):
        content = [_written_part(part, role, f"{at}[{index}]") for index, part in enumerate(content)]
    return {"role": role, "content": content}


def _written_part(part: Json, role: str, at: str) -> Json:
    match part:
        case {"type": "text", "text": text, **others} if not others:
            return {"type": "output_text" if role == "assistant" else "input_text", "text": text}
        case {"type": "image_url", "image_url": {"url": _} as image, **others} if (
            not others and image.keys() <= IMAGE.keys()
        ):
            return {"type": "input_image", **{IMAGE[name]: value for name, value in image.items()}}
        case {"type": "file", "file": {"file_data": _} as file, **others} if not others:
            return {"type": "input_file", **file}
    raise refusal(at, f"a part of type {part['type'][:80]!r} cannot be written in this format")


def _written_settings(draft: PromptDraft) -> Json:
    made: Json = {}
    for name, value in draft.parameters.items():
        if name in RENAMED:
            field, _, within = RENAMED[name].partition(".")
            made[field] = {**made.get(field, {}), within: value} if within else value
        elif name in REQUEST:
            made[name] = _flat(value, "function")
    if draft.response_format is not None:
        made["text"] = {**made.get("text", {}), "format": _flat(draft.response_format, "json_schema")}
    if draft.tools:
        made["tools"] = [_flat(tool, "function") for tool in draft.tools]
    return made


def _flat(held: Any, within: str) -> Any:
    """`{"type": "function", "function": {…}}` as the Responses API has it."""
    if not isinstance(held, dict) or not isinstance(held.get(within), dict):
        return held
    return {"type": held["type"], **held[within]}
