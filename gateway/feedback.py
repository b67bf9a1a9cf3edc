"""Feedback on calls: what their users, people who review them and judges say became of them.

What is said is kept at once, also where the call's own record is still on its way through the journal; the two are
bound when it has come. A key speaks of its own calls only, unless its role is to evaluate: feedback on a call that
turns out to be another key's is dropped, as is feedback on a call that never was. Both are counted.

The same key saying the same of the same call again says it in place of what it said before: sending twice does no harm.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy import Connection

from gateway.access import Access
from gateway.errors import BadRequest, GatewayError, NotFound, RateLimited
from gateway.settings import NAME
from gateway.store import feedback as rows
from gateway.store import responses
from gateway.store.engine import Store
from gateway.store.feedback import Feedback, Source
from gateway.types import Json, Principal

log = logging.getLogger(__name__)

EVERY = 1.0
BATCH = 200
"""Feedback bound in one transaction."""
GIVEN_UP = 24 * 3600.0
"""Seconds that feedback waits for the record of its call."""
MOST_WAITING = 1000
"""Of one key."""
MOST_OF_CALL = 32
"""Metrics and sources under which one key speaks of one call."""
MICRO = 1_000_000
CALL = r"^(req|resp)_[0-9A-Za-z_-]{1,58}$"
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Money(Strict):
    """What a call was worth; less than nothing where it did damage."""

    amount: float = Field(ge=-1e9, le=1e9, allow_inf_nan=False)
    currency: str = Field("USD", pattern="^USD$")


class Opinion(Strict):
    """The body of `POST /v1/feedback`: at least one of the optional fields says something."""

    call: str = Field(pattern=CALL, description="The reply's `x-request-id`, or the id of a stored response.")
    metric: str = Field("helpful", pattern=NAME, description="What the score is of.")
    source: Source = Field("user", description="Who says so: the call's user, a person who reviews it, or a judge.")
    score: float | None = Field(None, ge=0, le=1, description="From 0 to 1; true is 1 and false is 0.")
    outcome: str | None = Field(None, min_length=1, max_length=64, pattern=PRINTABLE, description="As `resolved`.")
    correction: str | None = Field(None, min_length=1, max_length=32_768, description="What should have been answered.")
    comment: str | None = Field(None, min_length=1, max_length=4096)
    value: Money | None = Field(None, description="What the call was worth.")
    minutes_saved: float | None = Field(
        None, ge=-1e6, le=1e6, allow_inf_nan=False, description="Of somebody's time; below 0 where it cost them some."
    )

    @field_validator("score", mode="before")
    @classmethod
    def _yes_or_no(cls, value: Any) -> Any:
        return float(value) if isinstance(value, bool) else value

    @field_validator("correction", "comment")
    @classmethod
    def _storable(cls, value: str | None) -> str | None:
        if value is not None and "\0" in value:
            raise ValueError("a text has no NUL")
        return value

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        said = (self.score, self.outcome, self.correction, self.comment, self.value, self.minutes_saved)
        if all(part is None for part in said):
            raise ValueError("give a score, an outcome, a correction, a comment, a value or minutes_saved")
        return self

    @classmethod
    def read(cls, body: Json) -> Self:
        """Raises `BadRequest` naming the first fault."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(str(step) for step in fault["loc"])
            said = fault["msg"].removeprefix("Value error, ").removesuffix(".")
            message = f"{where or 'The request'}: {said}."
            if where == "call":
                message = "'call' is the reply's header x-request-id (req_…), or the id of a stored response (resp_…)."
            raise BadRequest(message, param=where or None, code="invalid_value") from error

    def by(self, who: Principal, call: str) -> Feedback:
        """The row that is kept of it. Its id is that of whatever the same key says of this call under this name."""
        said = "\0".join((call, who.key_id, self.metric, self.source))
        return Feedback(
            id=f"feedback_{hashlib.blake2b(said.encode(), digest_size=8).hexdigest()}",
            call=call,
            at=time.time(),
            key_id=who.key_id,
            by=who.owner or who.name,
            source=self.source,
            metric=self.metric,
            score=self.score,
            outcome=self.outcome,
            correction=self.correction,
            comment=self.comment,
            value=round(self.value.amount * MICRO) if self.value is not None else None,
            seconds_saved=self.minutes_saved * 60 if self.minutes_saved is not None else None,
            waiting="any" if evaluates(who) else "own",
        )


class Intake:
    """One per process; belongs to its event loop. Waits for nothing but the database: without one, what is said is
    refused with 503, and can be sent again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.taken = self.bound = self.dropped = 0

    async def take(self, who: Principal, body: Json) -> Json:
        """Keep what is said in the body of a request; gives what is kept."""
        kept = await asyncio.to_thread(self._take, who, Opinion.read(body))
        self.taken += 1
        return shown(kept)

    def _take(self, who: Principal, opinion: Opinion) -> Feedback:
        with self._store.begin() as connection:
            return _keep(connection, opinion.by(who, _call(connection, who, opinion.call)))

    async def run(self) -> None:
        """Bind what waits to the calls that have come, for ever."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await asyncio.to_thread(self.settle, time.time())
            except GatewayError as error:
                log.warning("feedback waits for its calls: %s", error.message)
            except Exception:
                log.exception("defect while binding feedback to its calls")

    def settle(self, now: float) -> None:
        """One pass. Takes the database's write lock only where there is something to do."""
        with self._store.reading() as connection:
            due = rows.waits(connection, now - GIVEN_UP)
        while due:
            with self._store.begin() as connection:
                settled = rows.settle(connection, BATCH)
                self.dropped += settled.gone + rows.give_up(connection, now - GIVEN_UP)
            self.bound += settled.bound
            due = settled.bound + settled.gone == BATCH

    def gauges(self) -> dict[str, tuple[str, float]]:
        return {
            "feedback_taken": ("Feedback on calls, taken in by this process.", self.taken),
            "feedback_bound": ("Of what waited for the record of its call, what this process has bound.", self.bound),
            "feedback_dropped": ("Feedback on calls that never were, or were another key's.", self.dropped),
        }


def _call(connection: Connection, who: Principal, named: str) -> str:
    """The id of the call that is named by its own, or by that of the response it made."""
    if named.startswith("req_"):
        return named
    call = responses.made_by(connection, named, None if evaluates(who) else who.key_id)
    if call is None:
        message = f"There is no stored response {named!r} of this key's. Name its call: the reply's x-request-id."
        raise NotFound(message, param="call", code="call_not_found")
    return call


def _keep(connection: Connection, said: Feedback) -> Feedback:
    of = rows.served(connection, said.call)
    if of is not None and said.waiting == "own" and of.key_id != said.key_id:
        message = f"There is no call {said.call!r}, or it is not one of this key's."
        raise NotFound(message, param="call", code="call_not_found")
    if rows.others(connection, said) >= MOST_OF_CALL:
        message = f"This key has given feedback on this call under {MOST_OF_CALL} names; use one of those."
        raise BadRequest(message, param="metric", code="too_many_metrics")
    if of is None and rows.waiting(connection, said.key_id) >= MOST_WAITING:
        message = f"Feedback of this key on {MOST_WAITING} calls waits for their records. Try again in a while."
        raise RateLimited(message, code="too_many_waiting", retry_after=5.0)
    return rows.put(connection, said, of)


def evaluates(who: Principal) -> bool:
    """Whether they may speak of calls that are not their key's own."""
    return bool(Access.EVALUATOR.roles & who.roles)


def shown(said: Feedback) -> Json:
    """As the APIs show it: `value` is micro-USD; `bound` says whether the call's record has been found."""
    return {
        "object": "feedback",
        "id": said.id,
        "call": said.call,
        "at": said.at,
        "key_id": said.key_id,
        "by": said.by,
        "source": said.source,
        "metric": said.metric,
        "score": said.score,
        "outcome": said.outcome,
        "correction": said.correction,
        "comment": said.comment,
        "value": said.value,
        "minutes_saved": said.seconds_saved / 60 if said.seconds_saved is not None else None,
        "endpoint": said.endpoint,
        "release": said.release,
        "rollout": said.rollout,
        "arm": said.arm,
        "unit": said.unit,
        "bound": said.waiting is None,
    }
