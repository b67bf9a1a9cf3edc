"""The calendar of limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.amounts import FOREVER, Span, period

MOMENTS = st.floats(0, 4e9)


@given(now=MOMENTS, span=st.sampled_from(["minute", "day", "week", "month"]))
def test_a_period_holds_its_moment_and_the_next_begins_where_it_ends(
    now: float, span: Literal["minute", "day", "week", "month"]
) -> None:
    found = period(span, now)
    assert found.since <= now < found.until
    assert period(span, found.since) == found
    following = period(span, found.until)
    assert following.since == found.until
    assert following.name != found.name


@given(now=MOMENTS)
def test_periods_begin_where_the_calendar_says(now: float) -> None:
    moment = datetime.fromtimestamp(now, UTC)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    assert period("day", now).since == day.timestamp()
    assert period("week", now).since == (day - timedelta(days=day.weekday())).timestamp()
    assert period("month", now).since == day.replace(day=1).timestamp()
    assert period("minute", now).since == moment.replace(second=0, microsecond=0).timestamp()


@pytest.mark.parametrize("now", [0.0, 1.8e9])
def test_a_total_has_no_end(now: float) -> None:
    found = period("total", now)
    assert (found.name, found.since, found.until) == ("total", 0, FOREVER)


def test_periods_of_different_spans_are_different() -> None:
    """The first of a month can be a Monday."""
    spans: tuple[Span, ...] = ("day", "week", "month", "total")
    monday = datetime(2027, 2, 1, tzinfo=UTC).timestamp()
    assert len({period(span, monday).name for span in spans}) == 4
