"""Limits of keys, projects, teams and endpoints: set, read, remove."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from gateway.allowances import Scope, shown
from gateway.api.deps import Admin, Running, Viewer
from gateway.audit import Act
from gateway.releases.manifest import LimitsManifest
from gateway.store import allowances as rows
from gateway.store.allowances import AllowanceRow

router = APIRouter(tags=["limits"])


class ScopeLimits(BaseModel):
    """What a scope may use at most; null is without limit. `updated` is Unix time."""

    scope: str
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrent: int | None
    budget: str | None
    updated: float
    updated_by: str


class AllLimits(BaseModel):
    object: str = "list"
    data: list[ScopeLimits]


@router.get("/limits")
async def list_limits(who: Viewer, running: Running) -> AllLimits:
    """Every scope that has limits."""
    return AllLimits(data=[_shown(row) for row in await running.read(rows.list_all)])


@router.get("/limits/{scope}")
async def get_limits(scope: str, who: Viewer, running: Running) -> ScopeLimits:
    """The limits of one scope: `key:ID`, `project:NAME`, `team:NAME` or `endpoint:NAME`."""
    return _shown(await running.read(lambda connection: rows.get(connection, scope)))


@router.put("/limits/{scope}")
async def set_limits(scope: str, limits: LimitsManifest, who: Admin, running: Running) -> ScopeLimits:
    """Set the limits of a scope, in place of all it had."""
    allowance = limits.allowance(Scope.parse(scope))

    def change(connection: Connection) -> AllowanceRow:
        rows.put(connection, allowance, who.key_id)
        return rows.get(connection, scope)

    return _shown(await running.act(who, _set, change))


@router.delete("/limits/{scope}")
async def remove_limits(scope: str, who: Admin, running: Running) -> ScopeLimits:
    """Remove the limits of a scope, and answer what they were."""
    removed = await running.act(who, Act("limits.remove", scope), lambda connection: rows.remove(connection, scope))
    return _shown(removed)


def _set(row: AllowanceRow) -> Act:
    return Act("limits.set", row.allowance.scope, "", {"limits": shown(row.allowance)})


def _shown(row: AllowanceRow) -> ScopeLimits:
    return ScopeLimits(**shown(row.allowance), updated=row.updated, updated_by=row.updated_by)
