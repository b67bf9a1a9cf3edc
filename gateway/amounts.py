"""What may be taken, what a call takes, and the calendar both are counted by."""

from __future__ import annotations

import time
from calendar import timegm
from dataclasses import dataclass
from typing import Literal

import msgspec

Span = Literal["day", "week", "month", "total"]
DAY = 86400
FOREVER = 253_402_300_800
"""The Unix time of the year 10000, when a total ends: dates beyond it cannot be shown."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The declared limits of one scope, as `key:key_ab12` or `team:web`; None is unlimited. `budget` is micro-USD in
    a period of the UTC calendar."""

    scope: str
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    budget: int | None = None
    budget_period: Span = "month"


class Amounts(msgspec.Struct, frozen=True, gc=False):
    """What a call takes: an upper bound when it is reserved, the truth when it is settled. `money` is micro-USD."""

    tokens: int = 0
    money: int = 0


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` to `until`, in Unix time; `name` tells it from all others."""

    name: str
    since: float
    until: float


def period(span: Literal["minute"] | Span, now: float) -> Period:
    """The period of the UTC calendar that `now` is in; weeks begin on Monday."""
    day = int(now // DAY)
    if span == "total":
        return Period("total", 0, FOREVER)
    if span == "minute":
        since = int(now // 60) * 60
        until = since + 60
    elif span == "day":
        since, until = day * DAY, (day + 1) * DAY
    elif span == "week":
        since = (day - (day + 3) % 7) * DAY  # the first day of Unix time was a Thursday
        until = since + 7 * DAY
    else:
        year, month = time.gmtime(now)[:2]
        since = timegm((year, month, 1, 0, 0, 0))
        until = timegm((year + month // 12, month % 12 + 1, 1, 0, 0, 0))
    return Period(f"{span}-{since}", since, until)
