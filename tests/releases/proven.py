"""An installation with an endpoint, releases to roll out on it, and evidence for them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from evals.digest import canonical, sha256
from gateway.access import KeyHasher
from gateway.keys import Grant, mint
from gateway.releases import golive
from gateway.releases.build import Change, make
from gateway.releases.conduct import Actor
from gateway.releases.plan import Gate, Plan
from gateway.releases.protection import put_gate
from gateway.store import catalogue, evidence
from gateway.store.evidence import EvidenceRow
from tests.proving import SIGNER, installation

SUITE = "5" * 64
HERE = installation(["demo", "other"])
GATE = Gate.model_validate({"requires": [{"metric": "accuracy", "suite": SUITE, "margin": 0.05}]})
STRAIGHT = Plan(canary=None)
"""From the gate to live."""


@dataclass(frozen=True)
class People:
    """Ada writes, Grace and Alan approve."""

    ada: Actor
    grace: Actor
    alan: Actor


def people(connection: Connection) -> People:
    made = {}
    for name in ("ada", "grace", "alan"):
        _, row = mint(connection, KeyHasher(b"pepper"), Grant(name), "root")
        made[name] = Actor(name, row.id)
    return People(**made)


def release(connection: Connection, **parameters: Any) -> str:
    """The digest of a release on `demo` with these parameters."""
    change = Change.model_validate({"upstream": "demo", "parameters": parameters})
    return make(connection, None, change, HERE, "ada").digest


def endpoint(connection: Connection, live: str | None, protected: bool = True) -> None:
    """`bot`, which serves `live`, under the gate."""
    catalogue.put_endpoint(connection, "bot", "ada", None, None, None)
    if live is not None:
        golive.put_live(connection, HERE, golive.endpoint_row(connection, "bot"), live, "ada", "apply")
    if protected:
        put_gate(connection, HERE, "bot", GATE, "", Actor("root", None))


def results(metric: str, better: int = 0, worse: int = 0, of: int = 400) -> list[dict[str, Any]]:
    """Items, of which the candidate alone got `better` right and the baseline alone `worse`; the others both."""
    items = []
    for number in range(of):
        candidate = 0.0 if number < worse else 1.0
        baseline = 0.0 if worse <= number < worse + better else 1.0
        items.append({"id": f"i{number}", "candidate": {metric: candidate}, "baseline": {metric: baseline}})
    return items


def prove(
    connection: Connection, digest: str, baseline: str | None, metric: str = "accuracy", **how: int
) -> EvidenceRow:
    """Evidence for a release, as a run posts it."""
    items = results(metric, **how)
    body: dict[str, Any] = {
        "kind": "eval",
        "release": digest,
        "suite": SUITE,
        "dataset": "d" * 64,
        "made": time.time(),
        "repeats": 1,
        "seeds": [],
        "items": items,
    }
    if baseline is not None:
        body["baseline"] = baseline
    row = EvidenceRow(
        id=f"ev_{secrets.token_hex(8)}",
        release=digest,
        endpoint=None,
        kind="eval",
        at=time.time(),
        by="ci",
        key_id=None,
        digest=sha256({**body, "nonce": secrets.token_hex(8)}),
        dataset=body["dataset"],
        body=body,
        signature=SIGNER.sign(b"evidence:" + canonical(body)),
    )
    return evidence.add(connection, row)
