"""What an upstream says, as guards see it: the texts of a choice, whole or as a delta, and the calls it makes.

Unknown fields are taken for text: what a new kind of server says in a field of its own is judged too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.types import Json

NO_TEXT = frozenset(
    ("finish_reason", "function_call", "id", "index", "logprobs", "object", "role", "tool_calls", "type")
)
Way = tuple[str | int, ...]
"""The keys and indexes that lead to a text."""


@dataclass(slots=True)
class Said:
    """A piece of one of a choice's texts. `channel` is the text it belongs to: content, refusal, reasoning, …"""

    channel: str
    way: Way
    text: str


def said(choice: Json) -> list[Said]:
    """Of one choice of an event or of a whole reply, in order."""
    for name in ("delta", "message"):
        made = choice.get(name)
        if isinstance(made, dict):
            return list(_texts(made, (name,)))
    return list(_texts({name: held for name, held in choice.items() if name == "text"}, ()))


def calls(choice: Json) -> Iterator[Json]:
    """The tool calls, or pieces of them, in a choice."""
    for name in ("delta", "message"):
        made = choice.get(name)
        if isinstance(made, dict):
            yield from (call for call in made.get("tool_calls") or () if isinstance(call, dict))
            if isinstance(made.get("function_call"), dict):
                yield {"index": 0, "function": made["function_call"]}


def put(choice: Json, way: Sequence[str | int], text: str) -> None:
    held: Any = choice
    for step in way[:-1]:
        held = held[step]
    held[way[-1]] = text


def _texts(held: Any, way: Way) -> Iterator[Said]:
    if isinstance(held, str):
        if held:
            yield Said(str(way[1] if len(way) > 1 else way[0]), way, held)
    elif isinstance(held, list):
        for number, item in enumerate(held):
            yield from _texts(item, (*way, number))
    elif isinstance(held, dict):
        for name, item in held.items():
            if name not in NO_TEXT:
                yield from _texts(item, (*way, name))
