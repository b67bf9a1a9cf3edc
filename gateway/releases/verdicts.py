"""What the evidence for a release comes to, at the gate of an endpoint. Verdicts are always worked out here, from the
results item by item; none is taken over from whoever sent them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from evals.evidence import EvalEvidence
from evals.gate import Decision, Requirement, decide
from gateway.errors import Conflict
from gateway.releases.plan import Gate, parse_gate
from gateway.releases.rollout import Approval
from gateway.store import evidence, rollouts
from gateway.store.catalogue import EndpointRow
from gateway.store.evidence import EvidenceRow


@dataclass(frozen=True, slots=True)
class Proof:
    """How a release stands at a gate. `evidence` are the digests of what each verdict was reached on."""

    endpoint: str
    release: str
    gate: Gate
    verdicts: Mapping[Requirement, Decision]
    evidence: tuple[str, ...]
    approved_by: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """By evidence; people are another matter."""
        return all(
            self.verdicts[one].verdict == "pass" if one in self.verdicts else False for one in self.gate.requires
        )

    @property
    def missing(self) -> str:
        """In words, what keeps it from passing."""
        said = []
        for requirement in self.gate.requires:
            decision = self.verdicts.get(requirement)
            if decision is None:
                said.append(f"no evidence for {requirement.metric} from the suite {requirement.suite[:12]}")
            elif decision.verdict != "pass":
                said.append(f"{requirement.metric}: {decision.verdict}, {'; '.join(decision.reasons)}")
        return ". ".join(said)


def prove(
    connection: Connection,
    endpoint: EndpointRow,
    release: str,
    approvals: Sequence[Approval],
    counting: str | None = None,
) -> Proof:
    """The verdict on each requirement there is evidence for. Evidence from before the release was last turned away does
    not count, but has had its share of the error; a comparison with anything but the live release does not count at
    all. A verdict of fail stands, whatever is sent after it. The evidence `counting` counts though the release was
    turned away since: it may have been on this very evidence."""
    if endpoint.gate is None:
        raise Conflict(f"{endpoint.name!r} has no gate.", code="no_gate")
    gate = parse_gate(endpoint.gate)
    since = rollouts.turned_away_at(connection, endpoint.name, release)
    found = evidence.of_release(connection, release, kind="eval")
    verdicts: dict[Requirement, Decision] = {}
    used: set[str] = set()
    now = time.time()
    for requirement in gate.requires:
        runs = [row for row in found if _fits(row, requirement, endpoint.release)]
        reached = [
            (decision, row)
            for decision, row in _judged(connection, requirement, runs, now)
            if row.at > since or row.id == counting
        ]
        if reached:
            decision, row = min(reached, key=lambda one: RANK[one[0].verdict])
            verdicts[requirement] = decision
            used.add(row.digest)
    approved = tuple(sorted({approval.by for approval in approvals if approval.approved}))
    return Proof(endpoint.name, release, gate, verdicts, tuple(sorted(used)), approved)


RANK = {"fail": 0, "pass": 1, "underpowered": 2, "invalid": 3}
"""Which of several verdicts on one requirement counts; of equals the newest."""


def _judged(
    connection: Connection, requirement: Requirement, runs: Sequence[EvidenceRow], now: float
) -> list[tuple[Decision, EvidenceRow]]:
    """Each run, newest first, at the error that those before it left, and other releases on its dataset. One without
    the metric takes none."""
    found: list[tuple[Decision, EvidenceRow]] = []
    before = 0
    for row in reversed(runs):
        run = EvalEvidence.model_validate(row.body)
        looked = evidence.looked(connection, run.dataset, row.release)
        found.append((decide(requirement, run, now, before, looked), row))
        before += any(requirement.metric in item.candidate for item in run.items)
    return found[::-1]


def _fits(row: EvidenceRow, requirement: Requirement, live: str | None) -> bool:
    if row.body.get("suite") != requirement.suite:
        return False
    return not requirement.compares or row.body.get("baseline") == live
