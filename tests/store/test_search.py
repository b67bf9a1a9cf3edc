"""The search for records: every filter, alone and together, newest first, and every page where the one before ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from gateway.record import CallRecord
from gateway.store import calls, reviews, search
from gateway.store.engine import Store
from gateway.store.reviews import Decision
from gateway.store.search import NAMED, Cursor, Filter
from gateway.store.tables.calls import DEAR, SLOW_US
from gateway.store.tables.calls import calls as calls_table
from gateway.store.tables.evidence import reviews as reviews_table

DECIDED = ("req_01", "req_03", "req_04")
"""Calls of which somebody has decided something."""
FEW = st.none() | st.sampled_from(["a", "b"])
MANY: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        started=st.integers(0, 30),
        surface=st.sampled_from(["chat", "messages"]),
        status=st.sampled_from([200, 404, 429, 503]),
        stream=st.booleans(),
        cost=st.sampled_from([0, 5, DEAR, DEAR + 1]),
        total_us=st.sampled_from([0, 7, SLOW_US, SLOW_US + 1]),
        **dict.fromkeys(("key_id", "asked", "release", "upstream", "client_request_id", "trace_id"), FEW),
        **dict.fromkeys(("owner", "team", "project", "rollout", "arm", "pair", "review"), FEW),
        guards=st.sampled_from([None, '[{"guard":"a","stage":"input"}]', '[{"guard":"aXb"},{"guard":"b"}]']),
        finish=FEW | st.just("stop"),
        endpoint=st.booleans(),
    ),
    max_size=40,
)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            (name for name in NAMED if name not in ("id", "error", "surface", "finish", "stream")), st.just("a")
        ),
        "id": st.sampled_from(["req_01", "req_07"]),
        "error": st.just("failed_429"),
        "surface": st.sampled_from(["chat", "messages"]),
        "finish": st.sampled_from(["a", "stop"]),
        "stream": st.booleans(),
        "errors_only": st.booleans(),
        "for_review": st.booleans(),
        "undecided": st.booleans(),
        "guard": st.sampled_from(["a", "b", "a_b"]),
        "status": st.sampled_from([200, 204, 404]),
        "status_class": st.sampled_from([2, 4, 5]),
        "since": st.integers(0, 30),
        "until": st.integers(0, 30),
        "min_cost": st.sampled_from([5, DEAR, DEAR + 1]),
        "min_total_us": st.sampled_from([7, SLOW_US, SLOW_US + 1]),
    },
)


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks so short that a few calls need several of them, and pages that end unfilled."""
    for name, value in (("FIRST_LOOK", 3), ("WIDER", 2), ("MOST_LOOKED", 8), ("SPARSE", 2)):
        monkeypatch.setattr(search, name, value)


def records(rows: list[dict[str, Any]]) -> list[CallRecord]:
    """As the gateway makes them: a call that went to an endpoint asked for it, and one that was refused has an error's
    code."""
    return [
        CallRecord(
            id=f"req_{number:02}",
            error=f"failed_{row['status']}" if row["status"] >= 400 else None,
            **{**row, "endpoint": row["asked"] if row["endpoint"] else None},
        )
        for number, row in enumerate(rows)
    ]


def fill(store: Store, found: list[CallRecord]) -> None:
    with store.begin() as connection:
        connection.execute(delete(calls_table))
        connection.execute(delete(reviews_table))
        for number, call in enumerate((*DECIDED, "req_02")):
            decided = Decision(f"review_{number}", call, "dismiss", None, 1.0, "ada", None)
            reviews.put(connection, replace(decided, undone=2.0) if call == "req_02" else decided)
        calls.ship(connection, "one", 1, found)


def expected(found: list[CallRecord], wanted: Filter) -> list[CallRecord]:
    """The same by the plainest means."""

    def matches(one: CallRecord) -> bool:
        return (
            all(getattr(wanted, name) in (None, getattr(one, name)) for name in NAMED)
            and (wanted.since is None or one.started >= wanted.since)
            and (wanted.until is None or one.started < wanted.until)
            and (not wanted.errors_only or one.error is not None)
            and (not wanted.for_review or one.review is not None)
            and (not wanted.undecided or one.id not in DECIDED)
            and (wanted.guard is None or f'"{wanted.guard}"' in (one.guards or ""))
            and wanted.status in (None, one.status)
            and wanted.status_class in (None, one.status // 100)
            and (wanted.min_cost is None or one.cost >= wanted.min_cost)
            and (wanted.min_total_us is None or one.total_us >= wanted.min_total_us)
        )

    newest = sorted(found, key=lambda one: (one.started, one.id), reverse=True)
    return [one for one in newest if matches(one)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(rows=MANY, asked=ASKED, limit=st.integers(1, 9))
def test_it_finds_what_matches_and_nothing_else(
    store: Store, rows: list[dict[str, Any]], asked: dict[str, Any], limit: int
) -> None:
    found = records(rows)
    fill(store, found)
    wanted = Filter(limit=limit, **asked)
    all_of_it = expected(found, wanted)
    with store.begin() as connection:
        assert search.recent(connection, wanted) == all_of_it[:limit]
        paged: list[CallRecord] = []
        page = search.page(connection, wanted)
        while True:
            assert len(page.records) <= limit
            paged += page.records
            if page.next is None:
                break
            page = search.page(connection, replace(wanted, after=Cursor.parse(str(page.next))))
        assert paged == all_of_it


def test_a_page_goes_on_where_the_one_before_ended_though_newer_calls_came(store: Store) -> None:
    fill(store, [record(number) for number in range(5)])
    with store.begin() as connection:
        first = search.page(connection, Filter(limit=2))
        calls.ship(connection, "one", 2, [record(number) for number in range(5, 9)])
        second = search.page(connection, Filter(limit=2, after=first.next))
    assert [one.id for one in (*first.records, *second.records)] == ["req_4", "req_3", "req_2", "req_1"]


def test_what_seldom_comes_together_ends_a_page_that_says_where_to_go_on(store: Store) -> None:
    """Forty calls have the team and forty the key, and the oldest both."""
    fill(store, [record(n, team="t", key_id="k" if n == 0 else None) for n in range(40)])
    with store.begin() as connection:
        calls.ship(connection, "one", 2, [record(n, key_id="k") for n in range(40, 80)])
        wanted = Filter(team="t", key_id="k", limit=1)
        page = search.page(connection, wanted)
        assert page.records == ()
        assert page.next is not None
        assert [one.id for one in search.recent(connection, wanted)] == ["req_0"]


def test_what_is_rare_is_found_in_one_page(store: Store) -> None:
    fill(store, [record(n, team="t", key_id="rare" if n == 0 else "k") for n in range(40)])
    with store.begin() as connection:
        page = search.page(connection, Filter(team="t", key_id="rare", limit=1))
    assert ([one.id for one in page.records], page.next) == (["req_0"], None)


@given(started=st.integers(0, 2**63 - 1), request_id=st.text(max_size=64))
@example(started=0, request_id=",")
def test_a_cursor_is_read_as_it_was_written(started: int, request_id: str) -> None:
    assert Cursor.parse(str(Cursor(started, request_id))) == Cursor(started, request_id)


@pytest.mark.parametrize("text", ["", "x", "AAAA", "MSwy!", "ü", "LHg", "gA"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="give the cursor"):
        Cursor.parse(text)


def test_every_field_of_a_record_by_which_people_ask_is_a_filter() -> None:
    not_asked = {"provider", "served", "estimated", "upstream_us", "first_us", "span_id", "parent_id", "snapshot"}
    not_asked |= {"step", "unit"}
    counted = {"input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost", "total_us"}
    other = {"started", "status", "attempts", "replayed", "guards"}
    assert {field.name for field in msgspec.structs.fields(CallRecord)} == {*NAMED} | not_asked | counted | other


def record(number: int, **fields: Any) -> CallRecord:
    return CallRecord(id=f"req_{number}", started=number, surface="chat", status=200, **fields)
