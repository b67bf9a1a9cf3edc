"""What an upstream says, as guards see it: the texts of an event or a whole reply, and the calls it makes.

Unknown fields are taken for text: what a new kind of server says in a field of its own is judged too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.types import Json

NO_TEXT = frozenset(("finish_reason", "id", "index", "logprobs", "object", "role", "type"))
OF_CALLS = NO_TEXT | {"arguments", "input", "name"}
"""What in a call is no text of its own: it is judged with the whole call."""
OF_EVENTS = frozenset("choices created error id model object service_tier system_fingerprint usage".split())
"""What stands beside the choices and is nothing that was said."""
Way = tuple[str | int, ...]
"""The keys and indexes that lead to a text."""


@dataclass(slots=True)
class Said:
    """A piece of a text. `channel` names the text it belongs to, by the keys that lead there: `delta.content`."""

    channel: str
    way: Way
    text: str


@dataclass(slots=True)
class Arguments:
    """A piece of the arguments of a call of this `kind`, JSON, or of a custom tool's input, and the object that holds
    it under `name`."""

    kind: str
    name: str
    held: Json
    text: str

    def put(self, text: str) -> None:
        self.held[self.name] = text


def said(choice: Json) -> list[Said]:
    """Of one choice, in order."""
    return list(_texts(choice, ()))


def beside(body: Json) -> list[Said]:
    """Of an event, or a whole reply, what stands outside its choices."""
    return list(_texts({name: held for name, held in body.items() if name not in OF_EVENTS}, ()))


def calls(choice: Json) -> Iterator[Json]:
    """The tool calls, or pieces of them, in a choice. Raises `TypeError` for what is none."""
    for name in ("delta", "message"):
        made = choice.get(name)
        if isinstance(made, dict):
            for call in made.get("tool_calls") or ():
                if not isinstance(call, dict):
                    raise TypeError("a tool call is an object")
                yield call
            if isinstance(made.get("function_call"), dict):
                yield {"index": 0, "function": made["function_call"]}


def asked(call: Json) -> tuple[str, str]:
    """The name and the arguments in a call, or in a piece of one; of a custom tool its input."""
    name = arguments = ""
    for kind in ("function", "custom"):
        held = call.get(kind)
        if isinstance(held, dict):
            name += str(held.get("name") or "")
            arguments += "".join(str(held[field]) for field in ("arguments", "input") if held.get(field))
    return name, arguments


def arguments(call: Json) -> Iterator[Arguments]:
    """The texts that `asked` puts together."""
    for kind in ("function", "custom"):
        held = call.get(kind)
        if isinstance(held, dict):
            for name in ("arguments", "input"):
                if isinstance(held.get(name), str) and held[name]:
                    yield Arguments(kind, name, held, held[name])


def put(held: Any, way: Sequence[str | int], text: str) -> None:
    for step in way[:-1]:
        held = held[step]
    held[way[-1]] = text


def _texts(held: Any, way: Way, skipped: frozenset[str] = NO_TEXT) -> Iterator[Said]:
    if isinstance(held, str):
        if held:
            yield Said(".".join(step for step in way if isinstance(step, str)), way, held)
    elif isinstance(held, list):
        for number, item in enumerate(held):
            yield from _texts(item, (*way, number), skipped)
    elif isinstance(held, dict):
        for name, item in held.items():
            if name not in skipped:
                called = name == "tool_calls" or (name == "function_call" and isinstance(item, dict))
                yield from _texts(item, (*way, name), OF_CALLS if called else skipped)
