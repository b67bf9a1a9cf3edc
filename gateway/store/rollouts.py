"""Queries on rollouts, what was said of them, and what they were turned away for."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from gateway.releases.plan import Plan
from gateway.releases.rollout import OPEN, Approval, Condition, Rollout, Stage, State
from gateway.store.catalogue import move_revision
from gateway.store.tables.rollouts import approvals, breakings, rollout_events, rollouts, turned_away
from gateway.types import Json

OPEN_STATES = tuple(sorted(state.value for state in OPEN))


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a rollout's history."""

    at: float
    by: str
    action: str
    stage: str
    step: int
    reason: str
    detail: Json | None


@dataclass(frozen=True, slots=True)
class Breaking:
    """A release that went live without a second person; red until `reviewed`."""

    id: str
    endpoint: str
    release: str
    at: float
    by: str
    reason: str
    reviewed: float | None
    reviewed_by: str | None
    review: str | None


def add(connection: Connection, rollout: Rollout) -> None:
    values = {**asdict(rollout), "plan": rollout.plan.model_dump(mode="json")}
    connection.execute(insert(rollouts).values(**values))
    move_revision(connection)


def find(connection: Connection, rollout_id: str) -> Rollout | None:
    row = connection.execute(select(rollouts).where(rollouts.c.id == rollout_id)).first()
    return _rollout(row) if row is not None else None


def list_all(
    connection: Connection, endpoint: str | None = None, state: str | None = None, limit: int = 100
) -> list[Rollout]:
    """Newest first. `state` may be `open`, for those that are running or paused."""
    query = select(rollouts).order_by(rollouts.c.created.desc(), rollouts.c.id).limit(limit)
    if endpoint is not None:
        query = query.where(rollouts.c.endpoint == endpoint)
    if state is not None:
        query = query.where(rollouts.c.state.in_(OPEN_STATES if state == "open" else (state,)))
    return [_rollout(row) for row in connection.execute(query)]


def under_way(connection: Connection) -> list[Rollout]:
    """Those that are open and past their draft, without their analyses, which are large and only the controller's."""
    columns = [column for column in rollouts.columns if column is not rollouts.c.analysis]
    query = select(*columns).where(rollouts.c.state.in_(OPEN_STATES), rollouts.c.stage != Stage.DRAFT)
    return [_rollout(row) for row in connection.execute(query.order_by(rollouts.c.created))]


def open_at(connection: Connection, endpoint: str) -> Rollout | None:
    """The one under way past its draft: there is one at most."""
    past = rollouts.c.stage != Stage.DRAFT
    query = select(rollouts).where(rollouts.c.endpoint == endpoint, rollouts.c.state.in_(OPEN_STATES), past)
    row = connection.execute(query).first()
    return _rollout(row) if row is not None else None


def change(connection: Connection, rollout: Rollout, **values: Any) -> bool:
    """Change a rollout that is as it was when it was read; False where somebody else was faster."""
    changed = connection.execute(
        update(rollouts)
        .where(rollouts.c.id == rollout.id, rollouts.c.moves == rollout.moves)
        .values(**values, updated=time.time(), moves=rollout.moves + 1)
    )
    if changed.rowcount and values.keys() & {"stage", "step", "state"}:
        move_revision(connection)
    return changed.rowcount == 1


def note(
    connection: Connection, rollout: Rollout, by: str, action: str, reason: str, detail: Json | None = None
) -> None:
    """A line of its history, at the stage it is in."""
    connection.execute(
        insert(rollout_events).values(
            rollout=rollout.id,
            at=time.time(),
            by=by,
            action=action,
            stage=rollout.stage,
            step=rollout.step,
            reason=reason,
            detail=detail,
        )
    )


def history(connection: Connection, rollout_id: str) -> list[Event]:
    """Oldest first."""
    found = connection.execute(
        select(rollout_events).where(rollout_events.c.rollout == rollout_id).order_by(rollout_events.c.id)
    )
    return [Event(row.at, row.by, row.action, row.stage, row.step, row.reason, row.detail) for row in found]


def approve(
    connection: Connection, rollout_id: str, by: str, key_id: str, approved: bool, note_: str, conditions: Sequence[str]
) -> None:
    connection.execute(
        insert(approvals).values(
            rollout=rollout_id,
            at=time.time(),
            by=by,
            key_id=key_id,
            approved=approved,
            note=note_,
            conditions=[{"text": text, "met": None} for text in conditions],
        )
    )


def approvals_of(connection: Connection, rollout_id: str) -> list[Approval]:
    """Oldest first."""
    return [approval for _, approval in _approvals(connection, rollout_id)]


def meet(connection: Connection, rollout_id: str, number: int, by: str) -> Condition | None:
    """Say of a condition, counted from 1 over all approvals, that it is met; None where there is none so numbered."""
    count = 0
    for row_id, approval in _approvals(connection, rollout_id):
        for index, condition in enumerate(approval.conditions):
            count += 1
            if count == number:
                met = Condition(condition.text, {"at": time.time(), "by": by})
                changed = [*approval.conditions[:index], met, *approval.conditions[index + 1 :]]
                as_json = [{"text": one.text, "met": one.met} for one in changed]
                connection.execute(update(approvals).where(approvals.c.id == row_id).values(conditions=as_json))
                return met
    return None


def turn_away(connection: Connection, endpoint: str, release: str, reason: str) -> None:
    """From now on, earlier evidence for this release counts no more at this endpoint."""
    connection.execute(insert(turned_away).values(endpoint=endpoint, release=release, at=time.time(), reason=reason))


def turned_away_at(connection: Connection, endpoint: str, release: str) -> float:
    """When a release was last turned away; 0 where it never was."""
    query = select(func.max(turned_away.c.at)).where(
        turned_away.c.endpoint == endpoint, turned_away.c.release == release
    )
    return connection.execute(query).scalar_one() or 0.0


def turned_away_of(connection: Connection, releases: Collection[str]) -> dict[tuple[str, str], float]:
    """When each of these was last turned away, by endpoint and release."""
    query = select(turned_away.c.endpoint, turned_away.c.release, func.max(turned_away.c.at))
    query = query.where(turned_away.c.release.in_(sorted(releases)))
    found = connection.execute(query.group_by(turned_away.c.endpoint, turned_away.c.release))
    return {(endpoint, release): at for endpoint, release, at in found}


def break_glass(connection: Connection, breaking: Breaking) -> None:
    connection.execute(insert(breakings).values(**asdict(breaking)))


def breakings_of(connection: Connection, endpoint: str | None = None, unreviewed: bool = False) -> list[Breaking]:
    """Newest first."""
    query = select(breakings).order_by(breakings.c.at.desc())
    if endpoint is not None:
        query = query.where(breakings.c.endpoint == endpoint)
    if unreviewed:
        query = query.where(breakings.c.reviewed.is_(None))
    return [Breaking(*row) for row in connection.execute(query)]


def review(connection: Connection, breaking_id: str, by: str, note_: str) -> bool:
    done = connection.execute(
        update(breakings)
        .where(breakings.c.id == breaking_id, breakings.c.reviewed.is_(None))
        .values(reviewed=time.time(), reviewed_by=by, review=note_)
    )
    return done.rowcount == 1


def _approvals(connection: Connection, rollout_id: str) -> list[tuple[int, Approval]]:
    rows = connection.execute(select(approvals).where(approvals.c.rollout == rollout_id).order_by(approvals.c.id))
    return [
        (
            row.id,
            Approval(row.at, row.by, row.approved, row.note, [Condition(c["text"], c["met"]) for c in row.conditions]),
        )
        for row in rows
    ]


def _rollout(row: Row[Any]) -> Rollout:
    return Rollout(
        **{
            "analysis": None,
            **row._mapping,
            "plan": Plan.model_validate(row.plan),
            "stage": Stage(row.stage),
            "state": State(row.state),
        }
    )
