"""Guard policies: which there are, what they say, and where they are in force."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import Connection

from gateway.access import Access
from gateway.api.deps import Running, Viewer
from gateway.errors import BadRequest, NotFound
from gateway.store import policies, serving
from gateway.store.policies import PolicyRow
from gateway.store.serving import Serving
from gateway.types import Json
from guardrails.passage import STAGES

router = APIRouter(tags=["policies"])

BEGINNING = re.compile(r"[0-9a-f]{8,64}")
Limit = Annotated[int, Query(ge=1, le=1000)]


class PolicyInBrief(BaseModel):
    """`names` are what it was declared as; of a name that means another policy now, `current` is without it. `guards`
    are called as verdicts call them, by stage. `live` are the endpoints that it is in force at, `tried` those where a
    rollout's candidate has it."""

    digest: str
    names: list[str]
    current: list[str]
    about: str
    dry_run: bool
    guards: dict[str, list[str]]
    created: float
    author: str
    live: list[str]
    tried: list[str]


class ShownPolicy(PolicyInBrief):
    """`policy` is all of it, defaults written out, as its digest names it; a manifest takes it under `policies`. Its
    examples may have been said in calls: for who may not read those, their texts are null."""

    policy: dict[str, Any]


class Policies(BaseModel):
    object: str = "list"
    data: list[PolicyInBrief]


@router.get("/policies")
async def list_policies(who: Viewer, running: Running, limit: Limit = 100) -> Policies:
    """The guard policies that were declared, newest first."""

    def read(connection: Connection) -> Policies:
        used = _used(serving.load(connection))
        return Policies(data=[PolicyInBrief(**_brief(row, used)) for row in policies.list_all(connection, limit)])

    found: Policies = await running.read(read)
    return found


@router.get("/policies/{policy}")
async def get_policy(policy: str, who: Viewer, running: Running) -> ShownPolicy:
    """One guard policy, by what it is declared as now, or by its digest or the beginning of it, 8 characters at
    least."""

    def read(connection: Connection) -> ShownPolicy:
        row = policies.get(connection, _digest(connection, policy))
        assert row is not None
        body = row.body if who.roles & Access.EDITOR.roles else _without_texts(row.body)
        return ShownPolicy(**_brief(row, _used(serving.load(connection))), policy=body)

    found: ShownPolicy = await running.read(read)
    return found


def _digest(connection: Connection, policy: str) -> str:
    digest = policies.named(connection, policy)
    if digest is not None:
        return digest
    found = policies.beginning(connection, policy) if BEGINNING.fullmatch(policy) else []
    if len(found) > 1:
        message = f"Several policies have a digest that begins with {policy}: give more of it."
        raise BadRequest(message, param="policy", code="invalid_value")
    if not found:
        message = f"There is no guard policy {policy[:80]!r}: `sluice policies list` shows those that were declared."
        raise NotFound(message, param="policy", code="unknown_policy")
    return found[0]


def _without_texts(body: Json) -> Json:
    """A policy without what its examples say."""

    def quiet(guard: Json) -> Json:
        examples = guard.get("examples")
        return {**guard, "examples": [{**one, "text": None} for one in examples]} if examples else guard

    return {**body, **{stage: [quiet(guard) for guard in body[stage]] for stage in STAGES if stage in body}}


Used = Mapping[str, tuple[list[str], list[str]]]
"""By digest: the endpoints where a policy is live, and where it is tried."""


def _used(held: Serving) -> Used:
    used: dict[str, tuple[list[str], list[str]]] = {}
    live = [(row.name, row.release, 0) for row in held.endpoints]
    tried = [(name, rollout.release, 1) for name, rollout in sorted(held.trials.items())]
    for name, release, place in live + tried:
        policy = held.releases[release].policy if release is not None else None
        if policy is not None:
            used.setdefault(policy, ([], []))[place].append(name)
    return used


def _brief(row: PolicyRow, used: Used) -> Json:
    body = row.body
    live, tried = used.get(row.digest, ([], []))
    guards = {stage: [guard.get("name") or guard["guard"] for guard in body.get(stage, ())] for stage in STAGES}
    return {
        "digest": row.digest,
        "names": list(row.names),
        "current": list(row.current),
        "about": body.get("about", ""),
        "dry_run": body.get("dry_run", False),
        "guards": {stage: called for stage, called in guards.items() if called},
        "created": row.created,
        "author": row.author,
        "live": live,
        "tried": tried,
    }
