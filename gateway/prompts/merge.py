"""Three-way merges of prompts: by lines where it is text, by keys where it is JSON.

The messages of a draft are laid out as one sequence of lines, each message after a line of its own that says who
speaks, so that messages that were added, moved or taken away merge as lines do.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain, count
from typing import Any, TypeVar

import orjson

from gateway.prompts.draft import PromptDraft
from gateway.types import Json

T = TypeVar("T", bound=Hashable)
Sides = tuple[Any, Any, Any]
"""What was there before, and what each side made of it: base, theirs, ours."""


@dataclass(frozen=True, slots=True)
class Clash:
    """What both sides changed, differently. Each is as a reader writes it; "" where it is not there."""

    where: str
    base: str
    theirs: str
    ours: str

    def shown(self, our_name: str, their_name: str) -> str:
        """With the marks that editors know."""
        return f"{self.where}:\n<<<<<<< {our_name}\n{self.ours}\n=======\n{self.theirs}\n>>>>>>> {their_name}"


@dataclass(frozen=True, slots=True)
class Speaks:
    """The line before a message. `text` is False where its content is a list of parts."""

    role: str
    text: bool

    def __str__(self) -> str:
        return f"--- {self.role}"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of three sequences: the same in all, or what became of it on each side."""

    base: Sequence[Any]
    theirs: Sequence[Any]
    ours: Sequence[Any]

    @property
    def merged(self) -> Sequence[Any] | None:
        """None where both sides changed it, differently."""
        if self.theirs == self.ours or self.ours == self.base:
            return self.theirs
        return self.ours if self.theirs == self.base else None


def merge_drafts(base: PromptDraft, theirs: PromptDraft, ours: PromptDraft) -> tuple[PromptDraft, list[Clash]]:
    """What both sides made of `base`. Where there are clashes the draft holds our side of them. Raises `BadRequest`
    where both together make no prompt."""
    clashes: list[Clash] = []
    lines: list[Any] = []
    for span in spans(*(lines_of(draft) for draft in (base, theirs, ours))):
        merged = span.merged
        if merged is None:
            clashes.append(Clash("messages", *(_written(side) for side in (span.base, span.theirs, span.ours))))
            merged = span.ours
        lines += merged
    messages = _messages(lines)
    if messages is None:
        texts = (_written(lines_of(draft)) for draft in (base, theirs, ours))
        clashes.append(Clash("messages", *texts))
        messages = list(ours.messages)
    others = {
        name: _merge_json((getattr(base, name), getattr(theirs, name), getattr(ours, name)), name, clashes)
        for name in ("variables", "parameters", "tools", "response_format")
    }
    return PromptDraft.parse({"messages": messages, **others}), clashes


def spans(base: Sequence[T], theirs: Sequence[T], ours: Sequence[T]) -> Iterator[Span]:
    """Three sequences, cut where all three have the same items: diff3."""
    at_base = at_theirs = at_ours = 0
    for start, theirs_start, ours_start, length in _common(base, theirs, ours):
        before = Span(base[at_base:start], theirs[at_theirs:theirs_start], ours[at_ours:ours_start])
        if before.base or before.theirs or before.ours:
            yield before
        same = base[start : start + length]
        if same:
            yield Span(same, same, same)
        at_base, at_theirs, at_ours = start + length, theirs_start + length, ours_start + length


def _common(base: Sequence[T], theirs: Sequence[T], ours: Sequence[T]) -> Iterator[tuple[int, int, int, int]]:
    """Where runs of items that are the same in all three begin in each, and how long they are; last, an empty one at
    the ends."""
    in_theirs, in_ours = ({at: other for at, other in _pairs(base, side)} for side in (theirs, ours))
    at = 0
    while at < len(base):
        length = 0
        while (
            at + length in in_theirs
            and at + length in in_ours
            and in_theirs[at + length] == in_theirs[at] + length
            and in_ours[at + length] == in_ours[at] + length
        ):
            length += 1
        if length:
            yield at, in_theirs[at], in_ours[at], length
        at += max(length, 1)
    yield len(base), len(theirs), len(ours), 0


def _pairs(base: Sequence[T], side: Sequence[T]) -> Iterator[tuple[int, int]]:
    for block in SequenceMatcher(None, base, side, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            yield block.a + step, block.b + step


def lines_of(draft: PromptDraft) -> list[Any]:
    """What is compared and merged: the messages of a draft, line by line."""
    lines: list[Any] = []
    for message in draft.messages:
        content = message["content"]
        lines.append(Speaks(message["role"], isinstance(content, str)))
        if isinstance(content, str):
            lines += content.split("\n")
        else:
            lines += [orjson.dumps(part, option=orjson.OPT_SORT_KEYS).decode() for part in content]
    return lines


def _messages(lines: Sequence[Any]) -> list[Json] | None:
    """None where what was merged is no list of messages: parts without one, or beside text."""
    if not lines or not isinstance(lines[0], Speaks):
        return None
    found: list[tuple[Speaks, list[str]]] = []
    for line in lines:
        if isinstance(line, Speaks):
            found.append((line, []))
        else:
            found[-1][1].append(line)
    try:
        return [
            {"role": who.role, "content": "\n".join(held) if who.text else [orjson.loads(part) for part in held]}
            for who, held in found
        ]
    except orjson.JSONDecodeError:
        return None


def _written(lines: Sequence[Any]) -> str:
    return "\n".join(str(line) for line in lines)


def tools_by_name(tools: Sequence[Json]) -> Json:
    """By type and name, or by type alone; the second and later ones of a name with their number among those."""
    found: Json = {}
    for tool in tools:
        name = _name(tool)
        keys = chain((name,), (f"{name}#{number}" for number in count(2)))
        found[next(key for key in keys if key not in found)] = tool
    return found


def _name(tool: Json) -> str:
    held = tool.get("function")
    name = (held if isinstance(held, dict) else tool).get("name")
    return f"{tool['type']}:{name}" if name is not None else str(tool["type"])


def _merge_tools(sides: Sides, clashes: list[Clash]) -> tuple[Json, ...]:
    """By their names, where each side has one of a name; otherwise nobody can tell which became which, and they are
    merged in their order, whole."""
    if any(len(set(map(_name, side))) < len(side) for side in sides):
        return _merge_in_order(sides, clashes)
    base, theirs, ours = (tools_by_name(side) for side in sides)
    for key in ours.keys() & theirs.keys() - base.keys():
        if ours[key] != theirs[key]:
            clashes.append(Clash(f"tools.{key}", "", _json(theirs[key]), _json(ours[key])))
            theirs = {**theirs, key: ours[key]}
    return tuple(_merge_keys((base, theirs, ours), "tools", clashes).values())


def _merge_in_order(sides: Sides, clashes: list[Clash]) -> tuple[Json, ...]:
    by_text = {_json(tool): tool for side in sides for tool in side}
    merged: list[str] = []
    for span in spans(*([_json(tool) for tool in side] for side in sides)):
        if span.merged is None:
            clashes.append(Clash("tools", *(_written(side) for side in (span.base, span.theirs, span.ours))))
        merged += span.ours if span.merged is None else span.merged
    return tuple(by_text[text] for text in merged)


def _merge_json(sides: Sides, where: str, clashes: list[Clash]) -> Any:
    base, theirs, ours = sides
    if theirs == ours or ours == base:
        return theirs
    if theirs == base:
        return ours
    if isinstance(ours, tuple):
        return _merge_tools(sides, clashes)
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return _merge_keys((base if isinstance(base, dict) else {}, theirs, ours), where, clashes)
    if all(_is_set(side) for side in sides):
        return [
            item for item in dict.fromkeys([*ours, *theirs]) if (item in ours and item in theirs) or item not in base
        ]
    clashes.append(Clash(where, *(_json(side) for side in sides)))
    return ours


def _merge_keys(sides: tuple[Json, Json, Json], where: str, clashes: list[Clash]) -> Json:
    base, theirs, ours = sides
    merged = {}
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        held = (base.get(key, ABSENT), theirs.get(key, ABSENT), ours.get(key, ABSENT))
        value = _merge_json(held, f"{where}.{key}", clashes)
        if value is not ABSENT:
            merged[key] = value
    return merged


ABSENT: Any = object()


def _is_set(value: Any) -> bool:
    """A list of names, as the variables that are required: its order means nothing."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _json(value: Any) -> str:
    return "" if value is ABSENT else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
