"""Our own: YAML that `sluice prompts save` reads and `sluice prompts sync` keeps in a folder."""

from __future__ import annotations

from typing import Any

from evals.digest import canonical
from evals.strict_yaml import Malformed
from evals.strict_yaml import read as located
from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats.base import Portable
from gateway.prompts.formats.source import check_size, mapping, named, refusal
from gateway.prompts.formats.yaml_text import lines
from gateway.prompts.variables import schema_of
from gateway.types import Json

AT = "prompt"
FIRST = ("type", "role", "name")
"""Of an object's keys, where it has them; the others follow by the alphabet."""


def read(text: str, name: str) -> list[Portable]:
    check_size(text)
    try:
        found = located(text)
    except Malformed as error:
        raise refusal("", f"The file is not valid YAML: {error}") from error
    if len(found) != 1:
        raise refusal("", "A prompt is one mapping, with messages")
    held = dict(mapping(found[0].value, ""))
    called, renamed = named(held.pop("name"), "name") if "name" in held else (name, [])
    try:
        draft = PromptDraft.parse(held, AT)
    except BadRequest as error:
        steps = str(error.param).split(".")[1:]
        line = found[0].line([int(step) if step.isdecimal() else step for step in steps])
        raise refusal(f"line {line}", error.message.removesuffix(".")) from error
    return [Portable(called, draft, losses=tuple(renamed))]


def write(prompt: Portable) -> tuple[str, tuple[str, ...]]:
    """Equal prompts are the same text. Variables are declared in short where that says all of it."""
    parts = prompt.draft.as_json()
    variables = _declared(parts.pop("variables"))
    messages = _ordered(parts.pop("messages"))
    made = {"name": prompt.name, "messages": messages, **({"variables": variables} if variables else {})}
    lost = [f"the alias {alias!r} is left out" for alias in prompt.aliases]
    lost += ["the message of the version is left out"] if prompt.message else []
    return "\n".join([*lines({**made, **{name: _ordered(part) for name, part in parts.items()}}), ""]), tuple(lost)


def _declared(schema: Json) -> Json:
    """In short, those that are required in the order in which they are, if that is the same schema."""
    match schema:
        case {"properties": dict(properties), "required": list(required)} if all(
            name in properties for name in required
        ):
            names = dict.fromkeys([*required, *sorted(properties)])
            short = {name: _in_short(_ordered(properties[name])) for name in names}
            simple = all(isinstance(spec, str | dict) for spec in short.values())
            if simple and canonical(schema_of(short)) == canonical(schema):
                return short
    whole: Json = _ordered(schema)
    return whole


def _in_short(spec: Any) -> Any:
    match spec:
        case {"type": str(kind), **others} if not others:
            return kind
    return spec


def _ordered(value: Any) -> Any:
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    if isinstance(value, dict):
        keys = [*(key for key in FIRST if key in value), *sorted(value.keys() - set(FIRST))]
        return {key: _ordered(value[key]) for key in keys}
    return value
