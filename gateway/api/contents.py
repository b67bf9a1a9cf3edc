"""What was said in a call, where that is captured."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from gateway.api.deps import Editor, Running
from gateway.errors import NotFound
from gateway.store import contents

router = APIRouter(tags=["calls"])


class CallContent(BaseModel):
    """`request` and `answer` are JSON texts without what was taken out; `redacted` says how often each kind was. Null,
    or a text that is cut, where truncated."""

    id: str
    started: int
    request: str | None
    answer: str | None
    redacted: dict[str, int]
    truncated: bool


@router.get("/calls/{request_id}/content")
async def get_content(request_id: str, who: Editor, running: Running) -> CallContent:
    """What was asked and answered, by the call's `x-request-id`; only where the setting `content` has it kept."""
    found = await running.read(lambda connection: contents.get(connection, request_id))
    if found is None:
        raise NotFound(f"The content of {request_id[:80]!r} is not kept.", param="request_id")
    return CallContent(
        id=found.id,
        started=found.started,
        request=found.request,
        answer=found.answer,
        redacted=found.redacted,
        truncated=found.truncated,
    )
