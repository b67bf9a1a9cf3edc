"""Langfuse's prompts, as its public API gives and takes them: one version, a list of them, or `{"data": [...]}`.

A prompt of type text becomes one message of the user. What refers to another prompt includes it, whichever version was
meant: numbers and labels are each registry's own.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.prompts.draft import ROLES, PromptDraft
from gateway.prompts.formats import mustache, parameters, schema
from gateway.prompts.formats.base import Portable
from gateway.prompts.formats.pieces import Piece, Tag, Variable, include, template_of
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

REFERENCE = re.compile(r"@@@langfusePrompt:name=([^|@]+)\|(version|label)=([^|@]+)@@@")
BOOKKEEPING = "id projectId createdAt updatedAt createdBy version isActive resolutionGraph".split()
TAKEN = frozenset((*BOOKKEEPING, "name", "type", "prompt", "config", "labels", "commitMessage"))


def read(text: str, name: str) -> list[Portable]:
    """Versions of one prompt come in their order."""
    found = parse_json(text)
    if isinstance(found, dict) and "data" in found:
        found = found["data"]
    if isinstance(found, dict):
        return [_Reader("").prompt(found, name)]
    listed = [(mapping(one, f"[{index}]"), f"[{index}]") for index, one in enumerate(items(found, ""))]
    listed.sort(key=lambda one: one[0]["version"] if isinstance(one[0].get("version"), int) else 0)
    _refuse_merging([one for one, _ in listed])
    return [_Reader(at).prompt(one, name) for one, at in listed]


def _refuse_merging(listed: list[Json]) -> None:
    """Two prompts whose names become one here would be versions of each other."""
    theirs: dict[str, Any] = {}
    for one in listed:
        ours, _ = named(one.get("name"), "name")
        if theirs.setdefault(ours, one["name"]) != one["name"]:
            raise refusal("name", f"{theirs[ours]!r} and {one['name']!r} would both be called {ours!r}")


class _Reader:
    """Of one version. `at` is where it is in the file."""

    def __init__(self, at: str) -> None:
        self._at = at
        self._names: set[str] = set()
        self._losses: list[str] = []

    def prompt(self, one: Json, default: str) -> Portable:
        name, renamed = named(one["name"], below(self._at, "name")) if one.get("name") else (default, [])
        if "prompt" not in one:
            raise refusal(below(self._at, "prompt"), "it is not here: ask Langfuse for the prompt itself, by its name")
        at = below(self._at, "config")
        parts, lost = parameters.read(mapping(one.get("config") or {}, at), at)
        messages = self._messages(one["prompt"], below(self._at, "prompt"))
        draft = {"messages": messages, "variables": schema.declared(self._names), **parts}
        return Portable(
            name=name,
            draft=PromptDraft.parse(draft, self._at or name),
            message=text_of(one.get("commitMessage") or "", below(self._at, "commitMessage")),
            labels=tuple(str(label) for label in items(one.get("labels") or [], below(self._at, "labels"))),
            losses=(*renamed, *self._losses, *lost, *left_out(one, TAKEN, self._at)),
        )

    def _messages(self, prompt: Any, at: str) -> list[Json]:
        if isinstance(prompt, str):
            return [{"role": "user", "content": self._template(prompt, at)}]
        found = [self._message(mapping(one, f"{at}[{i}]"), f"{at}[{i}]") for i, one in enumerate(items(prompt, at))]
        return [message for message in found if message is not None]

    def _message(self, message: Json, at: str) -> Json | None:
        if message.get("type") == "placeholder":
            self._losses.append(f"{at}: the messages of {message.get('name')!r} come with the call, after the prompt's")
            return None
        role = message.get("role")
        if role not in ROLES:
            raise refusal(below(at, "role"), f"the role is one of {', '.join(ROLES)}")
        self._losses += left_out(message, ("type", "role", "content"), at)
        content = text_of(message.get("content"), below(at, "content"))
        return {"role": role, "content": self._template(content, below(at, "content"))}

    def _template(self, text: str, at: str) -> str:
        pieces: list[Piece] = []
        rest = 0
        for reference in REFERENCE.finditer(text):
            pieces += [*mustache.read(text[rest : reference.start()]), self._include(reference, at)]
            rest = reference.end()
        pieces += mustache.read(text[rest:])
        self._names |= {piece.name for piece in pieces if isinstance(piece, Variable)}
        self._losses += mustache.odd_texts(pieces, at)
        return template_of(pieces)

    def _include(self, reference: re.Match[str], at: str) -> Tag:
        name, renamed = named(reference[1], at)
        self._losses += [*renamed, f"{at}: it was the {reference[2]} {reference[3]!r} of {name!r} that was included"]
        return include(name)


def write(prompt: Portable) -> tuple[str, tuple[str, ...]]:
    made = {
        "name": prompt.name,
        "type": "chat",
        "prompt": [_written(message, f"messages[{i}]") for i, message in enumerate(prompt.draft.messages)],
        "config": parameters.write(prompt.draft),
        "labels": [],
        "tags": [],
        "commitMessage": prompt.message or None,
    }
    lost = [f"the alias {alias!r} is left out" for alias in prompt.aliases]
    return write_json(made), (*schema.lost_variables(prompt.draft), *lost)


def _written(message: Json, at: str) -> Json:
    at = below(at, "content")
    if not isinstance(message["content"], str):
        raise refusal(at, "a message is a text in Langfuse, and this one has parts")
    text = mustache.write(message["content"], at)
    if REFERENCE.search(text):
        raise refusal(at, "this text would include another prompt in Langfuse")
    return {"role": message["role"], "content": text}
