"""Decision records: go, go with conditions, no-go, or return to a phase; with the criteria, the evidence, the people,
what is expected of it, and until when it holds. Signed, so that whoever reads one later knows it was not changed."""

from __future__ import annotations

import secrets
import time
from typing import Literal

from sqlalchemy import Connection

from evals.digest import canonical, sha256
from gateway.amounts import DAY
from gateway.releases.golive import endpoint_row
from gateway.releases.rollout import Rollout
from gateway.releases.verdicts import Proof, prove
from gateway.signing import Signer, verify
from gateway.store import evidence, rollouts
from gateway.store.evidence import DecisionRow
from gateway.types import Json

Outcome = Literal["go", "go_with_conditions", "no_go", "return_to_phase"]
Phase = Literal["business_understanding", "data_understanding", "data_preparation", "modeling", "evaluation"]
"""Where work goes back to: the phases of CPMAI before operationalization."""

LASTING = 180 * DAY
"""Seconds after which a decision to go is to be taken anew, unless it says otherwise."""


def record(
    connection: Connection,
    signer: Signer,
    rollout: Rollout,
    outcome: Outcome,
    reason: str,
    by: str,
    extra: Json | None = None,
) -> DecisionRow:
    """The record of how a rollout was decided. `extra` may have phase, forecast, risks and expires."""
    row = endpoint_row(connection, rollout.endpoint)
    said = rollouts.approvals_of(connection, rollout.id)
    proof = prove(connection, row, rollout.release, said) if row.gate is not None else None
    body = {
        "endpoint": rollout.endpoint,
        "release": rollout.release,
        "control": rollout.control,
        "rollout": rollout.id,
        "outcome": outcome,
        "reason": reason,
        "author": rollout.author,
        "decided_by": by,
        "approvals": [
            {
                "by": one.by,
                "at": one.at,
                "approved": one.approved,
                "note": one.note,
                "conditions": [{"text": condition.text, "met": condition.met} for condition in one.conditions],
            }
            for one in said
        ],
        "criteria": criteria(proof) if proof is not None else [],
        "evidence": list(proof.evidence) if proof is not None else [],
        "comparison": rollout.analysis,
        **(extra or {}),
    }
    return write(connection, signer, rollout.endpoint, rollout.release, rollout.id, outcome, body)


def write(
    connection: Connection,
    signer: Signer,
    endpoint: str,
    release: str,
    rollout: str | None,
    outcome: Outcome,
    body: Json,
) -> DecisionRow:
    now = time.time()
    expires = body.get("expires")
    if expires is None and outcome in ("go", "go_with_conditions"):
        expires = now + LASTING
    whole = {**body, "at": now, "expires": expires}
    digest = sha256(whole)
    signature = signer.sign(b"decision:" + canonical(whole))
    row = DecisionRow(
        f"dec_{secrets.token_hex(8)}", endpoint, release, rollout, now, outcome, expires, whole, digest, signature
    )
    evidence.decide(connection, row)
    return row


def genuine(row: DecisionRow, public: str) -> bool:
    """Whether a record is as it was signed."""
    return verify(public, b"decision:" + canonical(row.body), row.signature)


def criteria(proof: Proof) -> list[Json]:
    """Each requirement of a gate, with the verdict on it where there is evidence."""
    return [
        {
            "requirement": requirement.model_dump(mode="json"),
            "verdict": proof.verdicts[requirement].model_dump(mode="json") if requirement in proof.verdicts else None,
        }
        for requirement in proof.gate.requires
    ]
