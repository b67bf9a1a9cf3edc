"""Durations and moments as people write them: `90d`, `2h` ago, an ISO 8601 date or time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

DURATION = re.compile(r"(\d{1,20})([smhdw])", re.ASCII)
LONGEST = 36_525 * 86_400
"""Seconds, a hundred years: so long before and after now still is a moment that records can hold."""
BEGIN, END = 1970, 2262
"""Years of which nanoseconds fit 64 bits."""


def seconds(text: str) -> int:
    """A duration, as `90d`. Raises `ValueError`, which says how to write one."""
    found = DURATION.fullmatch(text)
    if found is None:
        raise ValueError("write a number and s, m, h, d or w, as 90d")
    lasting = int(found[1]) * SECONDS[found[2]]
    if lasting > LONGEST:
        raise ValueError("a duration is at most 36525d, a hundred years")
    return lasting


def moment(text: str, now: float) -> float:
    """Unix time of a moment: so long before `now`, as `2h`, or a date or time by ISO 8601, in UTC unless it says
    otherwise. Raises `ValueError`, which says how to write one."""
    if DURATION.fullmatch(text):
        return now - seconds(text)
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        if not BEGIN <= found.year < END:
            raise ValueError("beyond what records are kept by")
        return found.timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError("write 2h, 30d, 2026-11-25 or 2026-11-25T16:00:00Z") from error
