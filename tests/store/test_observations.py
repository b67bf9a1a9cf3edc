"""What calls under a rollout came to: told to its analysis once, where it says something about an arm."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import Unavailable
from gateway.record import CallRecord
from gateway.releases.plan import Plan
from gateway.releases.rollout import Rollout, Stage, State
from gateway.store import calls, rollouts, units
from gateway.store.engine import Store
from gateway.store.units import Observation

DRAWN: dict[str, Any] = {
    "rollout": "roll_1",
    "arm": "candidate",
    "step": 1,
    "unit": "0123456789abcdef",
    "upstream": "demo",
    "total_us": 90,
    "cost": 7,
}
SEEN = Observation("req_1", 1.5, "candidate", 1, "0123456789abcdef", None, None, False, False, 90, 7, None)


@pytest.fixture
def opened(store: Store) -> Store:
    """The store, with a rollout under way."""
    now = time.time()
    rollout = Rollout(
        id="roll_1",
        endpoint="bot",
        release="c" * 64,
        control="d" * 64,
        plan=Plan(),
        reason="better",
        author="ada",
        author_key="key_1",
        created=now,
        stage=Stage.CANARY,
        step=1,
        state=State.RUNNING,
        entered=now,
        updated=now,
        salt="00",
        identity="",
        analysis=None,
        why="",
        moves=0,
    )
    with store.begin() as connection:
        rollouts.add(connection, rollout)
    return store


def ship(store: Store, **fields: Any) -> list[Observation]:
    """What there is to be taken in after this call has come."""
    made = {"status": 200, **DRAWN, **fields}
    with store.begin() as connection:
        calls.ship(connection, "one", 1, [CallRecord(id="req_1", started=1_500_000_000, surface="chat", **made)])
        return units.drain(connection, "roll_1")


def test_a_call_that_was_drawn_is_told(opened: Store) -> None:
    assert ship(opened) == [SEEN]


@pytest.mark.parametrize(
    ("fields", "failed", "blocked"),
    [
        ({"status": 502, "error": "upstream_unreachable"}, True, False),
        ({"status": 200, "error": "upstream_cut"}, True, False),
        ({"status": 429, "error": "rate_limit_exceeded"}, True, False),
        ({"status": 400, "error": "invalid_value"}, True, False),
        ({"status": 400, "error": "missing_variable", "upstream": None}, True, False),
        ({"status": 400, "error": "content_filter"}, False, True),
        ({"status": 400, "error": "cannot_be_judged", "upstream": None}, True, False),
        ({"status": 503, "error": "guard_unavailable", "upstream": None}, True, False),
        ({"status": 200, "finish": "content_filter"}, False, True),
        ({"status": 200, "finish": "length"}, False, False),
        ({"status": 499, "error": "client_disconnected"}, False, False),
    ],
)
def test_how_a_call_fared(opened: Store, fields: dict[str, Any], failed: bool, blocked: bool) -> None:
    assert ship(opened, **fields) == [replace(SEEN, failed=failed, blocked=blocked)]


@pytest.mark.parametrize(
    "fields",
    [
        {"rollout": None, "arm": None, "step": None, "unit": None},
        {"step": None, "unit": None},
        {"replayed": "cache"},
        {"replayed": "idempotency", "upstream": None},
        {"status": 429, "error": "budget_exceeded", "upstream": None},
        {"status": 503, "error": "limits_unavailable", "upstream": None},
        {"status": 499, "error": "client_disconnected", "arm": "shadow", "step": 0, "pair": "req_0"},
        {"rollout": "roll_2"},
    ],
)
def test_what_says_nothing_about_an_arm_is_not_told(opened: Store, fields: dict[str, Any]) -> None:
    assert ship(opened, **fields) == []


def test_a_shadow_is_told_with_its_twin(opened: Store) -> None:
    told = ship(opened, arm="shadow", step=0, pair="req_0")
    assert told == [replace(SEEN, arm="shadow", step=0, pair="req_0")]


def test_a_rollout_that_has_ended_is_told_nothing(opened: Store) -> None:
    with opened.begin() as connection:
        rollout = rollouts.find(connection, "roll_1")
        assert rollout is not None
        rollouts.change(connection, rollout, state=State.ABORTED.value)
    assert ship(opened) == []


def test_calls_and_what_they_came_to_are_there_together_or_not_at_all(opened: Store) -> None:
    def die() -> None:
        with opened.begin() as connection:
            record = CallRecord(id="req_1", started=1, surface="chat", status=200, **DRAWN)
            calls.ship(connection, "one", 1, [record])
            raise Unavailable("died")

    with pytest.raises(Unavailable, match="died"):
        die()
    with opened.begin() as connection:
        assert units.drain(connection, "roll_1") == []
    assert ship(opened) == [SEEN]
