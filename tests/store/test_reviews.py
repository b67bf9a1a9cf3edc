"""Decisions on calls, on every store: in order, page by page, and undone without what was said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.record import CallRecord
from gateway.store import calls, reviews, search
from gateway.store.engine import Store
from gateway.store.reviews import Decision, Filter

MADE = Decision("review_1", "req_1", "example", "words", 10.0, "ada", "key_1", endpoint="bot", sha256="5" * 64)
SAID = replace(MADE, text="Say it.", attack=False, kind="question", lang="en", note="It is a question.")


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    """One transaction for the whole test."""
    with store.begin() as opened:
        yield opened


def put(connection: Connection, number: int, **more: Any) -> None:
    reviews.put(connection, replace(SAID, **{"id": f"review_{number}", "at": float(number), **more}))


def found(connection: Connection, limit: int = 9, **wanted: Any) -> str:
    return "".join(one.id[-1] for one in reviews.standing(connection, "example", Filter(**wanted), limit))


def test_it_is_kept_as_it_was_made(connection: Connection) -> None:
    sample = replace(MADE, id="review_2", act="sample", sample={"id": "req_1", "messages": []})
    for made in (SAID, sample):
        reviews.put(connection, made)
        assert reviews.get(connection, made.id) == made
    assert reviews.of_calls(connection, ["req_1", "req_2"]) == {"req_1": [SAID, sample], "req_2": []}
    assert reviews.get(connection, "review_3") is None


def test_undone_it_holds_nothing_that_was_said_and_can_be_made_anew(connection: Connection) -> None:
    reviews.put(connection, SAID)
    reviews.undo(connection, "review_1", 20.0, "grace")
    reviews.undo(connection, "review_1", 30.0, "eve")
    assert reviews.get(connection, "review_1") == replace(SAID, text=None, undone=20.0, undone_by="grace")
    assert found(connection) == ""
    reviews.put(connection, SAID)
    assert reviews.get(connection, "review_1") == SAID
    assert found(connection) == "1"


def test_what_stands_oldest_first_and_page_by_page(connection: Connection) -> None:
    for number in (3, 1, 2):
        put(connection, number)
    put(connection, 4, guard="other", endpoint="desk")
    put(connection, 5, act="allow")
    put(connection, 6, undone=7.0)
    assert found(connection) == "1234"
    assert found(connection, limit=2) == "12"
    assert found(connection, after="review_2") == "34"
    assert found(connection, guard="words") == "123"
    assert found(connection, endpoint="desk") == found(connection, since=3.5) == "4"
    assert [one.id[-1] for one in reviews.of_endpoint(connection, "bot")] == ["1", "2", "3", "5", "6"]


def test_many_calls_and_few_to_look_at(store: Store) -> None:
    """One page finds them, however many others there are."""
    marked = {0: "block", 700: "near", 5_900: "flag"}
    made = [
        CallRecord(
            f"req_{n:06}",
            n,
            "chat",
            200,
            asked="bot",
            endpoint="bot",
            review=marked.get(n),
            guards='[{"guard":"words"}]',
        )
        for n in range(6_000)
    ]
    with store.begin() as connection:
        calls.ship(connection, "one", 1, made)
        reviews.put(connection, replace(SAID, call="req_000700"))
        wanted = search.Filter(for_review=True, endpoint="bot", guard="words")
        for narrowed, expected in (
            (wanted, [5_900, 700, 0]),
            (replace(wanted, undecided=True), [5_900, 0]),
            (replace(wanted, review="near"), [700]),
        ):
            page = search.page(connection, narrowed)
            assert ([one.started for one in page.records], page.next) == (expected, None)
