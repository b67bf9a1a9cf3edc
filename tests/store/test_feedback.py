"""Feedback on every store: bound to its call, said anew in place of before, and told to the call's rollout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select

from gateway.record import CallRecord
from gateway.store import calls, feedback
from gateway.store.engine import Store
from gateway.store.feedback import Feedback, Filter, Served, Settled
from gateway.store.tables.rollouts import observations

UNIT = "0123456789abcdef"
SAID = Feedback("feedback_1", "req_1", 10.0, "key_ada", "ada", "user", "helpful", score=1.0, waiting="own")
SERVED = Served("key_ada", "bot", "d1", "rollout_1", "candidate", 2, UNIT, None)


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    """One transaction for the whole test."""
    with store.begin() as opened:
        yield opened


def ship(connection: Connection, call: str = "req_1", **more: Any) -> None:
    """The record of a call under a rollout, unless `more` says otherwise."""
    of = {"endpoint": "bot", "release": "d1", "rollout": "rollout_1", "arm": "candidate", "step": 2, "unit": UNIT}
    record = CallRecord(call, 1, "chat", 200, **{"key_id": "key_ada", **of, **more})
    calls.ship(connection, "segment", 1, [record])


def observed(connection: Connection) -> list[tuple[Any, ...]]:
    told = select(*(observations.c[name] for name in ("call", "arm", "step", "unit", "metric", "value")))
    return [tuple(row) for row in connection.execute(told.order_by(observations.c.id))]


def test_of_a_call_that_is_recorded(connection: Connection) -> None:
    ship(connection)
    of = feedback.served(connection, "req_1")
    assert of == SERVED
    kept = feedback.put(connection, SAID, of)
    bound = replace(SAID, waiting=None, endpoint="bot", release="d1", rollout="rollout_1", arm="candidate", unit=UNIT)
    assert kept == bound
    assert feedback.find(connection, Filter(), 9) == [bound]
    assert observed(connection) == [("req_1", "candidate", 2, UNIT, "helpful", 1.0)]
    assert feedback.served(connection, "req_2") is None


def test_of_a_call_whose_record_comes_later(connection: Connection) -> None:
    assert feedback.put(connection, SAID, None) == SAID
    assert not feedback.waits(connection, 0.0)
    assert feedback.settle(connection, 9) == Settled(0, 0)
    assert feedback.waiting(connection, "key_ada") == 1
    assert feedback.waiting(connection, "key_eve") == 0
    ship(connection)
    assert feedback.waits(connection, 0.0)
    assert feedback.settle(connection, 9) == Settled(1, 0)
    assert feedback.settle(connection, 9) == Settled(0, 0)
    assert feedback.waiting(connection, "key_ada") == 0
    assert [said.endpoint for said in feedback.find(connection, Filter(), 9)] == ["bot"]
    assert observed(connection) == [("req_1", "candidate", 2, UNIT, "helpful", 1.0)]


@pytest.mark.parametrize(("whose", "left"), [("own", []), ("any", ["req_1"])])
def test_of_a_call_that_turns_out_to_be_another_keys(connection: Connection, whose: Any, left: list[str]) -> None:
    feedback.put(connection, replace(SAID, waiting=whose), None)
    ship(connection, key_id="key_eve")
    assert feedback.settle(connection, 9) == Settled(len(left), 1 - len(left))
    assert [said.call for said in feedback.find(connection, Filter(), 9)] == left
    assert len(observed(connection)) == len(left)


def test_of_a_call_that_never_was(connection: Connection) -> None:
    feedback.put(connection, SAID, None)
    assert not feedback.waits(connection, 10.0)
    assert feedback.give_up(connection, 10.0) == 0
    assert feedback.waits(connection, 10.1)
    assert feedback.give_up(connection, 10.1) == 1
    assert feedback.find(connection, Filter(), 9) == []


def test_what_is_bound_is_never_given_up(connection: Connection) -> None:
    feedback.put(connection, SAID, SERVED)
    assert feedback.give_up(connection, 99.0) == 0


def test_a_batch_is_bound_at_a_time(connection: Connection) -> None:
    for number in range(5):
        feedback.put(connection, replace(SAID, id=f"feedback_{number}", call=f"req_{number}"), None)
        ship(connection, f"req_{number}")
    assert [feedback.settle(connection, 2).bound for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize("score", [0.25, None])
def test_what_is_said_anew_takes_the_place_of_before(connection: Connection, score: float | None) -> None:
    feedback.put(connection, SAID, SERVED)
    feedback.put(connection, replace(SAID, id="feedback_2", key_id="key_judge"), SERVED)
    feedback.put(connection, replace(SAID, score=score, at=11.0), SERVED)
    found = feedback.find(connection, Filter(), 9)
    assert [(said.id, said.score) for said in found] == [("feedback_1", score), ("feedback_2", 1.0)]
    assert [row[-1] for row in observed(connection)] == [value for value in (score, 1.0) if value is not None]


def test_what_the_analysis_has_taken_in_stays(connection: Connection) -> None:
    feedback.put(connection, SAID, SERVED)
    connection.execute(delete(observations))
    feedback.put(connection, replace(SAID, score=0.0), SERVED)
    feedback.put(connection, replace(SAID, score=0.0), SERVED)
    assert observed(connection) == []


def test_a_score_that_comes_after_a_comment_is_told(connection: Connection) -> None:
    feedback.put(connection, replace(SAID, score=None, comment="Well."), SERVED)
    assert observed(connection) == []
    feedback.put(connection, SAID, SERVED)
    assert [row[-1] for row in observed(connection)] == [1.0]


@pytest.mark.parametrize("missing", ["rollout", "arm", "step", "unit"])
def test_a_call_outside_the_trial_tells_it_nothing(connection: Connection, missing: str) -> None:
    feedback.put(connection, SAID, replace(SERVED, **{missing: None}))
    assert observed(connection) == []


def test_a_shadows_score_keeps_its_pair(connection: Connection) -> None:
    ship(connection, "req_2", arm="shadow", step=0, pair="req_1", key_id=None)
    feedback.put(connection, replace(SAID, call="req_2"), feedback.served(connection, "req_2"))
    assert connection.execute(select(observations.c.arm, observations.c.pair)).all() == [("shadow", "req_1")]


def test_found_by_what_it_is_of(connection: Connection) -> None:
    made = [
        replace(SAID, id="feedback_1"),
        replace(SAID, id="feedback_2", at=20.0, metric="tone", source="judge"),
        replace(SAID, id="feedback_3", at=20.0, call="req_3"),
    ]
    other = replace(SERVED, endpoint="other", release="d2", rollout=None)
    for said, of in zip(made, (SERVED, SERVED, other), strict=True):
        feedback.put(connection, said, of)

    def found(limit: int = 9, **wanted: Any) -> str:
        return "".join(said.id[-1] for said in feedback.find(connection, Filter(**wanted), limit))

    assert found() == "321"
    assert found(2) == "32"
    assert found(2, after="feedback_2") == "1"
    assert found(after="feedback_9") == ""
    assert found(call="req_1") == found(endpoint="bot") == found(release="d1") == found(rollout="rollout_1") == "21"
    assert found(metric="tone") == found(source="judge") == "2"
    assert found(since=20.0) == "32"
    assert found(until=20.0) == "1"
    assert feedback.others(connection, made[0]) == 1
    assert feedback.others(connection, made[2]) == 0
