"""The registry: prompts are saved as numbered versions, forked into branches, merged, and found again.

Every function works in its caller's transaction. Those that change something begin by holding the revision, so that
one writer at a time counts versions.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from gateway.errors import BadRequest, Conflict, NotFound
from gateway.prompts.draft import PromptDraft
from gateway.prompts.merge import Clash, merge_drafts
from gateway.prompts.names import LONGEST, SEGMENT, PromptName
from gateway.prompts.partials import pin
from gateway.prompts.render import CompiledPrompt
from gateway.releases.digest import prompt_digest
from gateway.store import catalogue, prompt_labels
from gateway.store import prompts as rows
from gateway.store.prompts import MAIN, Branch
from gateway.types import PromptVersion

LATEST = "latest"
"""Stands for the head of `main`, where a label could stand."""
PRODUCTION = "production"
MAX_SHOWN = 20_000
"""Characters of a conflict's message."""
ALIAS = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"

_NAME: TypeAdapter[str] = TypeAdapter(PromptName)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a version comes from. `parent` is the version its author began with, if that is to be the branch's head
    still."""

    author: str
    message: str = ""
    branch: str = MAIN
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """`created` is False where there was a version of this content already, to which the branch now points."""

    version: PromptVersion
    created: bool


class MergeConflict(Conflict):
    """Both sides changed the same place. The message shows what each made of it."""

    default_code = "merge_conflict"

    def __init__(self, branch: str, clashes: Sequence[Clash]) -> None:
        shown = "\n".join(clash.shown(MAIN, branch) for clash in clashes)
        message = f"{branch!r} and {MAIN!r} both changed this; merge again with what it is to be.\n{shown}"
        super().__init__(message[:MAX_SHOWN], param=clashes[0].where)
        self.clashes = clashes


def save(connection: Connection, name: str, draft: PromptDraft, origin: Origin) -> Saved:
    """The next version of a prompt, or the one it has of this content. Raises `BadRequest` for what cannot be rendered
    safely, `NotFound` for a branch nobody forked, and `Conflict` where somebody else has saved since `origin.parent`.
    No label is set."""
    catalogue.hold_revision(connection)
    check_name(name)
    last = rows.last_number(connection, name)
    head = _open_branch(connection, name, origin.branch).head if last or origin.branch != MAIN else None
    if origin.parent is not None and origin.parent != head:
        message = (
            f"The branch {origin.branch!r} of {name!r} is at version {head}, not {origin.parent}. Begin with that."
        )
        raise Conflict(message, param="parent", code="stale_parent")
    return _save(connection, name, draft, replace(origin, parent=head), None)


def fork(connection: Connection, name: str, branch: str, start: str | None, by: str) -> Branch:
    """A branch from a version: its number, a label, or None for the head of `main`. The name of a branch that was
    merged is free again. Raises `NotFound` for a version that is not there, `Conflict` for a branch that is."""
    catalogue.hold_revision(connection)
    check_label(branch, "branch")
    found = get(connection, name, start)
    name, base = found.name, found.number
    held = rows.branch(connection, name, branch)
    if held is not None and held.closed is None:
        raise Conflict(f"{name!r} has a branch {branch!r} already.", param="branch", code="branch_exists")
    made = Branch(branch, base, base, time.time(), by, None)
    rows.put_branch(connection, name, made)
    return made


def merge(
    connection: Connection, name: str, branch: str, message: str, by: str, resolved: PromptDraft | None = None
) -> Saved:
    """Bring what a branch changed into `main`, and close it. Where `main` has not moved since, it takes over the
    branch's head; otherwise a new version has what both changed, or is `resolved`. Raises `MergeConflict`."""
    catalogue.hold_revision(connection)
    main, side = _open_branch(connection, name, MAIN), _open_branch(connection, name, branch)
    if branch == MAIN:
        raise BadRequest("'main' is what others are merged into.", param="branch", code="invalid_value")
    found = rows.find(connection, [(name, number) for number in (side.base, side.head, main.head)])
    base, theirs, ours = (found[name, number] for number in (side.base, side.head, main.head))
    if main.head == side.base and resolved is None:
        rows.set_head(connection, name, MAIN, side.head, by)
        saved = Saved(theirs, created=False)
    else:
        draft, clashes = merge_drafts(*(PromptDraft.of(version) for version in (base, theirs, ours)))
        if clashes and resolved is None:
            raise MergeConflict(branch, clashes)
        origin = Origin(by, message or f"Merge {branch}", MAIN, main.head)
        saved = _save(connection, name, resolved or draft, origin, side.head)
    rows.close_branch(connection, name, branch)
    return saved


def close(connection: Connection, name: str, branch: str) -> Branch:
    """End a branch without merging it: its versions stay, and its name is free again. Raises `NotFound` where none is
    open, and `BadRequest` for `main`."""
    catalogue.hold_revision(connection)
    known = named(connection, name)
    _open_branch(connection, known, branch)
    if branch == MAIN:
        raise BadRequest("'main' is what others are merged into.", param="branch", code="invalid_value")
    rows.close_branch(connection, known, branch)
    [closed] = [one for one in rows.branches(connection, known) if one.name == branch]
    return closed


def resolve(connection: Connection, name: str, reference: str | None) -> int:
    """The number of the version that a number, a label, an open branch, `latest` or None (which is that too) names.
    Raises `NotFound`."""
    if reference is None or reference == LATEST:
        main = rows.branch(connection, name, MAIN)
        if main is None:
            raise _no_prompt(name)
        return main.head
    if reference.isascii() and reference.isdigit():
        return int(reference[:10])
    number = prompt_labels.get(connection, name, reference)
    if number is not None:
        return number
    branch = rows.branch(connection, name, reference)
    if branch is not None and branch.closed is None:
        return branch.head
    if not rows.last_number(connection, name):
        raise _no_prompt(name)
    message = f"{name!r} has no label and no open branch {reference[:80]!r}."
    raise NotFound(message, param="label", code="label_not_found")


def get(connection: Connection, name: str, reference: str | None = None) -> PromptVersion:
    """A version of a prompt; `name` may be an alias. Raises `NotFound`."""
    known = named(connection, name)
    number = resolve(connection, known, reference)
    version = rows.find(connection, [(known, number)]).get((known, number))
    if version is None:
        if not rows.last_number(connection, known):
            raise _no_prompt(name)
        raise NotFound(f"{known!r} has no version {number}.", param="version", code="version_not_found")
    return version


def named(connection: Connection, name: str) -> str:
    """The name of a prompt, of which `name` may be an alias."""
    if rows.last_number(connection, name):
        return name
    return rows.alias_of(connection, name) or name


def alias(connection: Connection, other: str, name: str) -> str:
    """Let another id name a prompt; gives its name. Raises `BadRequest` for what cannot be an id, and `Conflict` where
    a prompt is called so."""
    if not re.fullmatch(ALIAS, other):
        message = f"{other[:80]!r} cannot be an alias: letters, digits and . _ -, at most 128."
        raise BadRequest(message, param="alias", code="invalid_name")
    if rows.last_number(connection, other):
        raise Conflict(f"There is a prompt {other!r}.", param="alias", code="name_taken")
    prompt = get(connection, name).name
    rows.put_alias(connection, other, prompt)
    return prompt


def check_name(name: str) -> None:
    """Raises `BadRequest` for what cannot be the name of a prompt."""
    try:
        _NAME.validate_python(name)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise BadRequest(
            f"{name[:80]!r} cannot be the name of a prompt: {said}.", param="name", code="invalid_name"
        ) from error


def check_label(label: str, param: str = "label") -> None:
    """Raises `BadRequest` for what cannot be the name of a label or a branch: it could be taken for a number."""
    if not re.fullmatch(SEGMENT, label) or label.isdigit() or label == LATEST or len(label) > LONGEST:
        message = f"{label[:80]!r} cannot be a {param}: lower-case letters, digits and . _ -, not digits alone."
        raise BadRequest(message, param=param, code="invalid_name")


def _open_branch(connection: Connection, name: str, branch: str) -> Branch:
    held = rows.branch(connection, name, branch)
    if held is None or held.closed is not None:
        if not rows.last_number(connection, name):
            raise _no_prompt(name)
        raise NotFound(f"{name!r} has no open branch {branch[:80]!r}.", param="branch", code="branch_not_found")
    return held


def _save(connection: Connection, name: str, draft: PromptDraft, origin: Origin, merged: int | None) -> Saved:
    partials = pin(draft, name, lambda partial, reference: _partial(connection, partial, reference))
    digest = prompt_digest(draft, {partial: version.digest for partial, version in partials.items()})
    same = rows.number_of(connection, name, digest)
    if same is not None:
        rows.set_head(connection, name, origin.branch, same, origin.author)
        return Saved(rows.find(connection, [(name, same)])[name, same], created=False)
    version = PromptVersion(
        name=name,
        number=rows.last_number(connection, name) + 1,
        digest=digest,
        messages=draft.messages,
        variables=draft.variables,
        parameters=draft.parameters,
        tools=draft.tools,
        response_format=draft.response_format,
        partials=partials,
        branch=origin.branch,
        parent=origin.parent,
        merged=merged,
        message=origin.message,
        author=origin.author,
        created=time.time(),
    )
    CompiledPrompt.compile(version)
    rows.add(connection, version)
    rows.set_head(connection, name, origin.branch, version.number, origin.author)
    return Saved(version, created=True)


def _partial(connection: Connection, name: str, reference: str | None) -> PromptVersion:
    """What an `include` without a version is pinned to: the version in production, else the newest."""
    if reference is None and prompt_labels.get(connection, name, PRODUCTION) is not None:
        reference = PRODUCTION
    return get(connection, name, reference)


def _no_prompt(name: str) -> NotFound:
    return NotFound(f"There is no prompt {name[:80]!r}.", param="name", code="prompt_not_found")
