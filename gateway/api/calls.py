"""Records of calls."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel

from gateway.api.deps import Running, Viewer
from gateway.errors import NotFound
from gateway.store.calls import Filter, recent

router = APIRouter(tags=["calls"])


class Calls(BaseModel):
    object: str = "list"
    data: list[dict[str, Any]]


@router.get("/calls")
async def list_calls(
    who: Viewer,
    running: Running,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    endpoint: str | None = None,
    key_id: str | None = None,
    errors: bool = False,
) -> Calls:
    """Recent calls, newest first. A call is here about a second after its reply ended."""
    wanted = Filter(limit=limit, endpoint=endpoint, key_id=key_id, errors_only=errors)
    found = await running.read(lambda connection: recent(connection, wanted))
    return Calls(data=[msgspec.structs.asdict(record) for record in found])


@router.get("/calls/{request_id}")
async def get_call(request_id: str, who: Viewer, running: Running) -> dict[str, Any]:
    """One call, by its `x-request-id`."""
    found = await running.read(lambda connection: recent(connection, Filter(limit=1, id=request_id)))
    if not found:
        raise NotFound(f"There is no record of {request_id[:80]!r} (yet).", param="request_id")
    return msgspec.structs.asdict(found[0])
