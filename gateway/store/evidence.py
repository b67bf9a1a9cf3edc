"""Queries on evidence and on decision records: signed facts about releases."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, fields
from math import fsum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from gateway.amounts import FOREVER
from gateway.store.tables.evidence import decisions, evidence
from gateway.types import Json


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """`digest` is of `body` but for when it was made, `signature` this installation's over it. `at` is when it was
    accepted, in Unix time."""

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
class Listed:
    """Evidence as a list shows it: `brief` is None where a gateway of an earlier version has accepted it."""

    id: str
    release: str
    kind: str
    at: float
    by: str
    digest: str
    dataset: str | None
    suite: str | None
    brief: Json | None


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
    connection.execute(insert(evidence).values(**asdict(row), suite=row.body.get("suite"), brief=in_brief(row.body)))
    return row


def in_brief(body: Json) -> Json:
    """What a list shows of it: the suite's name, the baseline, how many items, and of each metric the means."""
    values: defaultdict[str, dict[str, list[float]]] = defaultdict(dict)
    for item in body.get("items", ()):
        for arm in ("candidate", "baseline"):
            for metric, value in (item.get(arm) or {}).items():
                values[metric].setdefault(arm, []).append(value)
    means = {metric: {arm: fsum(of) / len(of) for arm, of in arms.items()} for metric, arms in sorted(values.items())}
    known = {name: body.get(name) for name in ("name", "baseline", "cost")}
    return {**known, "items": len(body.get("items", ())), "metrics": means}


def find(connection: Connection, evidence_id: str) -> EvidenceRow | None:
    row = connection.execute(select(evidence).where(evidence.c.id == evidence_id)).first()
    return _evidence(row) if row is not None else None


def of_release(connection: Connection, release: str, since: float = 0.0, kind: str | None = None) -> list[EvidenceRow]:
    """What was accepted for a release after `since`, newest first."""
    query = select(evidence).where(evidence.c.release == release, evidence.c.at > since)
    if kind is not None:
        query = query.where(evidence.c.kind == kind)
    return [_evidence(row) for row in connection.execute(query.order_by(evidence.c.at.desc(), evidence.c.id))]


def listed(connection: Connection, release: str | None, suite: str | None, limit: int) -> list[Listed]:
    """Newest first, of a release, of a suite, or of both."""
    query = select(*(evidence.c[field.name] for field in fields(Listed)))
    if release is not None:
        query = query.where(evidence.c.release == release)
    if suite is not None:
        query = query.where(evidence.c.suite == suite)
    ordered = query.order_by(evidence.c.at.desc(), evidence.c.id).limit(limit)
    return [Listed(**row._mapping) for row in connection.execute(ordered)]


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite as far as evidence tells of it: how many runs of how many releases, from the first to the `last`."""

    suite: str
    runs: int
    releases: int
    first: float
    last: float


def suites(connection: Connection, limit: int) -> list[Suite]:
    """Those that were run last first."""
    columns = (
        func.count(),
        func.count(evidence.c.release.distinct()),
        func.min(evidence.c.at),
        func.max(evidence.c.at),
    )
    query = select(evidence.c.suite, *columns).where(evidence.c.suite.is_not(None)).group_by(evidence.c.suite)
    ordered = query.order_by(func.max(evidence.c.at).desc(), evidence.c.suite).limit(limit)
    return [Suite(*row) for row in connection.execute(ordered)]


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
    return EvidenceRow(*(row._mapping[field.name] for field in fields(EvidenceRow)))


def _decision(row: Row[Any]) -> DecisionRow:
    return DecisionRow(**row._mapping)
