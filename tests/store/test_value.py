"""What an endpoint served and what was said of it: all of it, or a sample in which calls and feedback fit together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from gateway.record import CallRecord
from gateway.store import calls, feedback, value
from gateway.store.engine import Store
from gateway.store.feedback import Feedback
from gateway.store.tables.rollouts import rollouts
from gateway.store.value import Part, Said, Served, Unseen

SECOND = 1_000_000_000
BOT = Part("bot", 100.0, 200.0)
ARM = replace(BOT, rollout="rollout_1", arm="candidate")


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    """One transaction for the whole test."""
    with store.begin() as opened:
        yield opened


def call(name: str, at: float, **fields: Any) -> CallRecord:
    of = {"status": 200, "asked": "bot", "endpoint": "bot", "release": "d1", "cost": 7, "total_us": 9, **fields}
    return CallRecord(id=name, started=round(at * SECOND), surface="chat", **of)


def ship(connection: Connection, *records: CallRecord) -> None:
    calls.ship(connection, "segment", 1, records)


def say(connection: Connection, of: str, **fields: Any) -> None:
    said = Feedback(f"feedback_{of}", of, 150.0, "key_1", "ada", "user", "helpful", **fields)
    feedback.put(connection, said, feedback.served(connection, of))


def named(connection: Connection, of: Part) -> str:
    """The calls of a part, each by the one letter of its name."""
    found = value.served(connection, of, 1.0)
    assert len(found) == value.count_served(connection, of)
    return "".join(one.id for one in found)


def test_what_is_known_of_a_call_and_what_was_said_of_it(connection: Connection) -> None:
    ship(connection, call("a", 100.0), call("b", 101.0, rollout="rollout_1", arm="live", step=0, unit="u"))
    say(connection, "b", score=0.5, outcome="resolved", value=3, seconds_saved=60.0)
    assert value.served(connection, BOT, 1.0) == [
        Served("a", 100 * SECOND, "d1", "a", None, False, 7, 9),
        Served("b", 101 * SECOND, "d1", "u", 0, False, 7, 9),
    ]
    assert value.said(connection, BOT, 1.0) == [
        Said("b", 101 * SECOND, "d1", "u", 0, "helpful", 0.5, "resolved", 3, 60.0)
    ]
    assert value.count_said(connection, BOT) == 1


def test_calls_of_the_endpoint_in_the_span(connection: Connection) -> None:
    ship(
        connection,
        call("a", 99.9),
        call("b", 100.0),
        call("c", 199.9),
        call("d", 200.0),
        call("e", 150.0, asked="other", endpoint="other"),
        call("f", 150.0, asked="bot@0123456789abcdef", arm="candidate", rollout="rollout_1"),
        call("g", 150.0, arm="shadow", rollout="rollout_1", step=0, pair="b"),
        call("h", 150.0, endpoint=None, status=404, error="model_not_found"),
    )
    for one in "abcdefgh":
        say(connection, one, score=1.0)
    assert named(connection, BOT) == "bc"
    assert {said.call for said in value.said(connection, BOT, 1.0)} == {"b", "c"}


@pytest.mark.parametrize(
    ("status", "error", "seen"),
    [
        (200, None, [False]),
        (200, "upstream_cut", [True]),
        (500, "internal_error", [True]),
        (503, "unavailable", [True]),
        (499, "client_disconnected", [False]),
        (400, "invalid_value", []),
        (429, "rate_limit_exceeded", []),
    ],
)
def test_what_counts_as_served_and_as_failed(
    connection: Connection, status: int, error: str | None, seen: list[bool]
) -> None:
    ship(connection, call("a", 150.0, status=status, error=error))
    assert [one.failed for one in value.served(connection, BOT, 1.0)] == seen


def test_one_arm_of_a_rollout(connection: Connection) -> None:
    under = {"rollout": "rollout_1", "unit": "u"}
    ship(
        connection,
        call("a", 150.0, arm="live", step=1, **under),
        call("b", 150.0, arm="candidate", step=1, **under),
        call("c", 150.0, arm="candidate", step=2, **under),
        call("d", 150.0, arm="candidate", **{**under, "unit": None}),
        call("e", 150.0, arm="candidate", step=1, **{**under, "rollout": "rollout_2"}),
        call("f", 250.0, arm="candidate", step=1, **under),
        call("g", 150.0, arm="shadow", step=0, **under),
    )
    say(connection, "b", score=1.0)
    say(connection, "a", score=0.0)
    assert sorted(named(connection, ARM)) == ["b", "c"]
    assert [said.call for said in value.said(connection, ARM, 1.0)] == ["b"]
    assert value.unseen(connection, ARM) == Unseen(1, 7)
    assert value.unseen(connection, replace(ARM, rollout="rollout_9")) == Unseen(0, 0)


@pytest.mark.parametrize("apart", [0.001, 0.01, 0.05, 1.0, 60.0])
def test_a_smaller_sample_is_part_of_a_larger_one(connection: Connection, apart: float) -> None:
    """Of calls that come at regular times too."""
    of = replace(BOT, until=100 + 2000 * apart)
    ship(connection, *(call(f"req_{n}", 100 + n * apart) for n in range(2000)))
    taken = [{one.id for one in value.served(connection, of, share)} for share in (0.0, 0.1, 0.5, 1.0)]
    assert [len(ids) for ids in taken] == sorted(len(ids) for ids in taken)
    assert all(small <= large for small, large in pairwise(taken))
    assert (taken[0], len(taken[3])) == (set(), 2000)
    assert 100 < len(taken[1]) < 300
    assert 900 < len(taken[2]) < 1100


def test_rollouts_that_were_under_way(connection: Connection) -> None:
    def under_way(name: str, endpoint: str, created: float, updated: float, state: str = "done") -> dict[str, Any]:
        texts = dict.fromkeys(("reason", "author", "author_key", "stage", "salt", "identity"), "x")
        return {
            **texts,
            "id": name,
            "endpoint": endpoint,
            "release": f"of_{name}",
            "plan": {},
            "created": created,
            "state": state,
            "step": 0,
            "entered": created,
            "updated": updated,
        }

    made = [
        under_way("a", "bot", 50, 99),
        under_way("b", "bot", 50, 100),
        under_way("c", "bot", 199, 300),
        under_way("d", "bot", 200, 300),
        under_way("e", "other", 150, 160),
        under_way("f", "bot", 60, 70, "paused"),
    ]
    connection.execute(insert(rollouts), made)
    assert value.rollouts_of(connection, BOT) == {"b": "of_b", "f": "of_f", "c": "of_c"}
