"""Spend: what was added up is what the calls say, in whatever batches they came, and whatever had to be done again."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from gateway.amounts import DAY
from gateway.errors import Unavailable
from gateway.record import CallRecord
from gateway.store import calls, search, spend
from gateway.store.engine import Store
from gateway.store.search import Filter
from gateway.store.spend import DAY_NS, MOST, SUMS, Kind, Sums
from gateway.store.tables.calls import calls as calls_table
from gateway.store.tables.calls import shipped as shipped_table
from gateway.store.tables.calls import spend as spend_table

FIELDS = {
    "key": "key_id",
    "project": "project",
    "team": "team",
    "endpoint": "endpoint",
    "upstream": "upstream",
    "rollout": "rollout",
}
NAMES = st.none() | st.sampled_from(["a", "b"])
AMOUNTS = st.integers(0, 1000)
RECORDS = st.lists(
    st.builds(
        dict,
        started=st.integers(0, 3 * DAY_NS - 1),
        error=st.none() | st.just("failed"),
        arm=st.none() | st.sampled_from(["live", "candidate", "shadow"]),
        **dict.fromkeys(FIELDS.values(), NAMES),
        **dict.fromkeys(SUMS[2:], AMOUNTS),
    ),
    max_size=30,
)


def record(number: int, **fields: Any) -> CallRecord:
    return CallRecord(id=f"req_{number}", surface="chat", status=200, **{"started": number, **fields})


def clear(store: Store) -> None:
    with store.begin() as connection:
        for table in (calls_table, shipped_table, spend_table):
            connection.execute(delete(table))


def added_up(records: list[CallRecord], by: Kind, first: int, end: int) -> list[Sums]:
    """The same from the calls themselves."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(SUMS))
    for one in records:
        name = getattr(one, FIELDS[by])
        if by == ("endpoint" if one.arm == "shadow" else "rollout"):
            continue
        if name is not None and first <= one.started // DAY_NS < end:
            amounts = [1, int(one.error is not None), *(getattr(one, field) for field in SUMS[2:])]
            sums[name] = [a + b for a, b in zip(sums[name], amounts, strict=True)]
    found = [Sums(name, *amounts) for name, amounts in sums.items()]
    return sorted(found, key=lambda one: (-one.cost, -one.calls, one.name))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(rows=RECORDS, data=st.data())
def test_sums_are_those_of_the_calls_whatever_the_batches_and_the_attempts(
    store: Store, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    clear(store)
    waiting = [record(number, **row) for number, row in enumerate(rows)]
    at = 0
    while at < len(waiting):
        end = data.draw(st.integers(at + 1, len(waiting)), label="end of the batch")
        for dies in [*[True] * data.draw(st.integers(0, 2), label="attempts that die"), False]:
            attempt(store, waiting[at:end], end, dies)
        at = end
    with store.begin() as connection:
        kept = search.recent(connection, Filter(limit=1000))
        assert len(kept) == len(rows)
        for by in get_args(Kind):
            for first, end in ((0, 3), (1, 2), (2, 2)):
                assert spend.usage(connection, by, first * DAY, end * DAY) == added_up(kept, by, first, end)


def attempt(store: Store, batch: list[CallRecord], offset: int, dies: bool) -> None:
    """A batch as the shipper ships it, or one whose transaction is never committed."""

    def ship() -> None:
        with store.begin() as connection:
            calls.ship(connection, "one", offset, batch)
            if dies:
                raise Unavailable("killed")

    if not dies:
        ship()
        return
    with pytest.raises(Unavailable):
        ship()


def test_what_a_scope_spent(store: Store) -> None:
    clear(store)
    with store.begin() as connection:
        fields = {"key_id": "k", "project": "p", "team": "t", "endpoint": "e", "upstream": "u"}
        batch = [record(n, started=day * DAY_NS, cost=10**day, **fields) for n, day in enumerate((0, 1, 1, 2))]
        calls.ship(connection, "one", 1, batch)
    spent = spend.spent(store)
    with store.begin() as connection:
        unseen = record(9, endpoint="other", upstream="v", rollout="s", arm="shadow", cost=7)
        calls.ship(connection, "one", 2, [unseen])
    assert [spent(scope, 0, DAY) for scope in ("rollout:s", "upstream:v", "endpoint:other")] == [7, 7, 0]
    for scope in ("key:k", "project:p", "team:t", "endpoint:e", "upstream:u"):
        assert spent(scope, 0, 3 * DAY) == 121
        assert spent(scope, DAY, 2 * DAY) == 20
        assert spent(scope, DAY + 5, DAY + 6) == 20  # the day they lie in
        assert spent(scope, 3 * DAY, 4 * DAY) == 0
    assert spent("rollout:r", 0, 3 * DAY) == 0
    assert spent("key:t", 0, 3 * DAY) == spent("team:other", 0, 3 * DAY) == 0


def test_absurd_figures_hold_nothing_up(store: Store) -> None:
    """An upstream may claim what it likes; the sum stays within its column, and the records behind it come."""
    largest = 2**63 - 1
    with store.begin() as connection:
        claims = [record(n, key_id="k", cost=largest, input_tokens=largest) for n in range(3)]
        calls.ship(connection, "one", 1, claims)
        calls.ship(connection, "one", 2, [record(3, key_id="k", cost=1)])
        (sums,) = spend.usage(connection, "key", 0, DAY)
    assert (sums.calls, sums.cost, sums.input_tokens) == (4, 3 * MOST + 1, 3 * MOST)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(rows=RECORDS)
def test_sums_can_be_made_anew_from_the_calls(store: Store, rows: list[dict[str, Any]]) -> None:
    clear(store)
    records = [record(number, **fields) for number, fields in enumerate(rows)]
    with store.begin() as connection:
        calls.ship(connection, "s", 1, records)
        before = {kind: spend.usage(connection, kind, 0, 4 * DAY) for kind in get_args(Kind)}
        spend.rebuild(connection)
        assert {kind: spend.usage(connection, kind, 0, 4 * DAY) for kind in get_args(Kind)} == before
