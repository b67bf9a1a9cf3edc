"""Rollouts: a candidate's way to production, and what people do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from gateway.api.deps import MOST, Approver, Editor, Running, Viewer
from gateway.audit import Act
from gateway.errors import BadRequest
from gateway.releases import conduct
from gateway.releases.build import Change, build
from gateway.releases.conduct import Actor
from gateway.releases.plan import Plan
from gateway.releases.rollout import Rollout
from gateway.services import Services
from gateway.store import rollouts
from gateway.types import Json, Principal

router = APIRouter(tags=["rollouts"])

Reason = Annotated[str, Field(max_length=5000)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Proposal(Body):
    """A release by its digest, or the live one with parts of it changed. Without a plan: a canary at 1, 5, 25, 50 %."""

    endpoint: str
    release: str | None = None
    change: Change | None = None
    plan: dict[str, Any] = {}
    reason: Reason = ""
    submit: bool = False

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        unknown = sorted(value.keys() - cls.model_fields) if isinstance(value, dict) else []
        if unknown:
            name, fields = unknown[0][:80], ", ".join(cls.model_fields)
            part = name in Change.model_fields
            message = f"A rollout is proposed with {fields}; {name!r} {'belongs into `change`' if part else 'is none'}."
            raise BadRequest(message, param=name, code="invalid_value")
        return value


class Said(Body):
    reason: Reason = ""


class Opinion(Body):
    """`conditions` must be said to be met before the release goes live."""

    note: Reason = ""
    conditions: list[Annotated[str, Field(max_length=1000)]] = []


@router.post("/rollouts", status_code=201)
async def propose_rollout(proposal: Proposal, who: Editor, running: Running) -> Json:
    """Propose a release for an endpoint: a draft, or with `submit` at the gate at once."""
    plan = Plan.parse(proposal.plan)

    def change(connection: Connection, by: Actor) -> Rollout:
        release = build(connection, proposal.endpoint, proposal.release, proposal.change, running.installation, by.name)
        made = conduct.propose(connection, proposal.endpoint, release, plan, proposal.reason, by)
        if proposal.submit:
            made = conduct.submit(connection, running.installation, made.id, by)
        return made

    return await _act(running, who, "proposed", change, proposal.reason)


@router.get("/rollouts")
async def list_rollouts(
    who: Viewer,
    running: Running,
    endpoint: str | None = None,
    state: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """Newest first. `state`: open, running, paused, live, aborted or rolled_back."""
    found = await running.read(lambda connection: rollouts.list_all(connection, endpoint, state, limit))
    return {"object": "list", "data": [shown(rollout) for rollout in found]}


@router.get("/rollouts/{rollout_id}")
async def get_rollout(rollout_id: str, who: Viewer, running: Running) -> Json:
    """One, with its history, what people said of it, what the gate says, and what is missing."""

    def read(connection: Any) -> Json:
        rollout = conduct.found(connection, rollout_id)
        return {
            **shown(rollout),
            "approvals": [asdict(one) for one in rollouts.approvals_of(connection, rollout_id)],
            "history": [asdict(one) for one in rollouts.history(connection, rollout_id)],
            "gate": conduct.standing(connection, rollout),
        }

    result: Json = await running.read(read)
    return result


@router.post("/rollouts/{rollout_id}/submit")
async def submit_rollout(rollout_id: str, who: Editor, running: Running) -> Json:
    """From draft to the gate."""
    installation = running.installation
    return await _act(running, who, "submitted", lambda at, by: conduct.submit(at, installation, rollout_id, by))


@router.post("/rollouts/{rollout_id}/pause")
async def pause_rollout(rollout_id: str, said: Said, who: Editor, running: Running) -> Json:
    """Stay where it is. A canary keeps its weight, and ends all the same where it does harm."""
    why = said.reason
    return await _act(running, who, "paused", lambda at, by: conduct.pause(at, rollout_id, by, why), why)


@router.post("/rollouts/{rollout_id}/resume")
async def resume_rollout(rollout_id: str, said: Said, who: Editor, running: Running) -> Json:
    """Go on."""
    why = said.reason
    return await _act(running, who, "resumed", lambda at, by: conduct.resume(at, rollout_id, by, why), why)


@router.post("/rollouts/{rollout_id}/abort")
async def abort_rollout(rollout_id: str, said: Said, who: Editor, running: Running) -> Json:
    """End it; the release needs new evidence to be tried again."""
    installation, why = running.installation, said.reason
    return await _act(running, who, "aborted", lambda at, by: conduct.abort(at, installation, rollout_id, by, why), why)


@router.post("/rollouts/{rollout_id}/approve")
async def approve_rollout(rollout_id: str, opinion: Opinion, who: Approver, running: Running) -> Json:
    """Agree, under conditions perhaps. Not for the author, nor with a key that comes from the author."""
    note, under = opinion.note, tuple(opinion.conditions)
    return await _act(
        running, who, "approved", lambda at, by: conduct.approve(at, rollout_id, by, True, note, under), note
    )


@router.post("/rollouts/{rollout_id}/reject")
async def reject_rollout(rollout_id: str, said: Said, who: Approver, running: Running) -> Json:
    """Refuse it: the rollout ends."""
    why = said.reason
    return await _act(running, who, "rejected", lambda at, by: conduct.approve(at, rollout_id, by, False, why), why)


@router.post("/rollouts/{rollout_id}/conditions/{number}/meet")
async def meet_condition(
    rollout_id: str, number: Annotated[int, Path(ge=1, le=MOST)], who: Approver, running: Running
) -> Json:
    """Say that a condition, counted from 1 over all approvals, is met."""
    return await _act(running, who, "condition_met", lambda at, by: conduct.meet(at, rollout_id, number, by))


def actor(who: Principal) -> Actor:
    return Actor(who.owner or who.name, who.key_id)


def shown(rollout: Rollout) -> Json:
    """For people and machines; neither the salt nor what only the controller needs."""
    canary = rollout.plan.canary
    return {
        "object": "rollout",
        "id": rollout.id,
        "endpoint": rollout.endpoint,
        "release": rollout.release,
        "control": rollout.control,
        "stage": rollout.stage.value,
        "step": rollout.step,
        "steps": list(canary.steps) if canary is not None else [],
        "weight": rollout.weight,
        "state": rollout.state.value,
        "why": rollout.why,
        "reason": rollout.reason,
        "author": rollout.author,
        "plan": rollout.plan.model_dump(mode="json"),
        "analysis": (rollout.analysis or {}).get("told"),
        "created": rollout.created,
        "entered": rollout.entered,
        "updated": rollout.updated,
    }


async def _act(
    running: Services,
    who: Principal,
    action: str,
    change: Callable[[Connection, Actor], Rollout],
    reason: str = "",
) -> Json:
    """Do something with a rollout, as somebody, and answer how it stands then."""

    def act(made: Rollout) -> Act:
        detail = {"endpoint": made.endpoint, "release": made.release, "stage": made.stage.value}
        return Act(f"rollout.{action}", f"rollout:{made.id}", reason, detail)

    return shown(await running.act(who, act, lambda connection: change(connection, actor(who))))
