"""Labels of prompts, comments on them, and their ids elsewhere."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from gateway.api.deps import Admin, Editor, Evaluator, Running, Viewer
from gateway.audit import Act
from gateway.errors import Conflict, NotFound
from gateway.prompts import labels, registry
from gateway.prompts.registry import PRODUCTION
from gateway.store import catalogue, prompt_comments, prompt_labels
from gateway.store.prompt_labels import Move

router = APIRouter(tags=["prompts"])


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LabelMove(Body):
    """`version` is a number or a label. A protected label needs a reason."""

    version: str | int
    reason: str = Field("", max_length=5000)
    evidence: list[str] = Field([], max_length=100, description="Ids of evidence that speaks for it.")


class Moved(BaseModel):
    """`before` and `after` are the versions a label pointed at; null where it did not exist."""

    label: str
    before: int | None
    after: int | None
    at: float
    by: str
    reason: str
    evidence: list[str]


class Label(BaseModel):
    label: str
    version: int
    protected: bool


class Labels(BaseModel):
    """The labels of a prompt, and all their moves, newest first."""

    object: str = "list"
    data: list[Label]
    history: list[Moved]


class ProtectedLabel(BaseModel):
    """`production` is protected from the beginning, by nobody."""

    label: str
    by: str | None
    at: float | None


class ProtectedLabels(BaseModel):
    object: str = "list"
    data: list[ProtectedLabel]


class NewComment(Body):
    """`version` is a number or a label."""

    version: str | int
    body: str = Field(min_length=1, max_length=20_000)


class Comment(BaseModel):
    id: int
    version: int
    at: float
    by: str
    body: str


class Comments(BaseModel):
    object: str = "list"
    data: list[Comment]


class Alias(Body):
    prompt: str


class AliasSet(BaseModel):
    alias: str
    prompt: str


@router.get("/prompts/{name:path}/labels")
async def list_labels(name: str, who: Viewer, running: Running) -> Labels:
    """The labels of a prompt, with their history."""

    def read(connection: Connection) -> Labels:
        prompt, protected = registry.get(connection, name).name, labels.protected(connection)
        return Labels(
            data=[
                Label(label=label, version=number, protected=label in protected)
                for label, number in prompt_labels.labels_of(connection, prompt).items()
            ],
            history=[_moved(move) for move in prompt_labels.history(connection, prompt)],
        )

    found: Labels = await running.read(read)
    return found


@router.put("/prompts/{name:path}/labels/{label}")
async def move_label(name: str, label: str, to: LabelMove, who: Evaluator, running: Running) -> Moved:
    """Point a label at a version: an editor's to do, or, where it is protected, an approver's who did not write that
    version."""
    move = await running.act(
        who,
        lambda move: Act(
            f"prompt.label.{'moved' if move.before != move.after else 'unchanged'}",
            f"prompt:{name}",
            to.reason,
            _detail(move),
        ),
        lambda connection: labels.move(connection, name, label, str(to.version), who, to.reason, to.evidence),
    )
    return _moved(move)


@router.delete("/prompts/{name:path}/labels/{label}")
async def remove_label(name: str, label: str, who: Evaluator, running: Running, reason: str = "") -> Moved:
    """Take a label away, by whoever could move it."""
    move = await running.act(
        who,
        lambda move: Act("prompt.label.removed", f"prompt:{name}", reason, _detail(move)),
        lambda connection: labels.remove(connection, name, label, who, reason),
    )
    return _moved(move)


@router.get("/prompts/{name:path}/comments")
async def list_comments(name: str, who: Viewer, running: Running) -> Comments:
    """What people said of a prompt's versions, oldest first."""

    def read(connection: Connection) -> list[prompt_comments.Comment]:
        return prompt_comments.of_prompt(connection, registry.get(connection, name).name)

    return Comments(data=[_comment(comment) for comment in await running.read(read)])


@router.post("/prompts/{name:path}/comments", status_code=201)
async def add_comment(name: str, new: NewComment, who: Evaluator, running: Running) -> Comment:
    """Say something of a version."""

    def change(connection: Connection) -> prompt_comments.Comment:
        version = registry.get(connection, name, str(new.version))
        return prompt_comments.add(connection, version.name, version.number, str(who.owner), new.body)

    def act(made: prompt_comments.Comment) -> Act:
        return Act("prompt.commented", f"prompt:{name}@{made.number}", "", {"comment": made.id})

    return _comment(await running.act(who, act, change))


@router.get("/protected-labels")
async def list_protected(who: Viewer, running: Running) -> ProtectedLabels:
    """The labels that only an approver moves."""
    declared = [ProtectedLabel(**asdict(one)) for one in await running.read(prompt_labels.protected)]
    return ProtectedLabels(data=[ProtectedLabel(label=PRODUCTION, by=None, at=None), *declared])


@router.put("/protected-labels/{label}")
async def protect_label(label: str, who: Admin, running: Running) -> ProtectedLabel:
    """Protect a label, of every prompt."""

    def change(connection: Connection) -> ProtectedLabel:
        registry.check_label(label)
        _refuse_production(label)
        prompt_labels.protect(connection, label, str(who.owner))
        [made] = [one for one in prompt_labels.protected(connection) if one.label == label]
        return ProtectedLabel(**asdict(made))

    made: ProtectedLabel = await running.act(who, Act("label.protected", f"label:{label}"), change)
    return made


@router.delete("/protected-labels/{label}")
async def unprotect_label(label: str, who: Admin, running: Running) -> ProtectedLabel:
    """Protect a label no longer. `production` is always protected."""

    def change(connection: Connection) -> None:
        _refuse_production(label)
        if not prompt_labels.unprotect(connection, label):
            raise NotFound(f"The label {label[:80]!r} is not protected.", param="label", code="label_not_found")

    await running.act(who, Act("label.unprotected", f"label:{label}"), change)
    return ProtectedLabel(label=label, by=None, at=None)


@router.put("/prompt-aliases/{alias}")
async def set_alias(alias: str, to: Alias, who: Editor, running: Running) -> AliasSet:
    """Let an id that a prompt has elsewhere, as `pmpt_…`, name it here too: for the API, and in the `prompt.id` of a
    call."""

    def change(connection: Connection) -> AliasSet:
        prompt = registry.alias(connection, alias, to.prompt)
        catalogue.move_revision(connection)
        return AliasSet(alias=alias, prompt=prompt)

    made: AliasSet = await running.act(
        who, Act("prompt.alias.set", f"prompt:{to.prompt}", "", {"alias": alias}), change
    )
    return made


def _refuse_production(label: str) -> None:
    if label == PRODUCTION:
        raise Conflict(f"{PRODUCTION!r} is always protected.", param="label", code="always_protected")


def _detail(move: Move) -> dict[str, object]:
    return {"label": move.label, "before": move.before, "after": move.after, "evidence": list(move.evidence)}


def _moved(move: Move) -> Moved:
    return Moved(**{**asdict(move), "evidence": list(move.evidence)})


def _comment(comment: prompt_comments.Comment) -> Comment:
    return Comment(id=comment.id, version=comment.number, at=comment.at, by=comment.by, body=comment.body)
