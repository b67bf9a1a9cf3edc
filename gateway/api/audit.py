"""The audit log: who did what, and whether it is as it was written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from gateway.api.deps import MOST, Admin, Running, Viewer
from gateway.audit import Entry, Verdict, check, entry_of
from gateway.errors import NotFound
from gateway.store import audit
from gateway.types import Json

if TYPE_CHECKING:
    from gateway.services import Services

router = APIRouter(tags=["audit"])


class Checked(BaseModel):
    """`seq` and `wrong` tell of the first entry that is not as it was written; null where the log holds."""

    entries: int
    seq: int | None
    wrong: str | None
    public_key: str


@router.get("/audit")
async def list_audit(
    who: Viewer,
    running: Running,
    actor: str | None = None,
    action: str | None = None,
    of: Annotated[str | None, Query(alias="object")] = None,
    before: Annotated[int | None, Query(ge=1, le=MOST)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """Entries, newest first; `before` a sequence number for the next page. `action` may be the beginning of one."""
    found = await running.read(lambda connection: audit.find(connection, actor, action, of, before, limit))
    return {"object": "list", "data": [shown(entry_of(row)) for row in found], "has_more": len(found) == limit}


@router.get("/audit/export")
async def export_audit(who: Admin, running: Running) -> StreamingResponse:
    """The whole log, oldest first, as JSON lines: what `sluice audit verify FILE` reads."""

    async def lines() -> AsyncIterator[bytes]:
        after = 0
        while rows := await running.read(lambda connection, at=after: audit.after(connection, at)):
            yield b"".join(orjson.dumps(row) + b"\n" for row in rows)
            after = rows[-1]["seq"]

    return StreamingResponse(lines(), media_type="application/jsonl")


@router.get("/audit/checkpoint")
async def get_checkpoint(who: Viewer, running: Running) -> Json:
    """A signed statement of where the log stands. Kept elsewhere, it shows later whether the end was cut off."""
    found: Json | None = await running.read(running.auditor.checkpoint)
    if found is None:
        raise NotFound("Nothing has been done yet that is in the log.", code="empty_log")
    return found


@router.get("/audit/verify")
async def verify_audit(who: Viewer, running: Running) -> Checked:
    """Check every hash and every signature."""
    public = running.signer.public

    verdict = await asyncio.to_thread(_checked, running, public)
    return Checked(entries=verdict.entries, seq=verdict.seq, wrong=verdict.wrong, public_key=public)


def _checked(running: Services, public: str) -> Verdict:
    with running.store.reading() as connection:
        return check(audit.walk(connection), public)


def shown(entry: Entry) -> Json:
    """For people and machines: its detail as JSON, its time in seconds."""
    return {
        "seq": entry.seq,
        "at": entry.at / 1e6,
        "actor": entry.actor,
        "key_id": entry.key_id,
        "action": entry.action,
        "object": entry.object,
        "reason": entry.reason,
        "detail": orjson.loads(entry.detail),
        "hash": entry.hash,
    }
