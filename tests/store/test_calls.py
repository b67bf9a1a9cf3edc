"""Records of calls: written once, with how far they reach and what they add to the spend, or not at all."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from gateway.errors import Unavailable
from gateway.record import CallRecord
from gateway.store import calls, search, spend
from gateway.store.engine import Store
from gateway.store.search import Filter
from gateway.store.tables.calls import calls as calls_table

LARGEST = 2**63 - 1
COUNTS = st.integers(0, LARGEST)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
WHOLE = st.builds(
    CallRecord,
    id=st.just("req_1"),
    started=COUNTS,
    surface=st.sampled_from(["chat", "completions", "responses", "messages", "embeddings"]),
    status=st.integers(100, 599),
    error=st.none() | TEXT,
    key_id=st.none() | st.just("key_1"),
    asked=st.none() | TEXT,
    endpoint=st.none() | st.just("support-bot"),
    release=st.none() | st.just("f" * 64),
    upstream=st.none() | st.just("demo"),
    provider=st.none() | st.just("openai"),
    served=st.none() | TEXT,
    stream=st.booleans(),
    input_tokens=COUNTS,
    output_tokens=COUNTS,
    cached_tokens=COUNTS,
    reasoning_tokens=COUNTS,
    estimated=st.booleans(),
    cost=COUNTS,
    total_us=COUNTS,
    upstream_us=COUNTS,
    first_us=st.none() | COUNTS,
    finish=st.none() | TEXT,
    client_request_id=st.none() | TEXT,
    trace_id=st.none() | st.just("1" * 32),
    span_id=st.none() | st.just("2" * 16),
    parent_id=st.none() | st.just("3" * 16),
    snapshot=st.just("4" * 16),
)


def record(number: int, **fields: Any) -> CallRecord:
    return CallRecord(id=f"req_{number}", started=number, surface="chat", status=200, **fields)


def ship(store: Store, *records: CallRecord, segment: str = "one", offset: int = 1) -> None:
    with store.begin() as connection:
        calls.ship(connection, segment, offset, records)


def found(store: Store) -> list[str]:
    with store.begin() as connection:
        return [one.id for one in search.recent(connection, Filter())]


def costs(store: Store) -> dict[str, int]:
    with store.begin() as connection:
        return {sums.name: sums.cost for sums in spend.usage(connection, "key", 0, 1)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(whole=WHOLE)
def test_a_record_is_read_as_it_was_written(store: Store, whole: CallRecord) -> None:
    with store.begin() as connection:
        connection.execute(delete(calls_table))
        calls.ship(connection, "one", 1, [whole])
        assert search.recent(connection, Filter()) == [whole]


def test_the_table_has_a_column_for_each_field() -> None:
    assert set(calls_table.columns.keys()) == {field.name for field in msgspec.structs.fields(CallRecord)}


def test_how_far_a_segment_has_come_is_kept_with_its_records(store: Store) -> None:
    ship(store, record(1), segment="one", offset=10)
    ship(store, record(2), segment="two", offset=7)
    ship(store, record(3), segment="one", offset=20)
    with store.begin() as connection:
        assert [calls.offset_of(connection, name) for name in ("one", "two", "three")] == [20, 7, 0]
        calls.forget(connection, "one")
        assert [calls.offset_of(connection, name) for name in ("one", "two")] == [0, 7]
    assert found(store) == ["req_3", "req_2", "req_1"]


def test_records_and_offset_come_together_or_not_at_all(store: Store) -> None:
    def die() -> None:
        with store.begin() as connection:
            calls.ship(connection, "one", 10, [record(1, key_id="k", cost=5), record(2)])
            raise Unavailable("died")

    with pytest.raises(Unavailable, match="died"):
        die()
    assert found(store) == []
    assert costs(store) == {}
    with store.begin() as connection:
        assert calls.offset_of(connection, "one") == 0
    ship(store, record(1, key_id="k", cost=5), record(2))
    assert costs(store) == {"k": 5}
