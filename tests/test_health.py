"""The breaker of an upstream: when it opens, what it lets through, and what closes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.health import FIRST_PAUSE, LONGEST_PAUSE, MOST_RETRIES, OPENS_AT, WINDOW, Health


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(clock: Clock) -> Health:
    health = Health(clock)
    for _ in range(OPENS_AT):
        health.failed("broken")
    assert health.state == "open"
    return health


def test_it_opens_when_failures_outnumber_successes(clock: Clock) -> None:
    health = Health(clock)
    for _ in range(OPENS_AT - 1):
        health.failed("broken")
    assert health.admits()
    health.failed("at last")
    assert (health.state, health.admits(), health.why, health.opened) == ("open", False, "at last", 1)
    assert 0 < health.wait <= FIRST_PAUSE * 1.2


def test_half_of_the_calls_may_fail(clock: Clock) -> None:
    health = Health(clock)
    for _ in range(100):
        health.failed("now and then")
        health.succeeded()
    assert health.state == "closed"


def test_failures_long_ago_do_not_count(clock: Clock) -> None:
    health = Health(clock)
    for _ in range(100):
        health.failed("seldom")
        clock.now += WINDOW / (OPENS_AT - 2)
    assert health.state == "closed"


def test_half_open_lets_one_call_through_and_closes_when_it_succeeds(clock: Clock) -> None:
    health = opened(clock)
    clock.now += health.wait + 0.01
    assert health.state == "half-open"
    assert [health.admits() for _ in range(3)] == [True, False, False]
    health.succeeded()
    assert health.state == "closed"
    assert [health.admits() for _ in range(3)] == [True, True, True]


def test_it_stays_open_longer_each_time_the_call_that_tries_fails(clock: Clock) -> None:
    health = opened(clock)
    waits = []
    for _ in range(8):
        waits.append(health.wait)
        clock.now += health.wait + 0.01
        assert health.admits()
        health.failed("still")
    assert all(0.8 * min(LONGEST_PAUSE, FIRST_PAUSE * 2**n) <= w for n, w in enumerate(waits))
    assert max(waits) <= LONGEST_PAUSE * 1.2
    assert health.opened == 9


def test_a_call_that_was_given_up_leaves_the_door_ajar(clock: Clock) -> None:
    health = opened(clock)
    clock.now += health.wait + 0.01
    assert health.admits()
    health.abandoned()
    assert health.admits()


def test_one_that_said_when_to_come_back_is_left_alone_until_then(clock: Clock) -> None:
    health = Health(clock)
    health.rest(3.0, "busy")
    assert (health.state, health.admits(), health.wait) == ("resting", False, 3.0)
    clock.now += 3.0
    assert (health.admits(), health.state) == (True, "closed")


def test_repeats_are_a_share_of_successes(clock: Clock) -> None:
    health = Health(clock)
    assert sum(health.may_repeat() for _ in range(100)) == MOST_RETRIES
    for _ in range(25):
        health.succeeded()
    assert sum(health.may_repeat() for _ in range(100)) == 2


@given(st.lists(st.sampled_from(["admit", "fail", "succeed", "abandon", "rest", "time"]), max_size=60))
def test_it_never_stays_shut_for_ever(deeds: list[str]) -> None:
    clock = Clock()
    health = Health(clock)
    for deed in deeds:
        if deed == "admit" and health.admits():
            health.abandoned()
        elif deed == "fail":
            health.failed("x")
        elif deed == "succeed":
            health.succeeded()
        elif deed == "abandon":
            health.abandoned()
        elif deed == "rest":
            health.rest(1.0, "x")
        elif deed == "time":
            clock.now += 1.0
    clock.now += LONGEST_PAUSE * 1.2
    assert health.admits()
