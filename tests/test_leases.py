"""Leases: all or nothing, what is idle is given back, and nothing is made or lost by the arithmetic."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.amounts import Allowance, Amounts, Period
from gateway.leases import Lease, Leases, Units
from gateway.state.base import UNKNOWN

NOW = 1_800_000_000.0
ONE: Units = (1, 0, 0)


def lease(kind: Any = "requests") -> Lease:
    return Lease("key:k", kind, 100, Period("p", NOW, NOW + 60))


def stocked(units: int, **limits: int) -> tuple[Leases, tuple[Allowance, ...], Lease]:
    """A single lease with units in it."""
    leases = Leases(lambda: None)
    allowances = (Allowance("key:k", **limits),)
    (only,) = leases.find(allowances, NOW)
    leases.granted(only, units, 0, NOW)
    return leases, allowances, only


def beat(leases: Leases) -> None:
    leases.beat()
    leases.stakes({}, NOW)


def test_what_nobody_touched_is_given_back_after_two_beats() -> None:
    leases, _, only = stocked(40, requests_per_minute=100)
    beat(leases)
    assert only.free == 40  # it came since the last beat
    beat(leases)
    assert (only.free, only.taken) == (0, 0)


def test_a_lease_in_steady_use_keeps_what_it_needs_until_the_next_beat() -> None:
    leases, allowances, only = stocked(100, requests_per_minute=1000)
    beat(leases)
    for _ in range(10):
        assert leases.spend(allowances, ONE, NOW) is not None
    beat(leases)
    assert (only.free, only.taken) == (10, 20)


def test_a_lease_in_steady_use_asks_before_it_is_empty() -> None:
    leases, allowances, only = stocked(100, requests_per_minute=1000)
    beat(leases)
    for _ in range(40):
        leases.spend(allowances, ONE, NOW)
    beat(leases)
    leases.granted(only, 0, 500, NOW)  # the answer to what was given back
    assert (only.free, only.thirsty) == (40, False)
    for _ in range(31):
        leases.spend(allowances, ONE, NOW)
    assert only.thirsty


def test_what_the_state_was_not_told_yet_is_not_forgotten() -> None:
    leases, allowances, only = stocked(10, concurrent=10)
    leases.beat()
    leases.beat()
    assert only.taken == 0
    leases.sweep(NOW)
    assert leases.find(allowances, NOW) == (only,)
    leases.stakes({}, NOW)
    leases.sweep(NOW)
    assert leases.find(allowances, NOW) != (only,)


def test_calls_that_end_keep_their_units_for_the_next() -> None:
    leases, allowances, only = stocked(10, concurrent=10)
    beat(leases)
    for _ in range(3):
        under_way = [leases.spend(allowances, ONE, NOW) for _ in range(4)]
        for one in under_way:
            assert one is not None
            leases.settle(one, Amounts(), NOW)
        beat(leases)
    assert (only.free, only.taken, only.flying) == (4, 4, 0)


def test_more_is_asked_for_before_a_lease_is_empty_and_once() -> None:
    asked: list[int] = []
    leases = Leases(lambda: asked.append(1))
    allowances = (Allowance("key:k", requests_per_minute=1000),)
    (only,) = leases.find(allowances, NOW)
    leases.granted(only, 40, 500, NOW)
    leases.beat()
    for _ in range(30):
        leases.spend(allowances, ONE, NOW)
    assert asked == []
    for _ in range(10):
        leases.spend(allowances, ONE, NOW)
    assert asked == [1]
    (stake,) = leases.stakes({}, NOW).values()
    assert (stake.taken, stake.want, stake.least) == (40, 1, 1)


def test_a_stake_asks_for_what_all_that_wait_lack_and_at_least_for_the_smallest() -> None:
    leases, _, only = stocked(10, tokens_per_minute=100)
    stake = leases.stakes({only: (75, 25)}, NOW)[only]
    assert (stake.want, stake.least, stake.taken, stake.until, stake.recorded) == (65, 15, 10, int(NOW) + 60, None)


def test_a_period_that_is_over_is_not_spoken_of() -> None:
    leases, _, only = stocked(10, tokens_per_minute=100)
    assert leases.stakes({only: (75, 25)}, NOW + 60) == {}


def test_a_state_that_forgot_is_told_what_the_records_do_not_have() -> None:
    leases, allowances, _ = stocked(100, budget=1000)
    done, _ = (leases.spend(allowances, (1, 0, 30), NOW) for _ in range(2))
    assert done is not None
    leases.settle(done, Amounts(money=20), NOW)
    leases.forgotten()
    (stake,) = leases.stakes({}, NOW).values()
    assert (stake.taken, stake.recorded) == (100 - 20, UNKNOWN)


def test_a_state_that_forgot_is_told_all_of_a_minute() -> None:
    leases, allowances, _ = stocked(100, tokens_per_minute=1000)
    done = leases.spend(allowances, (1, 30, 0), NOW)
    assert done is not None
    leases.settle(done, Amounts(tokens=20), NOW)
    leases.forgotten()
    (stake,) = leases.stakes({}, NOW).values()
    assert (stake.taken, stake.recorded) == (100, None)


def test_the_records_figure_is_passed_on_until_the_state_knows_it() -> None:
    only = lease("budget")
    only.recorded = 70
    only.granted(0, UNKNOWN, NOW)
    assert only.recorded == 70
    only.granted(10, 20, NOW)
    assert only.recorded == UNKNOWN


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40), st.booleans()), max_size=40), st.integers(0, 200))
def test_nothing_is_made_and_nothing_is_lost(calls: list[tuple[int, int, bool]], granted: int) -> None:
    """Of a pool's units each is free, under way, or spent, whatever calls reserve, take and give back."""
    leases, allowances, only = stocked(granted, tokens_per_minute=1000)
    spent = owed = 0
    under_way = []
    for reserved, taken, ends in calls:
        enough = only.free >= reserved
        reservation = leases.spend(allowances, (1, reserved, 0), NOW)
        assert (reservation is not None) == enough
        if reservation is not None:
            under_way.append((reservation, taken))
        if ends and under_way:
            ending, used = under_way.pop(0)
            owed += leases.settle(ending, Amounts(tokens=used), NOW)
            spent += used
        assert only.taken == spent + only.flying + only.free
        beat(leases)
        assert only.free >= 0
        assert only.taken == spent + only.flying + only.free
    assert (owed > 0) <= (spent > 0)
