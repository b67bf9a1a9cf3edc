"""Endpoints: what serves, what protects it, and the way back."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from evals.digest import canonical
from gateway.api.deps import Admin, Approver, Handler, Running, Viewer
from gateway.api.rollouts import Body, Reason, actor, shown
from gateway.audit import Act
from gateway.errors import BadRequest, Conflict, Forbidden, NotFound
from gateway.releases import golive
from gateway.releases.conduct import comes_from
from gateway.releases.plan import parse_gate
from gateway.releases.protection import decide_change, put_gate
from gateway.releases.records import criteria
from gateway.releases.verdicts import prove
from gateway.store import catalogue, gates, rollouts
from gateway.types import Json

router = APIRouter(tags=["endpoints"])


class Back(Body):
    """`to` is a digest that was live before; without it, the last good one."""

    reason: Annotated[str, Field(min_length=1, max_length=5000)]
    to: str | None = None


class Breaking(Body):
    release: str
    reason: Annotated[str, Field(min_length=1, max_length=5000)]


class Review(Body):
    note: Annotated[str, Field(min_length=1, max_length=5000)]


class PutGate(Body):
    """`gate` of null asks to end the protection."""

    gate: dict[str, Any] | None
    reason: Reason = ""


@router.get("/endpoints/{name}")
async def get_endpoint(name: str, who: Viewer, running: Running) -> Json:
    """What is live, what was, what is tried, what protects it, and what is still to be reviewed."""

    def read(connection: Any) -> Json:
        row = golive.endpoint_row(connection, name)
        trial = rollouts.open_at(connection, name)
        return {
            "object": "endpoint",
            "name": name,
            "description": row.description,
            "release": row.release,
            "last_good": golive.last_good(connection, running.installation, row),
            "protected": row.gate is not None,
            "gate": row.gate,
            "broken": running.refresher.snapshots.current.broken.get(name),
            "rollout": shown(trial) if trial is not None else None,
            "unreviewed": [asdict(one) for one in rollouts.breakings_of(connection, name, unreviewed=True)],
            "history": [asdict(one) for one in catalogue.lived(connection, name)],
            "cache_ttl": row.cache_ttl,
        }

    result: Json = await running.read(read)
    return result


@router.get("/endpoints/{name}/proof/{release}")
async def get_proof(name: str, release: str, who: Viewer, running: Running, evidence: str | None = None) -> Json:
    """How a release stands at the gate of an endpoint by the evidence there is, rollout or none: worked out here from
    the results item by item, and signed by this installation. Evidence from before the release was last turned away
    does not count; that with the id `evidence` does, as it may have been turned away on it. Asking changes nothing."""
    signer = running.signer

    def read(connection: Any) -> Json:
        row = golive.endpoint_row(connection, name)
        if catalogue.find_release(connection, release) is None:
            raise NotFound(f"There is no release {release[:80]!r}.", param="release", code="unknown_release")
        proof = prove(connection, row, release, (), evidence)
        return {
            "endpoint": name,
            "release": release,
            "baseline": row.release,
            "gate": proof.gate.digest,
            "passed": proof.passed,
            "missing": proof.missing,
            "requires": criteria(proof),
            "evidence": list(proof.evidence),
            "at": time.time(),
        }

    body: Json = await running.read(read)
    signature = signer.sign(b"proof:" + canonical(body))
    return {"object": "proof", **body, "signature": signature, "public_key": signer.public}


@router.post("/endpoints/{name}/rollback")
async def roll_back(name: str, back: Back, who: Handler, running: Running) -> Json:
    """Take away what came last: the candidate of an open canary, else the live release. In force everywhere within a
    second; streams that have begun end on the release they began on."""
    installation, by = running.installation, actor(who).name

    def change(connection: Any) -> Json:
        before = golive.endpoint_row(connection, name).release
        now = golive.roll_back(connection, installation, name, by, back.reason, back.to)
        return {"object": "endpoint", "name": name, "release": now, "before": before}

    result: Json = await running.act(
        who, lambda made: Act("endpoint.rolled_back", f"endpoint:{name}", back.reason, made), change
    )
    return result


@router.post("/endpoints/{name}/break-glass")
async def break_glass(name: str, breaking: Breaking, who: Approver, running: Running) -> Json:
    """Go live at once with what has passed its gate: without a second person, and red until one has reviewed it."""
    installation, by = running.installation, actor(who).name
    made = await running.act(
        who,
        lambda found: Act(
            "breakglass.used", f"endpoint:{name}", breaking.reason, {"id": found, "release": breaking.release}
        ),
        lambda connection: golive.break_glass(connection, installation, name, breaking.release, by, breaking.reason),
    )
    return {"object": "breaking", "id": made, "endpoint": name, "release": breaking.release, "reviewed": None}


@router.get("/breakings")
async def list_breakings(who: Viewer, running: Running, unreviewed: bool = False) -> Json:
    """Acts of breaking the glass, newest first."""
    found = await running.read(lambda connection: rollouts.breakings_of(connection, None, unreviewed))
    return {"object": "list", "data": [asdict(one) for one in found]}


@router.post("/breakings/{breaking_id}/review")
async def review_breaking(breaking_id: str, review: Review, who: Approver, running: Running) -> Json:
    """Say that somebody else has looked at it."""
    by = actor(who)

    def change(connection: Any) -> Json:
        found = {one.id: one for one in rollouts.breakings_of(connection)}.get(breaking_id)
        if found is None:
            raise NotFound(f"There is no such act {breaking_id[:80]!r}.", param="id", code="unknown_breaking")
        if found.by == by.name or comes_from(connection, by, found.by):
            raise Forbidden("Nobody reviews an act of their own: ask a second person.", code="own_act")
        if not rollouts.review(connection, breaking_id, by.name, review.note):
            raise Conflict("It has been reviewed already.", code="already_decided")
        return asdict({one.id: one for one in rollouts.breakings_of(connection)}[breaking_id])

    result: Json = await running.act(
        who, lambda made: Act("breakglass.reviewed", f"endpoint:{made['endpoint']}", review.note, made), change
    )
    return result


@router.put("/endpoints/{name}/gate")
async def put_endpoint_gate(name: str, put: PutGate, who: Admin, running: Running) -> Json:
    """Protect an endpoint at once. For one that is protected the change waits for a second person's approval."""
    if put.gate is not None and not put.gate:
        raise BadRequest("gate: it names at least one requirement.", param="gate.requires", code="invalid_value")
    gate = parse_gate(put.gate) if put.gate is not None else None
    installation, by = running.installation, actor(who)
    made = await running.act(
        who,
        lambda made: Act(
            "gate.proposed" if made.change else "gate.set", f"endpoint:{name}", put.reason, put.model_dump()
        ),
        lambda connection: put_gate(connection, installation, name, gate, put.reason, by),
    )
    return {"object": "gate", "endpoint": name, "change": asdict(made.change) if made.change is not None else None}


@router.get("/gate-changes")
async def list_gate_changes(
    who: Viewer,
    running: Running,
    state: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """Changes of gates, newest first; `state` is waiting, approved or refused."""
    found = await running.read(lambda connection: gates.list_all(connection, state, limit))
    return {"object": "list", "data": [asdict(one) for one in found]}


@router.post("/gate-changes/{change_id}/approve")
async def approve_gate_change(change_id: str, who: Approver, running: Running) -> Json:
    """Bring another gate, or none, into force. Not for whoever proposed it."""
    return await _decide(change_id, True, who, running)


@router.post("/gate-changes/{change_id}/reject")
async def reject_gate_change(change_id: str, who: Approver, running: Running) -> Json:
    """Refuse it."""
    return await _decide(change_id, False, who, running)


async def _decide(change_id: str, approved: bool, who: Approver, running: Running) -> Json:
    installation, by = running.installation, actor(who)
    action = "gate.approved" if approved else "gate.refused"
    made = await running.act(
        who,
        lambda found: Act(action, f"endpoint:{found.endpoint}", found.reason, {"change": found.id}),
        lambda connection: decide_change(connection, installation, change_id, approved, by),
    )
    return asdict(made)
