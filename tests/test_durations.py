"""Durations and moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.durations import LONGEST, SECONDS, moment, seconds

NOW = 1_700_000_000.0


@given(number=st.integers(0, LONGEST // SECONDS["w"]), unit=st.sampled_from(sorted(SECONDS)))
def test_a_duration_is_so_long_before_now(number: int, unit: str) -> None:
    assert seconds(f"{number}{unit}") == number * SECONDS[unit]
    assert moment(f"{number}{unit}", NOW) == NOW - number * SECONDS[unit]


@given(st.datetimes(datetime(1970, 1, 2), datetime(2261, 12, 31)))
def test_a_time_without_a_zone_is_utc(when: datetime) -> None:
    assert moment(when.isoformat(), NOW) == when.replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("text", ["36525d", "3155760000s"])
def test_the_longest_duration(text: str) -> None:
    assert seconds(text) == LONGEST
    assert abs(moment(text, NOW)) * 1e9 < 2**63, "records hold it"


@pytest.mark.parametrize("text", ["36526d", "3155760001s", "99999999d", "9" * 20 + "w"])
def test_a_duration_beyond_a_hundred_years_is_refused(text: str) -> None:
    for read in (seconds, lambda duration: moment(duration, NOW)):
        with pytest.raises(ValueError, match="at most 36525d"):
            read(text)


@pytest.mark.parametrize(
    ("text", "unix"),
    [("2026-11-25", 1795564800), ("2026-11-25T01:00Z", 1795568400), ("2026-11-25T01:00+01:00", 1795564800)],
)
def test_a_date_or_a_time(text: str, unix: float) -> None:
    assert moment(text, NOW) == unix


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "1.5h", "1y", "٢h", "2 h", "tomorrow", "2026-02-30"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(ValueError, match="write a number"):
        seconds(text)
    with pytest.raises(ValueError, match="write 2h"):
        moment(text, NOW)


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01", "2262-01-01"])
def test_a_moment_that_records_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 2h"):
        moment(text, 0.0)
