"""Records of calls, and what was spent."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.deps import Running, Viewer
from gateway.callquery import CallQuery, Moment, PageCursor
from gateway.durations import moment
from gateway.errors import NotFound
from gateway.store import spend
from gateway.store.search import Cursor, Filter, page

router = APIRouter(tags=["calls"])


class PageQuery(CallQuery):
    limit: int = Field(50, ge=1, le=1000)
    after: PageCursor | None = Field(None, description="Go on after the page that gave this as its `next`.")


class Calls(BaseModel):
    """`next` is the `after` of the next page; null where there is none. A page may hold fewer than asked for, or none,
    and yet have a next: so far it looked."""

    object: str = "list"
    data: list[dict[str, Any]]
    next: str | None


class UsageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    by: spend.Kind = "endpoint"
    since: Moment = Field("30d", description="From the day of this moment: 30d ago, or a date.")
    until: Moment = Field("0s", description="To the day of this moment.")


class Usage(BaseModel):
    object: str = "list"
    data: list[dict[str, Any]]


@router.get("/calls")
async def list_calls(who: Viewer, running: Running, asked: Annotated[PageQuery, Query()]) -> Calls:
    """Calls, newest first. A call is here about a second after its reply ended."""
    wanted = asked.filter(asked.limit, Cursor.parse(asked.after) if asked.after is not None else None)
    found = await running.read(lambda connection: page(connection, wanted))
    data = [msgspec.structs.asdict(record) for record in found.records]
    return Calls(data=data, next=str(found.next) if found.next is not None else None)


@router.get("/calls/{request_id}")
async def get_call(request_id: str, who: Viewer, running: Running) -> dict[str, Any]:
    """One call, by its `x-request-id`."""
    found = await running.read(lambda connection: page(connection, Filter(limit=1, id=request_id)))
    if not found.records:
        raise NotFound(f"There is no record of {request_id[:80]!r} (yet).", param="request_id")
    return msgspec.structs.asdict(found.records[0])


@router.get("/usage")
async def get_usage(who: Viewer, running: Running, asked: Annotated[UsageQuery, Query()]) -> Usage:
    """What each key, project, team, endpoint or upstream took, or the shadow of each rollout, by whole days (UTC), the
    dearest first. `cost` is micro-USD."""
    now = time.time()
    since, until = moment(asked.since, now), moment(asked.until, now)
    found = await running.read(lambda connection: spend.usage(connection, asked.by, since, until))
    return Usage(data=[asdict(sums) for sums in found])
