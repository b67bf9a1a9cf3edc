"""What an endpoint costs and brings."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, field_validator

from gateway.api.deps import Running, Viewer
from gateway.durations import moment
from gateway.errors import NotFound
from gateway.store.value import Part
from gateway.types import Json

router = APIRouter(tags=["feedback"])


class ValueQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str
    since: str = Field("30d", description="Calls begun not before: 30d ago, or a date or time.")
    until: str = Field("0s", description="Calls begun before.")
    hourly_rate: float | None = Field(
        None, ge=0, le=1e6, description="USD that an hour saved is worth; else the setting `hourly_rates` says."
    )

    @field_validator("hourly_rate", mode="wrap")
    @classmethod
    def _rate(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        try:
            return read(value)
        except ValidationError as error:
            raise ValueError("write a number from 0 to 1,000,000") from error

    @field_validator("since", "until")
    @classmethod
    def _moment(cls, value: str) -> str:
        moment(value, time.time())
        return value


class Value(BaseModel):
    """Each figure is an `estimate` and the bounds of its 95 % interval, from `n` calls or opinions in so many
    `clusters`; bounds of which nothing is known are null. Money is micro-USD, latencies are milliseconds."""

    object: str
    endpoint: str
    since: float
    until: float
    hourly_rate: float | None
    share: float = Field(description="Of the calls, how many were looked at: 1 is all of them.")
    served: dict[str, Any]
    releases: list[dict[str, Any]]
    rollouts: list[dict[str, Any]] = Field(description="`delta` is candidate minus live, where both served at once.")


@router.get("/value")
async def get_value(who: Viewer, running: Running, asked: Annotated[ValueQuery, Query()]) -> Value:
    """The KPI tree of an endpoint: what its calls cost, how fast and how good they were, and what they brought; for all
    of them, for each release, and for the arms of its rollouts."""
    snapshot = running.refresher.snapshots.current
    if asked.endpoint not in snapshot.endpoints and asked.endpoint not in snapshot.broken:
        raise NotFound(f"There is no endpoint {asked.endpoint[:80]!r}.", param="endpoint")
    rates = running.settings.hourly_rates
    rate = asked.hourly_rate if asked.hourly_rate is not None else rates.get(asked.endpoint)
    now = time.time()
    of = Part(asked.endpoint, moment(asked.since, now), moment(asked.until, now))

    def found() -> Json:
        from gateway.value import read, report  # numpy, for those who ask

        with running.store.reading() as connection:  # takes nobody's turn to write, however long it takes
            book = read(connection, of)
        return report(book, rate)

    return Value(**await asyncio.to_thread(found))
