"""The running comparison: what calls come to, taken in from the database piece by piece."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert, select

from gateway.releases import conduct
from gateway.releases.comparison import compare
from gateway.releases.decide import Comparison, Finding
from gateway.releases.plan import Canary, Plan, Shadow
from gateway.releases.rollout import Rollout, Stage
from gateway.store import rollouts
from gateway.store.engine import Store
from gateway.store.tables.rollouts import observations, rollout_units
from tests.releases.proven import endpoint, people, release

CANARY = Canary(
    steps=(0.5,),
    units=10,
    settle="0s",
    harm_for="0s",
    errors=0.1,
    blocked=None,
    slow_p50=None,
    slow_p95=None,
    cost=None,
)


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with store.begin() as opened:
        yield opened


def under_way(connection: Connection, plan: Plan, stage: Stage) -> Rollout:
    endpoint(connection, release(connection, temperature=0.1), protected=False)
    made = conduct.propose(connection, "bot", release(connection, temperature=0.2), plan, "", people(connection).ada)
    long_ago = time.time() - 3600
    rollouts.change(connection, made, stage=stage.value, entered=long_ago)
    return conduct.found(connection, made.id)


def observe(connection: Connection, rollout: Rollout, number: int, arm: str, **what: object) -> None:
    row = {
        "rollout": rollout.id,
        "call": f"req_{arm}_{number}",
        "at": time.time_ns() - 60_000_000_000 + number,
        "arm": arm,
        "step": 0,
        "unit": f"{number:016x}",
        "failed": False,
        "blocked": False,
        "total_us": 1000,
        "cost": 10,
        **what,
    }
    connection.execute(insert(observations).values(**row))


def look(connection: Connection, rollout: Rollout, now: float | None = None) -> Comparison:
    """As a process does that knows nothing but what the one before has kept."""
    return compare(connection, conduct.found(connection, rollout.id), now or time.time())


def canary(
    connection: Connection, rollout: Rollout, fails: Callable[[str, random.Random], bool], of: int
) -> Comparison:
    dice = random.Random(7)
    found = Comparison()
    for number in range(of):
        arm = "candidate" if dice.random() < 0.5 else "live"
        observe(connection, rollout, number, arm, failed=fails(arm, dice))
        if number % 50 == 49:
            found = look(connection, rollout)
    return found


def test_a_candidate_that_fails_more_does_harm(connection: Connection) -> None:
    rollout = under_way(connection, Plan(canary=CANARY), Stage.CANARY)
    found = canary(connection, rollout, lambda arm, dice: dice.random() < (0.4 if arm == "candidate" else 0.02), 200)
    assert found.finding is Finding.HARM
    assert "errors" in found.reasons[0]


def outage(connection: Connection, rollout: Rollout, arm: str, numbers: range) -> None:
    for number in numbers:
        observe(connection, rollout, number, arm, failed=True)


def waiting(connection: Connection) -> Rollout:
    plan = Canary.model_validate({**CANARY.model_dump(), "harm_for": "60s"})
    return under_way(connection, Plan(canary=plan), Stage.CANARY)


def test_harm_that_lasts_ends_it(connection: Connection) -> None:
    rollout, now = waiting(connection), time.time()
    outage(connection, rollout, "candidate", range(10))
    assert look(connection, rollout, now).finding is Finding.SUSPECTED
    assert look(connection, rollout, now + 59).finding is Finding.SUSPECTED
    found = look(connection, rollout, now + 60)
    assert found.finding is Finding.HARM
    assert "10 units of the candidate's and 0 of the live release's" in found.reasons[0]


def test_failures_that_come_late_of_the_live_release_take_the_harm_back(connection: Connection) -> None:
    rollout, now = waiting(connection), time.time()
    outage(connection, rollout, "candidate", range(10))
    assert look(connection, rollout, now).finding is Finding.SUSPECTED
    outage(connection, rollout, "live", range(10, 20))
    assert look(connection, rollout, now + 5).finding is Finding.NOTHING_YET
    assert look(connection, rollout, now + 600).finding is Finding.NOTHING_YET


def test_harm_that_comes_back_must_last_anew(connection: Connection) -> None:
    rollout, now = waiting(connection), time.time()
    outage(connection, rollout, "candidate", range(10))
    look(connection, rollout, now)
    outage(connection, rollout, "live", range(10, 20))
    look(connection, rollout, now + 5)
    outage(connection, rollout, "candidate", range(20, 40))
    assert look(connection, rollout, now + 61).finding is Finding.SUSPECTED
    assert look(connection, rollout, now + 121).finding is Finding.HARM


def test_a_candidate_that_is_alike_is_shown_to_be_within_the_margin(connection: Connection) -> None:
    rollout = under_way(connection, Plan(canary=CANARY), Stage.CANARY)
    found = canary(connection, rollout, lambda arm, dice: dice.random() < 0.02, 500)
    assert found.finding is Finding.SAFE
    told = (conduct.found(connection, rollout.id).analysis or {})["told"]
    assert told[0]["metric"] == "errors"
    assert told[0]["low"] <= 0 <= told[0]["high"]


@pytest.mark.parametrize(
    ("times", "finding"),
    [(1.2, Finding.SAFE), (1.5, Finding.NOTHING_YET), (1.9, Finding.HARM), (2.9, Finding.HARM)],
)
def test_cost_is_compared_as_a_share_of_what_the_live_release_costs(
    connection: Connection, times: float, finding: Finding
) -> None:
    plan = Canary.model_validate({**CANARY.model_dump(), "errors": None, "cost": 0.5})
    rollout = under_way(connection, Plan(canary=plan), Stage.CANARY)
    dice = random.Random(5)
    for number in range(500):
        arm = "candidate" if dice.random() < 0.5 else "live"
        cost = int(dice.uniform(500, 1500) * (times if arm == "candidate" else 1))
        observe(connection, rollout, number, arm, cost=cost)
    assert look(connection, rollout).finding is finding
    [told] = (conduct.found(connection, rollout.id).analysis or {})["told"]
    assert told["margin"] == 0.5
    assert told["live"] == pytest.approx(1, abs=0.1)
    assert told["candidate"] == pytest.approx(times, rel=0.1)
    assert told["low"] <= times - 1 <= told["high"]


def test_what_was_taken_in_is_gone_and_counts_once(connection: Connection) -> None:
    rollout = under_way(connection, Plan(canary=CANARY), Stage.CANARY)
    for number in range(20):
        observe(connection, rollout, number, "candidate")
    assert look(connection, rollout).units == 20
    assert connection.execute(select(observations)).all() == []
    assert look(connection, rollout).units == 20


def test_many_calls_of_a_unit_are_one_unit(connection: Connection) -> None:
    rollout = under_way(connection, Plan(canary=CANARY), Stage.CANARY)
    for _ in range(30):
        observe(connection, rollout, 1, "candidate", failed=True)
    found = look(connection, rollout)
    assert (found.units, found.finding) == (1, Finding.NOTHING_YET)


def test_arms_that_are_not_as_drawn_are_invalid(connection: Connection) -> None:
    rollout = under_way(connection, Plan(canary=CANARY), Stage.CANARY)
    for number in range(100):
        observe(connection, rollout, number, "candidate")
    assert look(connection, rollout).finding is Finding.INVALID


def test_who_was_on_the_candidate_is_not_drawn_again(connection: Connection) -> None:
    plan = Plan(canary=Canary.model_validate({**CANARY.model_dump(), "steps": (0.2, 0.5)}))
    rollout = under_way(connection, plan, Stage.CANARY)
    observe(connection, rollout, 1, "candidate")
    observe(connection, rollout, 2, "live")
    look(connection, rollout)
    rollouts.change(connection, conduct.found(connection, rollout.id), step=1)
    observe(connection, rollout, 1, "candidate", step=1)
    observe(connection, rollout, 2, "live", step=1)
    observe(connection, rollout, 3, "live", step=1)
    look(connection, rollout)
    rows = connection.execute(select(rollout_units).where(rollout_units.c.step == 1).order_by(rollout_units.c.unit))
    assert [row.sums["weight"] for row in rows] == [0.0, pytest.approx(0.375), 0.5]


def test_shadows_are_compared_with_their_twins(connection: Connection) -> None:
    rollout = under_way(connection, Plan(shadow=Shadow(), canary=CANARY), Stage.SHADOW)
    for number in range(40):
        observe(connection, rollout, number, "live")
    assert look(connection, rollout).units == 0  # the twins are still on their way
    for number in range(40):
        observe(connection, rollout, number, "shadow", pair=f"req_live_{number}", failed=number % 2 == 0)
    found = look(connection, rollout)
    assert (found.units, found.finding) == (40, Finding.HARM)
    assert "20 pairs" in found.reasons[0]


def test_a_score_counts_once_for_its_unit(connection: Connection) -> None:
    plan = Plan(canary=Canary.model_validate({**CANARY.model_dump(), "scores": {"helpful": 0.1}}))
    rollout = under_way(connection, plan, Stage.CANARY)
    dice = random.Random(3)
    for number in range(300):
        arm = "candidate" if dice.random() < 0.5 else "live"
        observe(connection, rollout, number, arm)
        good = 0.0 if arm == "candidate" else 1.0
        for _ in range(2):
            observe(connection, rollout, number, arm, metric="helpful", value=good)
    found = look(connection, rollout)
    assert found.finding is Finding.HARM
    told = {one["metric"]: one for one in (conduct.found(connection, rollout.id).analysis or {})["told"]}
    assert told["score:helpful"]["units"] == 300
    assert replace(found, reasons=()).units > 100
