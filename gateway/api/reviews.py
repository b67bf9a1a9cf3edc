"""What guards did, for people to look at and decide on."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from gateway.api.deps import Editor, Running, Viewer
from gateway.audit import Act
from gateway.callquery import Moment, PageCursor
from gateway.durations import moment
from gateway.guarding.review import Mark
from gateway.judged import causes, judged
from gateway.reviews import Decided, Said, decide, example_line, of_call, outcome, passage, queued, shown, undo
from gateway.services import Services
from gateway.store import reviews as rows
from gateway.store.reviews import Decision
from gateway.store.search import Cursor, Filter, page
from gateway.types import Json, Principal

router = APIRouter(tags=["reviews"])

NANO = 1_000_000_000


class QueueQuery(BaseModel):
    """Filters narrow together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    guard: str | None = Field(None, max_length=64, description="Only where this guard is the cause.")
    action: Mark | None = Field(None, description="Only where this is the most that a guard did, or `near`.")
    endpoint: str | None = None
    team: str | None = None
    project: str | None = None
    since: Moment | None = Field(None, description="Not before: 2h ago, or a date or time.")
    until: Moment | None = Field(None, description="Before: 2h ago, or a date or time.")
    undecided: bool = Field(False, description="Only calls of which nothing is decided.")
    limit: int = Field(50, ge=1, le=1000)
    after: PageCursor | None = Field(None, description="Go on after the page that gave this as its `next`.")

    def filter(self) -> Filter:
        """What the store is asked; moments that are so long ago count from now."""
        now = time.time()
        return Filter(
            limit=self.limit,
            after=Cursor.parse(self.after) if self.after is not None else None,
            since=round(moment(self.since, now) * NANO) if self.since is not None else None,
            until=round(moment(self.until, now) * NANO) if self.until is not None else None,
            for_review=True,
            review=self.action,
            undecided=self.undecided,
            guard=self.guard,
            endpoint=self.endpoint,
            team=self.team,
            project=self.project,
        )


class Reviews(BaseModel):
    """`guards` are those that a call is here for; of decisions nothing that was said in it. `next` is the `after` of
    the next page; null where there is none. A page may hold fewer than asked for, or none, and yet have a next."""

    object: str = "list"
    data: list[dict[str, Any]]
    next: str | None


class ReviewedCall(BaseModel):
    """A call, with what was judged in it: `text` is null where that is not known, and `missing` says why; where
    `redacted` it is not word by word what the guard saw."""

    model_config = ConfigDict(extra="allow")

    passages: list[dict[str, Any]]


class ExamplesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    guard: str | None = None
    endpoint: str | None = None
    since: Moment | None = Field(None, description="Decided not before: 2h ago, or a date or time.")
    limit: int = Field(500, ge=1, le=1000)
    after: PageCursor | None = Field(None, description="Go on after the page that gave this as its `next`.")

    def filter(self) -> rows.Filter:
        since = moment(self.since, time.time()) if self.since is not None else None
        return rows.Filter(self.guard, self.endpoint, since, self.after)


@router.get("/reviews")
async def list_reviews(who: Viewer, running: Running, asked: Annotated[QueueQuery, Query()]) -> Reviews:
    """Calls that a guard blocked, held, had answered by another upstream or flagged, or nearly did; newest first."""

    def read(connection: Connection) -> Reviews:
        found = page(connection, asked.filter())
        decided = rows.of_calls(connection, [record.id for record in found.records])
        data = [queued(record, decided[record.id]) for record in found.records]
        wanted = [one for one in data if asked.guard is None or asked.guard in {at["guard"] for at in one["guards"]}]
        return Reviews(data=wanted, next=str(found.next) if found.next is not None else None)

    answer: Reviews = await running.read(read)
    return answer


@router.get("/reviews/examples")
async def list_examples(who: Editor, running: Running, asked: Annotated[ExamplesQuery, Query()]) -> Reviews:
    """Texts that people labelled, oldest first: what `sluice guard score` reads. `label` 1 is what a guard should
    catch."""
    return await _standing(running, "example", asked)


@router.get("/reviews/samples")
async def list_samples(who: Editor, running: Running, asked: Annotated[ExamplesQuery, Query()]) -> Reviews:
    """Calls that people kept as samples, oldest first: rows of a dataset for evals. `expected.refuse` says whether one
    should be refused."""
    return await _standing(running, "sample", asked)


@router.get("/reviews/{request_id}")
async def get_review(request_id: str, who: Editor, running: Running) -> ReviewedCall:
    """A call by its `x-request-id`, in the queue or not, with what was judged in it and what was decided."""

    def read(connection: Connection) -> ReviewedCall:
        record = of_call(connection, request_id)
        decisions = rows.of_calls(connection, [record.id])[record.id]
        found = judged(connection, record, causes(record))
        told = {**queued(record, decisions), "decisions": [shown(one) for one in decisions]}
        return ReviewedCall(**told, passages=[passage(one) for one in found])

    answer: ReviewedCall = await running.read(read)
    return answer


@router.post("/reviews/{request_id}")
async def decide_review(request_id: str, said: Said, who: Editor, running: Running) -> Json:
    """Decide on a call. The same again changes nothing. `policy` is the endpoint's live one with all that was decided,
    ready to be proposed; nothing that serves changes."""
    return await _act(running, who, "decided", lambda connection: decide(connection, request_id, said, who))


@router.post("/review-decisions/{decision_id}/undo")
async def undo_review(decision_id: str, who: Editor, running: Running) -> Json:
    """Take a decision back, and what was said in the call with it. `policy` is the live one without it."""
    return await _act(running, who, "undone", lambda connection: undo(connection, decision_id, who))


async def _standing(running: Services, act: rows.ActName, asked: ExamplesQuery) -> Reviews:
    found: list[Decision] = await running.read(
        lambda connection: rows.standing(connection, act, asked.filter(), asked.limit)
    )
    data = [example_line(one) if act == "example" else one.sample or {} for one in found]
    return Reviews(data=data, next=found[-1].id if len(found) == asked.limit else None)


async def _act(running: Services, who: Principal, action: str, change: Any) -> Json:
    """Do it and write it down, in one transaction; what was so before is not written again."""

    def whole(connection: Connection) -> Json:
        made: Decided = change(connection)
        told = outcome(made)
        if made.new:
            names = ("id", "act", "guard", "label", "endpoint", "sha256", "policy")
            detail = {name: told[name] for name in names if told[name] is not None}
            act = Act(f"review.{action}", f"call:{made.decision.call}", made.decision.note, detail)
            running.auditor.append(connection, who.owner or who.name, who.key_id, act)
        return told

    return await running.write(whole)
