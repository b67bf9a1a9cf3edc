"""The prompt registry: versions, branches, merges, what changed, and what a version says."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from gateway.api.deps import MOST, Editor, Evaluator, Running, Viewer
from gateway.audit import Act
from gateway.errors import NotFound
from gateway.prompts import registry
from gateway.prompts.diff import Difference, compare, estimated_tokens
from gateway.prompts.draft import PromptDraft
from gateway.prompts.published import as_json
from gateway.prompts.registry import PRODUCTION, Origin, Saved
from gateway.prompts.render import CompiledPrompt
from gateway.store import prompt_labels, prompts
from gateway.store.prompt_search import Search, search
from gateway.types import PromptVersion

router = APIRouter(tags=["prompts"])


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SearchQuery(Body):
    """Filters narrow together."""

    folder: str | None = Field(None, description="Only what is in this folder, or deeper.")
    query: str | None = Field(None, max_length=1000, description="Only where this is in the name or the messages.")
    label: str | None = Field(None, description="Only what has this label.")
    author: str | None = Field(None, description="Only where this person wrote a version.")
    after: str | None = Field(None, description="Go on after the prompt of this name, which a page ended with.")
    limit: int = Field(50, ge=1, le=1000)


class FoundPrompt(BaseModel):
    """A prompt with the version `main` is at."""

    name: str
    version: int
    digest: str
    versions: int
    message: str
    author: str
    created: float
    labels: dict[str, int]


class FoundPrompts(BaseModel):
    object: str = "list"
    data: list[FoundPrompt]


class NewVersion(PromptDraft):
    """A draft, and where it goes. With `parent`, the version it was made from, it is refused where somebody else has
    saved since."""

    message: str = Field("", max_length=5000)
    branch: str = prompts.MAIN
    parent: int | None = Field(None, ge=1, le=MOST)

    def draft(self) -> PromptDraft:
        return PromptDraft(**{name: getattr(self, name) for name in PromptDraft.model_fields})


class Version(BaseModel):
    """A version and all it is made of. `partials` are the numbers that what it includes is pinned to, and `included`
    those versions; `tokens` is what it adds to a call, estimated."""

    object: str = "prompt.version"
    name: str
    version: int
    digest: str
    messages: list[dict[str, Any]]
    variables: dict[str, Any]
    parameters: dict[str, Any]
    tools: list[dict[str, Any]]
    response_format: dict[str, Any] | None
    partials: dict[str, int]
    included: list[dict[str, Any]]
    branch: str
    parent: int | None
    merged: int | None
    message: str
    author: str
    created: float
    aliases: list[str]
    tokens: int


class SavedVersion(Version):
    new: bool = Field(description="False where there was a version of this content already.")


class VersionEntry(BaseModel):
    version: int
    digest: str
    branch: str
    parent: int | None
    merged: int | None
    message: str
    author: str
    created: float


class BranchState(BaseModel):
    """`base` is the version it was forked from, `head` the one it is at; `closed` is when it was merged."""

    name: str
    base: int
    head: int
    created: float
    created_by: str
    closed: float | None


class Prompt(BaseModel):
    """A prompt: its versions, newest first, its branches, and the version `main` is at."""

    object: str = "prompt"
    name: str
    labels: dict[str, int]
    branches: list[BranchState]
    versions: list[VersionEntry]
    head: Version


class Rendering(Body):
    """`version` is a number or a label."""

    version: str | int | None = None
    variables: dict[str, Any] = {}


class Rendered(BaseModel):
    object: str = "prompt.rendered"
    version: int
    messages: list[dict[str, Any]]


class NewBranch(Body):
    """`from` is a number or a label; without it, the version `main` is at."""

    branch: str
    start: str | int | None = Field(None, alias="from")


class Merge(Body):
    """`resolved` is what it is to be, where both sides changed the same."""

    message: str = Field("", max_length=5000)
    resolved: PromptDraft | None = None


class Comparison(BaseModel):
    """What the candidate changes against what is live, and against what was last good. `tokens` are of each, estimated;
    `cost` is micro-USD for a thousand calls at the price of `upstream`."""

    object: str = "prompt.diff"
    name: str
    upstream: str | None
    candidate: int
    live: int | None
    good: int | None
    tokens: dict[str, int]
    against_live: dict[str, Any] | None
    against_good: dict[str, Any] | None


@router.get("/prompts")
async def list_prompts(who: Viewer, running: Running, asked: Annotated[SearchQuery, Query()]) -> FoundPrompts:
    """Prompts by name."""
    wanted = Search(**asked.model_dump())
    found = await running.read(lambda connection: search(connection, wanted))
    return FoundPrompts(data=[FoundPrompt(version=one.number, **_without(asdict(one), "number")) for one in found])


@router.get("/prompts/{name:path}/versions/{version}")
async def get_version(name: str, version: str, who: Viewer, running: Running) -> Version:
    """One version, by its number, a label, an open branch, or `latest`."""
    return Version(**_shown(await running.read(lambda connection: registry.get(connection, name, version))))


@router.get("/prompts/{name:path}/diff")
async def diff_prompt(
    name: str,
    who: Viewer,
    running: Running,
    candidate: str = registry.LATEST,
    live: str | None = None,
    good: str | None = None,
    upstream: str | None = None,
) -> Comparison:
    """What a candidate changes. Versions are numbers or labels; `live` is the one labelled `production`, where none is
    named."""
    price = None
    if upstream is not None:
        pool = running.refresher.snapshots.current.pools.get(upstream)
        if pool is None:
            message = f"There is no upstream {upstream[:80]!r}."
            raise NotFound(message, param="upstream", code="unknown_upstream")
        price = pool.dearest

    def read(connection: Connection) -> tuple[PromptVersion, PromptVersion | None, PromptVersion | None]:
        new = registry.get(connection, name, candidate)
        production = prompt_labels.get(connection, new.name, PRODUCTION)
        reference = live or (str(production) if production is not None else None)
        old = registry.get(connection, name, reference) if reference is not None else None
        return new, old, registry.get(connection, name, good) if good is not None else None

    new, old, last = await running.read(read)
    named = {"candidate": new, "live": old, "good": last}
    return Comparison(
        name=new.name,
        upstream=upstream,
        candidate=new.number,
        live=old.number if old is not None else None,
        good=last.number if last is not None else None,
        tokens={role: estimated_tokens(version) for role, version in named.items() if version is not None},
        against_live=_difference(compare(old, new, price)) if old is not None else None,
        against_good=_difference(compare(last, new, price)) if last is not None else None,
    )


@router.post("/prompts/{name:path}/render")
async def render_prompt(name: str, rendering: Rendering, who: Evaluator, running: Running) -> Rendered:
    """The messages that a version makes of these variables. Nothing is asked, and nothing is kept."""
    reference = _reference(rendering.version)
    version = await running.read(lambda connection: registry.get(connection, name, reference))
    return Rendered(version=version.number, messages=CompiledPrompt.compile(version).render(rendering.variables))


@router.post("/prompts/{name:path}/branches", status_code=201)
async def fork_prompt(name: str, new: NewBranch, who: Editor, running: Running) -> BranchState:
    """Fork a branch, on which versions are saved beside `main`."""
    made = await running.act(
        who,
        lambda made: Act("prompt.branch.forked", f"prompt:{name}", "", {"branch": made.name, "base": made.base}),
        lambda connection: registry.fork(connection, name, new.branch, _reference(new.start), str(who.owner)),
    )
    return BranchState(**asdict(made))


@router.post("/prompts/{name:path}/branches/{branch}/merge")
async def merge_branch(name: str, branch: str, merge: Merge, who: Editor, running: Running) -> SavedVersion:
    """Bring what a branch changed into `main`, line by line, and close it."""
    saved = await running.act(
        who,
        lambda saved: Act("prompt.branch.merged", _object(saved), merge.message, {"branch": branch}),
        lambda connection: registry.merge(connection, name, branch, merge.message, str(who.owner), merge.resolved),
    )
    return _saved(saved)


@router.delete("/prompts/{name:path}/branches/{branch}")
async def close_branch(name: str, branch: str, who: Editor, running: Running) -> BranchState:
    """End a branch that is not to be merged. Its versions stay."""
    closed = await running.act(
        who,
        lambda closed: Act("prompt.branch.closed", f"prompt:{name}", "", {"branch": branch, "head": closed.head}),
        lambda connection: registry.close(connection, name, branch),
    )
    return BranchState(**asdict(closed))


@router.get("/prompts/{name:path}")
async def get_prompt(name: str, who: Viewer, running: Running) -> Prompt:
    """A prompt, by its name or an alias."""

    def read(connection: Connection) -> Prompt:
        head = registry.get(connection, name)
        return Prompt(
            name=head.name,
            labels=prompt_labels.labels_of(connection, head.name),
            branches=[BranchState(**asdict(branch)) for branch in prompts.branches(connection, head.name)],
            versions=[
                VersionEntry(version=entry.number, **_without(asdict(entry), "number"))
                for entry in prompts.entries(connection, head.name)
            ],
            head=Version(**_shown(head)),
        )

    found: Prompt = await running.read(read)
    return found


@router.post("/prompts/{name:path}", status_code=201)
async def save_prompt(name: str, new: NewVersion, who: Editor, running: Running) -> SavedVersion:
    """Save a version. Content that the prompt has already makes none; no label is set."""
    origin = Origin(str(who.owner), new.message, new.branch, new.parent)
    saved = await running.act(
        who,
        lambda saved: Act(
            f"prompt.version.{'created' if saved.created else 'unchanged'}",
            _object(saved),
            new.message,
            {"digest": saved.version.digest, "branch": new.branch},
        ),
        lambda connection: registry.save(connection, name, new.draft(), origin),
    )
    return _saved(saved)


def _reference(version: str | int | None) -> str | None:
    return None if version is None else str(version)


def _object(saved: Saved) -> str:
    return f"prompt:{saved.version.name}@{saved.version.number}"


def _shown(version: PromptVersion) -> dict[str, Any]:
    return {**as_json(version), "tokens": estimated_tokens(version)}


def _saved(saved: Saved) -> SavedVersion:
    return SavedVersion(new=saved.created, **_shown(saved.version))


def _difference(difference: Difference) -> dict[str, Any]:
    return asdict(difference)


def _without(held: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in held.items() if key != name}
