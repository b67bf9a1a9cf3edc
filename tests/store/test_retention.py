"""What is old goes and what is held stays; leases are held by one at a time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from gateway.record import CallRecord
from gateway.store import calls, contents, feedback, leases, responses, retention, reviews, search, spend, webhooks
from gateway.store.contents import Content
from gateway.store.engine import Store
from gateway.store.feedback import Feedback
from gateway.store.responses import StoredResponse
from gateway.store.retention import CLASSES, NANO, Hold
from gateway.store.reviews import Decision
from gateway.store.search import Filter
from gateway.store.tables.calls import calls as calls_table
from gateway.store.tables.calls import contents as contents_table
from gateway.store.tables.calls import responses as responses_table
from gateway.store.tables.calls import retention_holds as retention_holds_table
from gateway.store.tables.serving import leases as leases_table
from gateway.store.webhooks import Webhook
from gateway.webhooks import Message

NOW = 1_000_000.0
DELIVERIES, CONTENTS, RESPONSES, FEEDBACK, REVIEWS, CALLS = CLASSES
NAMES = st.none() | st.sampled_from(["a", "b"])


def call(number: int, age: float, **fields: Any) -> CallRecord:
    return CallRecord(id=f"req_{number:03}", started=round((NOW - age) * NANO), surface="chat", status=200, **fields)


def clear(store: Store) -> None:
    with store.begin() as connection:
        for table in (calls_table, contents_table, responses_table, retention_holds_table, leases_table):
            connection.execute(delete(table))


def held(store: Store, **names: str | None) -> Hold:
    new = Hold(
        retention.new_id(),
        reason="the case",
        created=NOW,
        created_by="me",
        **{**dict.fromkeys(("key_id", "project", "endpoint")), **names},
    )  # type: ignore[arg-type]
    with store.begin() as connection:
        retention.hold(connection, new)
    return new


def sweep(store: Store, of: retention.DataClass, keep: float, most: int = 2) -> int:
    """Every step of a pass; gives how many rows went."""
    removed = 0
    with store.begin() as connection:
        span = retention.due(connection, of, keep, NOW)
    while span is not None:
        with store.begin() as connection:
            went, left = retention.remove(connection, of, span, most)
        removed += went
        assert left is None or left.start > span.start
        span = left
    return removed


def kept(store: Store) -> list[str]:
    with store.begin() as connection:
        return [one.id for one in search.recent(connection, Filter(limit=1000))][::-1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 20), NAMES, NAMES, NAMES), max_size=25),
    holding=st.lists(st.tuples(NAMES, NAMES, NAMES).filter(any), max_size=2),
    most=st.integers(1, 7),
)
def test_what_is_old_and_not_held_goes_and_nothing_else(
    store: Store, rows: list[tuple[Any, ...]], holding: list[tuple[Any, ...]], most: int
) -> None:
    clear(store)
    fields = ("key_id", "project", "endpoint")
    made = [call(n, age, **dict(zip(fields, names, strict=True))) for n, (age, *names) in enumerate(rows)]
    with store.begin() as connection:
        calls.ship(connection, "one", 1, made)
    for names in holding:
        held(store, **dict(zip(fields, names, strict=True)))

    def stays(one: CallRecord) -> bool:
        matches = [
            all(name in (None, getattr(one, f)) for f, name in zip(fields, hold, strict=True)) for hold in holding
        ]
        return one.started >= (NOW - 10) * NANO or any(matches)

    left = {one.id for one in made if stays(one)}
    with store.begin() as connection:
        span = retention.due(connection, CALLS, 10, NOW)
        would_go = retention.count(connection, CALLS, span)[0] if span is not None else 0
    assert sweep(store, CALLS, 10, most) == would_go == len(made) - len(left)
    assert set(kept(store)) == left


def test_what_was_spent_stays_when_the_calls_go(store: Store) -> None:
    with store.begin() as connection:
        calls.ship(connection, "one", 1, [call(1, 20, key_id="k", cost=7)])
    assert sweep(store, CALLS, 10) == 1
    assert spend.spent(store)("key:k", 0, NOW) == 7


def test_contents_are_held_by_their_call(store: Store) -> None:
    with store.begin() as connection:
        calls.ship(connection, "one", 1, [call(1, 20, project="held"), call(2, 20), call(3, 5)])
        said = [
            Content(f"req_{n:03}", round((NOW - age) * NANO), "{}", "{}", {}, False)
            for n, age in ((1, 20), (2, 20), (3, 5))
        ]
        contents.ship(connection, "two", 1, said)
    held(store, project="held")
    assert sweep(store, CONTENTS, 10) == 1
    with store.begin() as connection:
        found = [contents.get(connection, f"req_{n:03}") is not None for n in (1, 2, 3)]
    assert found == [True, False, True]


def test_feedback_is_held_by_its_call(store: Store) -> None:
    with store.begin() as connection:
        calls.ship(connection, "one", 1, [call(1, 20, project="held"), call(2, 20)])
        for n, age in ((1, 20), (2, 20), (3, 20), (4, 5)):
            said = Feedback(f"feedback_{n}", f"req_{n:03}", NOW - age, "key", "me", "user", "helpful", 1.0)
            feedback.put(connection, said, feedback.served(connection, said.call))
    held(store, project="held")
    assert sweep(store, FEEDBACK, 10) == 2
    with store.begin() as connection:
        assert [said.id[-1] for said in feedback.find(connection, feedback.Filter(), 9)] == ["4", "1"]


def test_decisions_are_held_by_their_calls(store: Store) -> None:
    with store.begin() as connection:
        calls.ship(connection, "one", 1, [call(1, 20, project="held"), call(2, 20)])
        for n, age in ((1, 20), (2, 20), (3, 5)):
            reviews.put(connection, Decision(f"review_{n}", f"req_{n:03}", "dismiss", None, NOW - age, "me", None))
    held(store, project="held")
    assert sweep(store, REVIEWS, 10) == 1
    with store.begin() as connection:
        assert [one.id[-1] for one in reviews.standing(connection, "dismiss", reviews.Filter(), 9)] == ["1", "3"]


def test_responses_are_held_by_their_key_and_kept_where_a_hold_does_not_say(store: Store) -> None:
    with store.begin() as connection:
        for n, key in enumerate(("held", "other")):
            row = StoredResponse(f"resp_{n}", key, NOW - 20, "completed", {}, [], None, time.time() + 60)
            responses.put(connection, row)
    by_project = held(store, project="p")
    held(store, key_id="held")
    assert sweep(store, RESPONSES, 10) == 0
    with store.begin() as connection:
        assert retention.lift(connection, by_project.id, "you")
    assert sweep(store, RESPONSES, 10) == 1
    with store.begin() as connection:
        assert responses.get(connection, "resp_0", "held") is not None


def test_a_hold_is_lifted_once_and_remembered(store: Store) -> None:
    first, second = held(store, key_id="a"), held(store, endpoint="b")
    with store.begin() as connection:
        assert retention.lift(connection, first.id, "you")
        assert not retention.lift(connection, first.id, "you")
        assert not retention.lift(connection, "hold_unknown", "you")
        assert [one.id for one in retention.holds(connection)] == [second.id]
        by_id = {one.id: one for one in retention.holds(connection, lifted=True)}
    assert by_id.keys() == {first.id, second.id}
    assert (by_id[first.id].lifted_by, by_id[second.id]) == ("you", second)


@pytest.mark.parametrize("of", CLASSES, ids=lambda of: of.name)
def test_where_there_is_nothing_old_there_is_nothing_to_do(store: Store, of: retention.DataClass) -> None:
    with store.begin() as connection:
        assert retention.due(connection, of, 10, NOW) is None


def test_a_lease_is_held_by_one_until_it_gives_it_back_or_dies(store: Store) -> None:
    with store.begin() as connection:
        assert leases.take(connection, "job", "me", 60)
        assert leases.take(connection, "job", "me", 60)
        assert not leases.take(connection, "job", "you", 60)
        assert leases.take(connection, "other", "you", 60)
        leases.give_back(connection, "job", "you")
        assert not leases.take(connection, "job", "you", 60)
        leases.give_back(connection, "job", "me")
        assert leases.take(connection, "job", "you", -1)
        assert leases.take(connection, "job", "me", 60)


def test_what_was_sent_to_webhooks_goes_whatever_is_held(store: Store) -> None:
    held(store)
    with store.begin() as connection:
        webhooks.add(connection, Webhook("wh_1", "https://example.com", "sealed", ["*"], NOW, "ada", 0))
        old, new = (webhooks.queue(connection, "wh_1", Message("m", "e", "{}"), NOW - age) for age in (100, 10))
    assert sweep(store, DELIVERIES, 50) == 1
    with store.begin() as connection:
        assert webhooks.delivery(connection, "wh_1", old) is None
        assert webhooks.delivery(connection, "wh_1", new) is not None
