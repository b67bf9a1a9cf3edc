"""Evidence and decision records: what is known of releases, and what was decided on it."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from msgspec import to_builtins
from pydantic import Field, ValidationError

from evals.digest import canonical
from evals.evidence import EvalEvidence, digest_of
from gateway.amounts import FOREVER
from gateway.api.deps import MOST, Approver, Evaluator, Running, Viewer
from gateway.api.rollouts import Body, Reason, actor
from gateway.audit import Act
from gateway.errors import BadRequest, NotFound, TooLarge
from gateway.releases.records import Outcome, Phase, genuine, write
from gateway.store import catalogue, evidence
from gateway.store.evidence import DecisionRow, EvidenceRow, Listed
from gateway.types import Json

router = APIRouter(tags=["evidence"])

MOST_BYTES = 64 * 1024 * 1024
OfDigest = Annotated[str | None, Query(min_length=64, max_length=64)]
Money = Annotated[int, Field(ge=-MOST, le=MOST)]


class Forecast(Body):
    """What a release is expected to be worth in a month, in micro-USD, and why."""

    value: Money
    low: Money | None = None
    high: Money | None = None
    basis: Reason = ""


class Decided(Body):
    """What people decide beside what rollouts record by themselves. `phase` is where work goes back to."""

    endpoint: str
    release: str
    outcome: Outcome
    reason: Reason
    phase: Phase | None = None
    forecast: Forecast | None = None
    risks: tuple[Annotated[str, Field(max_length=1000)], ...] = ()
    evidence: tuple[str, ...] = ()
    expires: Annotated[float, Field(gt=0, lt=FOREVER)] | None = None


@router.post(
    "/evidence",
    status_code=201,
    openapi_extra={"requestBody": {"content": {"application/json": {}}, "required": True}},
)
async def post_evidence(request: Request, who: Evaluator, running: Running) -> Json:
    """Results of an eval run, item by item. The gateway works out the verdict itself, and signs what it accepted. The
    same results are the same evidence, whenever they say that they were made: it is as old as it was first."""
    raw = await request.body()
    if len(raw) > MOST_BYTES:
        raise TooLarge(f"Evidence has at most {MOST_BYTES // 1024 // 1024} MiB.")
    body = _parsed(raw).model_dump(mode="json", exclude_none=True)
    digest = digest_of(body)
    row = EvidenceRow(
        id=f"ev_{secrets.token_hex(8)}",
        release=body["release"],
        endpoint=None,
        kind=body["kind"],
        at=time.time(),
        by=actor(who).name,
        key_id=who.key_id,
        digest=digest,
        dataset=body["dataset"],
        body=body,
        signature=running.signer.sign(b"evidence:" + canonical(body)),
    )

    def add(connection: Any) -> EvidenceRow:
        if catalogue.find_release(connection, row.release) is None:
            message = f"There is no release {row.release[:80]!r} that this could be evidence for."
            raise NotFound(message, param="release", code="unknown_release")
        return evidence.add(connection, row)

    accepted: EvidenceRow = await running.act(
        who, lambda found: Act("evidence.accepted", f"release:{found.release}", "", _brief(found)), add
    )
    return _brief(accepted)


@router.get("/evidence")
async def list_evidence(
    who: Viewer,
    running: Running,
    release: OfDigest = None,
    suite: OfDigest = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """What there is, of a release, of a suite or of all, newest first, with the mean of each metric."""
    found = await running.read(lambda connection: evidence.listed(connection, release, suite, limit))
    return {"object": "list", "data": [_shown(row) for row in found]}


@router.get("/evidence/{evidence_id}")
async def get_evidence(evidence_id: str, who: Viewer, running: Running) -> Json:
    """One piece, whole, with this installation's signature over its canonical JSON."""
    row = await running.read(lambda connection: _found(connection, evidence_id))
    return {**_brief(row), "body": row.body, "signature": row.signature, "public_key": running.signer.public}


@router.get("/evidence/{evidence_id}/overview")
async def get_overview(evidence_id: str, who: Viewer, running: Running) -> Json:
    """What one piece says, for people to look at: each metric with its interval, by slice, and what changed against the
    baseline, in which items; what is known of its judges; what was found of its items elsewhere. A gate decides by
    itself."""
    row = await running.read(lambda connection: _found(connection, evidence_id))
    shown = await asyncio.to_thread(_overview, row.body)
    return {**_brief(row), "object": "evidence_overview", **shown, "contamination": row.body.get("contamination")}


def _overview(body: Json) -> Json:
    from evals.overview import overview  # numpy

    found: Json = to_builtins(overview(EvalEvidence.model_validate(body)))
    return found


@router.get("/suites")
async def list_suites(who: Viewer, running: Running, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Json:
    """The suites that evidence is of, those that were run last first: how many runs of how many releases."""

    def read(connection: Any) -> list[Json]:
        found = evidence.suites(connection, limit)
        newest = {one.suite: evidence.listed(connection, None, one.suite, 1)[0] for one in found}
        return [{"object": "suite", **asdict(one), **_latest(newest[one.suite])} for one in found]

    return {"object": "list", "data": await running.read(read)}


@router.get("/decisions")
async def list_decisions(
    who: Viewer,
    running: Running,
    endpoint: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """Decision records, newest first."""
    found = await running.read(lambda connection: evidence.list_decisions(connection, endpoint, limit))
    return {"object": "list", "data": [_decision(row, running.signer.public) for row in found]}


@router.get("/decisions/{decision_id}")
async def get_decision(decision_id: str, who: Viewer, running: Running) -> Json:
    """One record, and whether it is as it was signed."""
    row = await running.read(lambda connection: evidence.find_decision(connection, decision_id))
    if row is None:
        raise NotFound(f"There is no decision {decision_id[:80]!r}.", param="id", code="unknown_decision")
    return _decision(row, running.signer.public)


@router.post("/decisions", status_code=201)
async def post_decision(decided: Decided, who: Approver, running: Running) -> Json:
    """Record a decision of people: go, go with conditions, no-go, or return to a phase. It moves nothing by itself."""
    if (decided.outcome == "return_to_phase") != (decided.phase is not None):
        message = "Name the phase that work returns to, and only where it does."
        raise BadRequest(message, param="phase", code="invalid_value")
    body = {**decided.model_dump(mode="json"), "decided_by": actor(who).name}

    def add(connection: Any) -> DecisionRow:
        if catalogue.find_release(connection, decided.release) is None:
            message = f"There is no release {decided.release[:80]!r}."
            raise NotFound(message, param="release", code="unknown_release")
        return write(connection, running.signer, decided.endpoint, decided.release, None, decided.outcome, body)

    row: DecisionRow = await running.act(
        who,
        lambda made: Act("decision.recorded", f"endpoint:{made.endpoint}", decided.reason, {"decision": made.id}),
        add,
    )
    return _decision(row, running.signer.public)


def _parsed(raw: bytes) -> EvalEvidence:
    try:
        return EvalEvidence.model_validate(orjson.loads(raw))
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.", code="invalid_json") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(step) for step in fault["loc"])
        said = fault["msg"].removeprefix("Value error, ")
        raise BadRequest(f"{where or 'Evidence'}: {said}.", param=where or None, code="invalid_evidence") from error


def _found(connection: Any, evidence_id: str) -> EvidenceRow:
    row = evidence.find(connection, evidence_id)
    if row is None:
        raise NotFound(f"There is no evidence {evidence_id[:80]!r}.", param="id", code="unknown_evidence")
    return row


def _brief(row: EvidenceRow) -> Json:
    return _shown(
        Listed(
            row.id,
            row.release,
            row.kind,
            row.at,
            row.by,
            row.digest,
            row.dataset,
            row.body.get("suite"),
            evidence.in_brief(row.body),
        )
    )


def _shown(row: Listed) -> Json:
    brief = row.brief or {}
    return {
        "object": "evidence",
        "id": row.id,
        "release": row.release,
        "kind": row.kind,
        "suite": row.suite,
        "name": brief.get("name"),
        "dataset": row.dataset,
        "baseline": brief.get("baseline"),
        "items": brief.get("items"),
        "cost": brief.get("cost"),
        "metrics": brief.get("metrics", {}),
        "at": row.at,
        "by": row.by,
        "digest": row.digest,
    }


def _latest(row: Listed) -> Json:
    """What the newest run says of its suite."""
    shown = _shown(row)
    return {name: shown[name] for name in ("name", "dataset", "items", "metrics")}


def _decision(row: DecisionRow, public: str) -> Json:
    expired = row.expires is not None and row.expires < time.time()
    return {"object": "decision", **asdict(row), "expired": expired, "genuine": genuine(row, public)}
