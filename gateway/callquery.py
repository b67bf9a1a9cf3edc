"""What people ask of the records, as text: the one list of filters that the admin API and `sluice calls` share."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateway.durations import moment
from gateway.errors import BadRequest
from gateway.store.search import Cursor, Filter

NANO = 1_000_000_000


def _is_moment(value: str) -> str:
    moment(value, time.time())
    return value


def _is_cursor(value: str) -> str:
    Cursor.parse(value)
    return value


Moment = Annotated[str, AfterValidator(_is_moment)]
"""As people write it: 2h ago, or a date or time."""
PageCursor = Annotated[str, AfterValidator(_is_cursor)]
"""What a page gave as its `next`."""


class CallQuery(BaseModel):
    """Filters narrow together; without any, the newest calls."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str | None = Field(None, description="Only this endpoint.")
    key: str | None = Field(None, description="Only this key's id.")
    owner: str | None = Field(None, description="Only this owner's keys.")
    team: str | None = Field(None, description="Only this team.")
    project: str | None = Field(None, description="Only this project.")
    release: str | None = Field(None, description="Only this release's digest.")
    rollout: str | None = Field(None, description="Only what took part in this rollout.")
    arm: Literal["live", "candidate", "shadow"] | None = Field(
        None, description="Only this arm of a rollout: live, candidate or shadow."
    )
    pair: str | None = Field(None, description="Only the shadow of this request id.")
    upstream: str | None = Field(None, description="Only this upstream.")
    model: str | None = Field(None, description="Only where the client asked for this model.")
    status: str | None = Field(None, description="Only this status, as 429, or its class, as 5xx.")
    error: str | None = Field(None, description="Only this error code.")
    errors: bool = Field(False, description="Only what was refused or failed.")
    surface: Literal["chat", "completions", "responses", "messages", "embeddings", "moderations"] | None = Field(
        None, description="Only this API: chat, completions, responses, messages, embeddings or moderations."
    )
    stream: bool | None = Field(None, description="Only streams, or only whole replies.")
    finish: str | None = Field(None, description="Only this finish reason, as length.")
    since: str | None = Field(None, description="Not before: 2h ago, or a date or time as 2026-11-25T16:00Z.")
    until: str | None = Field(None, description="Before: 2h ago, or a date or time.")
    min_cost: float | None = Field(None, ge=0, le=1e12, description="At least so many USD.")
    min_seconds: float | None = Field(None, ge=0, le=1e12, description="At least so many seconds.")
    trace: str | None = Field(None, description="Only this trace id.")
    client_request_id: str | None = Field(None, description="Only this id of the client's own.")
    id: str | None = Field(None, description="Only this request id.")

    @field_validator("status")
    @classmethod
    def _status(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[1-5](\d\d|xx)", value, re.ASCII):
            raise ValueError("write a status as 429, or a class as 5xx")
        return value

    @field_validator("since", "until")
    @classmethod
    def _moment(cls, value: str | None) -> str | None:
        """And no `Moment`: the fields become options of a command, which has its own errors."""
        return _is_moment(value) if value is not None else None

    @classmethod
    def read(cls, asked: dict[str, Any]) -> CallQuery:
        """Raises `BadRequest` naming the first fault."""
        try:
            return cls.model_validate(asked)
        except ValidationError as error:
            fault = error.errors()[0]
            name = str(fault["loc"][0])
            said = fault["msg"].removeprefix("Value error, ")
            raise BadRequest(f"{name}: {said}.", param=name, code="invalid_value") from error

    def filter(self, limit: int, after: Cursor | None = None) -> Filter:
        """What the store is asked; moments that are so long ago count from now."""
        now = time.time()
        whole_class = self.status is not None and self.status.endswith("xx")
        return Filter(
            limit=limit,
            after=after,
            since=round(moment(self.since, now) * NANO) if self.since is not None else None,
            until=round(moment(self.until, now) * NANO) if self.until is not None else None,
            id=self.id,
            client_request_id=self.client_request_id,
            trace_id=self.trace,
            error=self.error,
            errors_only=self.errors,
            status=int(self.status) if self.status is not None and not whole_class else None,
            status_class=int(self.status[0]) if self.status is not None and whole_class else None,
            owner=self.owner,
            key_id=self.key,
            project=self.project,
            team=self.team,
            release=self.release,
            rollout=self.rollout,
            arm=self.arm,
            pair=self.pair,
            endpoint=self.endpoint,
            asked=self.model,
            upstream=self.upstream,
            finish=self.finish,
            surface=self.surface,
            stream=self.stream,
            min_cost=round(self.min_cost * 1e6) if self.min_cost is not None else None,
            min_total_us=round(self.min_seconds * 1e6) if self.min_seconds is not None else None,
        )
