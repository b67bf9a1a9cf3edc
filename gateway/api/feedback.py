"""What was said of calls. Given through `POST /v1/feedback`; read here by those who work with it."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.deps import Evaluator, Running
from gateway.callquery import Moment
from gateway.durations import moment
from gateway.feedback import shown
from gateway.store.feedback import Filter, Source, find

router = APIRouter(tags=["feedback"])


class FeedbackQuery(BaseModel):
    """Filters narrow together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    call: str | None = None
    endpoint: str | None = None
    release: str | None = None
    rollout: str | None = None
    metric: str | None = None
    source: Source | None = None
    since: Moment | None = Field(None, description="Given not before: 2h ago, or a date or time.")
    until: Moment | None = Field(None, description="Given before: 2h ago, or a date or time.")
    limit: int = Field(50, ge=1, le=1000)
    after: str | None = Field(None, description="Go on after the feedback of this id, which a page ended with.")

    def filter(self) -> Filter:
        """What the store is asked; moments that are so long ago count from now."""
        now = time.time()
        named = self.model_dump(exclude={"since", "until", "limit"})
        since = moment(self.since, now) if self.since is not None else None
        until = moment(self.until, now) if self.until is not None else None
        return Filter(**named, since=since, until=until)


class FeedbackList(BaseModel):
    object: str = "list"
    data: list[dict[str, Any]]


@router.get("/feedback")
async def list_feedback(who: Evaluator, running: Running, asked: Annotated[FeedbackQuery, Query()]) -> FeedbackList:
    """Feedback, newest first, with its corrections and comments. `value` is micro-USD; `bound` is false while the
    call's own record is on its way."""
    found = await running.read(lambda connection: find(connection, asked.filter(), asked.limit))
    return FeedbackList(data=[shown(said) for said in found])
