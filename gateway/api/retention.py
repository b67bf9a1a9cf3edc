"""Holds: records that are kept whatever their age."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from gateway.api.deps import Admin, Running, Viewer
from gateway.audit import Act
from gateway.errors import NotFound
from gateway.store import retention
from gateway.store.retention import Hold

router = APIRouter(tags=["retention"])

NAME = r"^[^\x00-\x1f\x7f]*$"


class NewHold(BaseModel):
    """Keeps the calls that match everything given; at least one of `key`, `project` and `endpoint`."""

    model_config = ConfigDict(extra="forbid")

    key: str | None = Field(None, min_length=1, max_length=32, pattern=NAME)
    project: str | None = Field(None, min_length=1, max_length=64, pattern=NAME)
    endpoint: str | None = Field(None, min_length=1, max_length=64, pattern=NAME)
    reason: str = Field(min_length=1, max_length=1000, pattern=NAME)

    @model_validator(mode="after")
    def _names_something(self) -> NewHold:
        if self.key is None and self.project is None and self.endpoint is None:
            raise ValueError("say what to hold: key, project or endpoint")
        return self


class RetentionHold(BaseModel):
    """Times are Unix times; `lifted` is null while the hold is in force."""

    id: str
    key_id: str | None
    project: str | None
    endpoint: str | None
    reason: str
    created: float
    created_by: str
    lifted: float | None
    lifted_by: str | None


class RetentionHolds(BaseModel):
    object: str = "list"
    data: list[RetentionHold]


@router.post("/retention/holds", status_code=201)
async def create_hold(new: NewHold, who: Admin, running: Running) -> RetentionHold:
    """Keep records, whatever their age, until the hold is lifted."""
    made = Hold(retention.new_id(), new.key, new.project, new.endpoint, new.reason, time.time(), who.key_id)
    act = Act("retention.hold", f"hold:{made.id}", new.reason)
    await running.act(who, act, lambda connection: retention.hold(connection, made))
    return RetentionHold(**asdict(made))


@router.get("/retention/holds")
async def list_holds(who: Viewer, running: Running, lifted: bool = False) -> RetentionHolds:
    """Holds in force, oldest first; with those that were lifted where that is asked for."""
    found = await running.read(lambda connection: retention.holds(connection, lifted=lifted))
    return RetentionHolds(data=[RetentionHold(**asdict(one)) for one in found])


@router.delete("/retention/holds/{hold_id}")
async def lift_hold(hold_id: str, who: Admin, running: Running) -> dict[str, Any]:
    """Lift a hold. The next pass removes what is old enough."""

    def change(connection: Connection) -> None:
        if not retention.lift(connection, hold_id, who.key_id):
            raise NotFound(f"There is no hold {hold_id[:80]!r} in force.", param="hold_id", code="unknown_hold")

    await running.act(who, Act("retention.lift", f"hold:{hold_id}"), change)
    return {"id": hold_id, "object": "retention_hold", "lifted": True}
