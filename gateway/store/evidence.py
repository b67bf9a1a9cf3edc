"""Queries on evidence and on decision records: signed facts about releases."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from gateway.amounts import FOREVER
from gateway.store.tables.evidence import decisions, evidence
from gateway.types import Json


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """`digest` is of `body`, `signature` this installation's over it. `at` is when it was accepted, in Unix time."""

    id: str
    release: str
    endpoint: str | None
    kind: str
    at: float
    by: str
    key_id: str | None
    digest: str
    dataset: str | None
    body: Json
    signature: str


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """`expires` is the Unix time after which it must be taken anew."""

    id: str
    endpoint: str
    release: str
    rollout: str | None
    at: float
    outcome: str
    expires: float | None
    body: Json
    digest: str
    signature: str


def add(connection: Connection, row: EvidenceRow) -> EvidenceRow:
    """The row, or the one that says the same already."""
    same = connection.execute(select(evidence).where(evidence.c.digest == row.digest)).first()
    if same is not None:
        return _evidence(same)
    connection.execute(insert(evidence).values(**asdict(row)))
    return row


def find(connection: Connection, evidence_id: str) -> EvidenceRow | None:
    row = connection.execute(select(evidence).where(evidence.c.id == evidence_id)).first()
    return _evidence(row) if row is not None else None


def of_release(connection: Connection, release: str, since: float = 0.0, kind: str | None = None) -> list[EvidenceRow]:
    """What was accepted for a release after `since`, newest first."""
    query = select(evidence).where(evidence.c.release == release, evidence.c.at > since)
    if kind is not None:
        query = query.where(evidence.c.kind == kind)
    return [_evidence(row) for row in connection.execute(query.order_by(evidence.c.at.desc(), evidence.c.id))]


def looked(connection: Connection, dataset: str, release: str) -> int:
    """How many other releases were judged on a dataset before this one was first."""
    ours = select(func.min(evidence.c.at)).where(evidence.c.dataset == dataset, evidence.c.release == release)
    first = func.coalesce(ours.scalar_subquery(), FOREVER)
    others = (evidence.c.dataset == dataset, evidence.c.release != release, evidence.c.at < first)
    found: int = connection.execute(select(func.count(evidence.c.release.distinct())).where(*others)).scalar_one()
    return found


def decide(connection: Connection, row: DecisionRow) -> None:
    connection.execute(insert(decisions).values(**asdict(row)))


def find_decision(connection: Connection, decision_id: str) -> DecisionRow | None:
    row = connection.execute(select(decisions).where(decisions.c.id == decision_id)).first()
    return _decision(row) if row is not None else None


def list_decisions(connection: Connection, endpoint: str | None = None, limit: int = 100) -> list[DecisionRow]:
    """Newest first."""
    query = select(decisions).order_by(decisions.c.at.desc(), decisions.c.id).limit(limit)
    if endpoint is not None:
        query = query.where(decisions.c.endpoint == endpoint)
    return [_decision(row) for row in connection.execute(query)]


def _evidence(row: Row[Any]) -> EvidenceRow:
    return EvidenceRow(**row._mapping)


def _decision(row: Row[Any]) -> DecisionRow:
    return DecisionRow(**row._mapping)
