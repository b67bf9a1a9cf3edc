"""Partials: prompts that other prompts include. Which version a prompt includes is decided when it is saved; from then
on nothing that happens to the partial changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.names import split_reference
from gateway.prompts.syntax import included, includes, parse
from gateway.prompts.template import Template
from gateway.types import Json, PromptVersion

MAX_LEVELS = 5
"""Of prompts that include prompts."""
MAX_PARTIALS = 50
"""Of a prompt, with those of its partials."""
JOINED = frozenset(("type", "properties", "required", "additionalProperties"))
"""What the schema of a partial's variables may have: the rest has no meaning within another schema."""

Resolve = Callable[[str, str | None], PromptVersion]
"""From the name of a prompt, and the number or label where one is written, to the version."""


def pin(draft: PromptDraft, name: str, resolve: Resolve) -> dict[str, PromptVersion]:
    """The versions that a draft of the prompt `name` includes, by name. Raises `BadRequest` for a cycle, and for what
    cannot be included."""
    pinned: dict[str, PromptVersion] = {}
    for reference, where in _references(draft, f"prompts.{name}"):
        split = split_reference(reference)
        if split is None:
            raise _refused(where, f"{reference[:80]!r} names no prompt")
        version = resolve(*split)
        if pinned.setdefault(version.name, version).number != version.number:
            raise _refused(where, f"{split[0]!r} is included in two versions")
        _check(version, where)
    below = _below(pinned.values())
    if any(partial == name for partial, _ in below):
        raise _refused(f"prompts.{name}", f"{name!r} would include itself")
    if len(below) > MAX_PARTIALS:
        raise _refused(f"prompts.{name}", f"more than {MAX_PARTIALS} prompts would be included")
    return pinned


def including_last(drafts: Mapping[str, PromptDraft]) -> list[str]:
    """The names of drafts, each after those of the others that it includes."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for name, draft in drafts.items():
        splits = [split_reference(reference) for reference, _ in _references(draft, f"prompts.{name}")]
        order.add(name, *sorted({split[0] for split in splits if split is not None and split[0] in drafts}))
    try:
        return list(order.static_order())
    except CycleError as error:
        circle = error.args[1]
        raise _refused(f"prompts.{circle[0]}", f"prompts include each other: {', '.join(circle)}") from error


def joined(version: PromptVersion) -> Json:
    """The schema of a version's variables, with those of its partials that it does not declare itself."""
    if not version.partials:
        return version.variables
    properties, required = dict(version.variables.get("properties", {})), list(version.variables.get("required", ()))
    for partial in version.partials.values():
        schema = joined(partial)
        added = {name: spec for name, spec in schema.get("properties", {}).items() if name not in properties}
        properties |= added
        required += [name for name in schema.get("required", ()) if name in added]
    return {**version.variables, "properties": properties, "required": required}


class Partials:
    """Compiles what a version includes, each version once."""

    def __init__(self, name: str) -> None:
        self._where = f"prompts.{name}"
        self._made: dict[tuple[str, int], Template] = {}

    def compile(self, version: PromptVersion, level: int = 1) -> dict[str, Template]:
        """By name. Raises `BadRequest` where they are nested too deeply."""
        if version.partials and level > MAX_LEVELS:
            raise _refused(self._where, f"prompts are included at most {MAX_LEVELS} levels deep")
        found = {}
        for name, partial in version.partials.items():
            key = (name, partial.number)
            if key not in self._made:
                where = f"prompts.{name}.messages[0].content"
                text = partial.messages[0]["content"]
                self._made[key] = Template.compile(text, where, self.compile(partial, level + 1))
            found[name] = self._made[key]
        return found


def _references(draft: PromptDraft, where: str) -> Iterator[tuple[str, str]]:
    """What a draft includes, as it is written, and where."""
    for index, message in enumerate(draft.messages):
        for text, at in _texts(message["content"], f"{where}.messages[{index}].content"):
            for node in includes(parse(text, at)):
                if included(node) is None:
                    raise _refused(at, f"line {node.lineno}: what is included is named in place")
                yield node.template.value, at  # type: ignore[attr-defined]


def _texts(content: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(content, str):
        yield content, where
    elif isinstance(content, list):
        for index, part in enumerate(content):
            yield from _texts(part, f"{where}[{index}]")
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _texts(value, f"{where}.{key}") if key != "type" else ()


def _check(version: PromptVersion, where: str) -> None:
    if len(version.messages) != 1 or not isinstance(version.messages[0]["content"], str):
        raise _refused(where, f"{version.name!r} cannot be included: it is not one message of text")
    others = sorted(version.variables.keys() - JOINED)
    if others:
        raise _refused(where, f"{version.name!r} cannot be included: the schema of its variables has {others[0]!r}")


def _below(versions: Iterable[PromptVersion]) -> set[tuple[str, int]]:
    """All that is included, directly or not, by name and number."""
    found: set[tuple[str, int]] = set()
    waiting = list(versions)
    while waiting:
        version = waiting.pop()
        if (version.name, version.number) not in found:
            found.add((version.name, version.number))
            waiting += version.partials.values()
    return found


def _refused(where: str, what: str) -> BadRequest:
    return BadRequest(f"{where}: {what}.", param=where, code="invalid_partial")
