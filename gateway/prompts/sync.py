"""What to do about prompts that are in a folder and in a registry, by what each side has and what both had last.

Nothing here reads or writes. Whoever acts may stop anywhere: what was done is seen as the same on both sides next time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats import yaml
from gateway.prompts.formats.base import Portable
from gateway.prompts.formats.source import refusal
from gateway.prompts.merge import Clash, merge_drafts
from gateway.prompts.names import PromptName
from gateway.prompts.partials import including_last
from gateway.releases.digest import prompt_digest


class Side(StrEnum):
    FOLDER = "folder"
    REGISTRY = "registry"


class Step(StrEnum):
    KEEP = "keep"
    """Both are as they were."""
    NOTE = "note"
    """Both have the same, and only that is to be remembered."""
    SAVE = "save"
    """The registry gets what is in the folder."""
    WRITE = "write"
    """The folder gets what is in the registry."""
    MERGE = "merge"
    """Both changed."""
    DELETED = "deleted"
    """The file is gone, and the registry, which deletes nothing, has the prompt."""
    MISSING = "missing"
    """The registry, which deletes nothing, has no such prompt any more: it is another, or an older one."""
    FORGET = "forget"
    """Neither has it any more."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A version in the registry. `digest` is the registry's, of all it is made of; `text` is of the draft alone, and so
    the same for a file that says the same."""

    version: int
    digest: str
    text: str


@dataclass(frozen=True, slots=True)
class Sides:
    """A prompt: what both sides had last, what the file says, and what version the registry's `main` is at. None where
    there is none."""

    base: Mark | None
    file: PromptDraft | None
    head: Mark | None


@dataclass(frozen=True, slots=True)
class Merged:
    """`draft` is what both made of it, or None where they clash."""

    draft: PromptDraft | None
    clashes: tuple[Clash, ...] = ()


def decide(sides: Sides, taken: Side | None = None) -> Step:
    """`taken` is the side to take, whole, where the two do not come together by themselves."""
    base, head = sides.base, sides.head
    if sides.file is None:
        if head is None:
            return Step.FORGET
        return Step.WRITE if base is None or taken is Side.REGISTRY else Step.DELETED
    if head is None:
        return Step.SAVE if base is None or taken is Side.FOLDER else Step.MISSING
    text = text_digest(sides.file)
    if text == head.text:
        return Step.KEEP if head == base else Step.NOTE
    if base is not None and head.text == base.text:
        return Step.SAVE
    if base is not None and text == base.text:
        return Step.WRITE
    if taken is not None:
        return Step.SAVE if taken is Side.FOLDER else Step.WRITE
    return Step.MERGE


def merge(base: PromptDraft | None, head: PromptDraft, file: PromptDraft) -> Merged:
    """What both made of `base`. Without one, what is different is a clash as a whole."""
    if base is None:
        return Merged(None, (_whole(None, head, file),))
    try:
        draft, clashes = merge_drafts(base, head, file)
    except BadRequest:  # each change by itself makes a prompt, and both together none
        return Merged(None, (_whole(base, head, file),))
    return Merged(None, tuple(clashes)) if clashes else Merged(draft)


def text_digest(draft: PromptDraft) -> str:
    """Of what is written: what it includes is pinned by the registry, and no part of that."""
    return prompt_digest(draft, {})


def check_templates(name: str, draft: PromptDraft) -> None:
    """Raises `BadRequest` naming the place where one cannot be read, as the registry would."""
    including_last({name: draft})


def saved_in_order(drafts: Mapping[str, PromptDraft]) -> list[str]:
    """The names of those that can be saved, what is included first."""
    sound = {name: draft for name, draft in drafts.items() if _is_sound(name, draft)}
    try:
        return including_last(sound)
    except BadRequest:  # they include each other, and the registry refuses them in any order
        return sorted(sound)


def _is_sound(name: str, draft: PromptDraft) -> bool:
    try:
        check_templates(name, draft)
    except BadRequest:
        return False
    return True


def read_state(text: bytes) -> dict[str, Mark]:
    """What both sides had last, by the names of the prompts. Raises `BadRequest`."""
    try:
        return _STATE.validate_json(text).prompts
    except ValidationError as error:
        fault = error.errors()[0]
        at = ".".join(str(step) for step in fault["loc"])
        raise refusal(at, fault["msg"]) from error


def write_state(marks: Mapping[str, Mark]) -> bytes:
    """The same for the same marks. A prompt has lines of its own, so that Git merges what is noted of others."""
    held: dict[str, Any] = {"prompts": marks}
    return orjson.dumps(held, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _whole(base: PromptDraft | None, head: PromptDraft, file: PromptDraft) -> Clash:
    before, theirs, ours = ("" if one is None else _written(one) for one in (base, head, file))
    return Clash("the whole prompt", before, theirs, ours)


def _written(draft: PromptDraft) -> str:
    return yaml.write(Portable("", draft))[0].partition("\n")[2].rstrip("\n")


@dataclass(frozen=True, slots=True)
class _State:
    prompts: dict[PromptName, Mark]


_STATE: TypeAdapter[_State] = TypeAdapter(_State)
