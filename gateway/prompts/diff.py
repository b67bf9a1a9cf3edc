"""What changed between versions of a prompt, and what that does to a call's tokens and cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

import orjson

from gateway.pricing import Price, cost
from gateway.prompts.draft import PromptDraft
from gateway.prompts.merge import lines_of, tools_by_name
from gateway.types import PromptVersion, Usage

CALLS = 1000
"""What a cost is told for: one call costs less than a micro-dollar more or less."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the messages: the same in both, or only before, or only after."""

    op: Literal["same", "removed", "added"]
    text: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One place beside the messages, as `parameters.temperature`; None where it is not there."""

    where: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """From `before` to `after`, which are numbers of versions. `tokens` are of the template and the tools, by the
    gateway's own estimate; `cost` is micro-USD for a thousand calls, None without a price."""

    before: int
    after: int
    lines: tuple[Line, ...]
    changed: tuple[Changed, ...]
    tokens: int
    cost: int | None


def compare(before: PromptVersion, after: PromptVersion, price: Price | None) -> Difference:
    """The whole of both, line by line, and what is different beside."""
    tokens = [estimated_tokens(version) for version in (before, after)]
    costs = [cost(price, Usage(input=count * CALLS)) for count in tokens]
    return Difference(
        before=before.number,
        after=after.number,
        lines=tuple(_lines(PromptDraft.of(before), PromptDraft.of(after))),
        changed=tuple(_beside(before, after)),
        tokens=tokens[1] - tokens[0],
        cost=costs[1] - costs[0] if price is not None else None,
    )


def estimated_tokens(version: PromptVersion) -> int:
    """Of what a version adds to each call, its partials included and its variables still to be filled: one for four
    bytes, as calls are estimated whose upstream gives no figures."""
    own = len(orjson.dumps(version.messages)) + (len(orjson.dumps(version.tools)) if version.tools else 0)
    return own // 4 + sum(estimated_tokens(partial) for partial in version.partials.values())


def _lines(before: PromptDraft, after: PromptDraft) -> Iterator[Line]:
    old, new = lines_of(before), lines_of(after)
    for op, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if op == "equal":
            yield from (Line("same", str(line)) for line in old[start:end])
            continue
        yield from (Line("removed", str(line)) for line in old[start:end])
        yield from (Line("added", str(line)) for line in new[new_start:new_end])


def _beside(before: PromptVersion, after: PromptVersion) -> Iterator[Changed]:
    for name in ("variables", "parameters", "tools", "response_format", "partials"):
        yield from _changes(_plain(getattr(before, name)), _plain(getattr(after, name)), name)


def _plain(value: Any) -> Any:
    """Partials by their numbers, tools by their names."""
    if isinstance(value, tuple):
        return tools_by_name(value)
    if isinstance(value, dict):
        return {key: held.number if isinstance(held, PromptVersion) else held for key, held in value.items()}
    return value


def _changes(before: Any, after: Any, where: str) -> Iterator[Changed]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _changes(before.get(key), after.get(key), f"{where}.{key}")
        return
    yield Changed(where, before, after)
