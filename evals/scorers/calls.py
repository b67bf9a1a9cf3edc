"""Calls of tools: those that an output made, those that a sample expects, and which fit which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import orjson

from evals.sample import Json, Output, ToolCall

Arguments = Literal["equal", "contain", "ignore"]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call as a suite or a dataset writes it: a name, or `{name, arguments}`. Without arguments any will do."""

    name: str
    arguments: Json | None = None


def wanted_calls(value: Any) -> list[Wanted]:
    """Of a name, a call, or a list of them. Raises `ValueError` for anything else."""
    found = [{"name": one} if isinstance(one, str) else one for one in (value if isinstance(value, list) else [value])]
    try:
        return msgspec.convert(found, list[Wanted])
    except msgspec.ValidationError as error:
        raise ValueError(f"a call is a name, or {{name, arguments}}: {error}") from error


def calls_of(output: Output) -> list[ToolCall]:
    """All calls on the way to the answer, in order, where the output holds that way; else those of the answer."""
    on_the_way = [call for message in output.messages for call in _of_message(message)]
    return on_the_way or list(output.tool_calls)


def _of_message(message: Json) -> Iterator[ToolCall]:
    calls = message.get("tool_calls") if message.get("role") == "assistant" else None
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            yield ToolCall(function["name"], _parsed(function.get("arguments")), str(call.get("id") or ""))


def _parsed(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments


def fits(call: ToolCall, wanted: Wanted, arguments: Arguments = "equal") -> bool:
    """`equal`: the same arguments; `contain`: those that are wanted are among the call's, and a text that is wanted is
    part of the call's, case ignored; `ignore`: whatever the arguments."""
    if call.name != wanted.name:
        return False
    if wanted.arguments is None or arguments == "ignore":
        return True
    given = {} if call.arguments is None or call.arguments == "" else call.arguments
    if arguments == "equal":
        return same(given, wanted.arguments)
    return isinstance(given, dict) and _within(wanted.arguments, given)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _within(value, whole[name]) for name, value in part.items())
    if isinstance(part, str) and isinstance(whole, str):
        return part.casefold() in whole.casefold()
    if isinstance(whole, list) and isinstance(part, list):
        return all(any(_within(one, other) for other in whole) for one in part)
    if isinstance(whole, list):
        return any(_within(part, other) for other in whole if not isinstance(other, list))
    return same(part, whole)


def texts_in(value: Any) -> Iterator[str]:
    """All texts in a JSON value, keys too, however deep."""
    waiting = [value]
    while waiting:
        held = waiting.pop()
        if isinstance(held, str):
            yield held
        elif isinstance(held, dict):
            waiting += [*held, *held.values()]
        elif isinstance(held, list):
            waiting += held


def shown(call: ToolCall | Wanted) -> str:
    """For people."""
    try:
        return call.name if call.arguments is None else f"{call.name}({orjson.dumps(call.arguments).decode()[:200]})"
    except TypeError:  # nested too deeply to be written
        return f"{call.name}(…)"
