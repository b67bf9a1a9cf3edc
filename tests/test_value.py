"""What an endpoint costs and brings: the figures, their intervals, and what a candidate changes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.intervals import Interval
from gateway.store.value import Part, Said, Served, Unseen
from gateway.value import Book, Sample, Trial, delta, difference, figures, quantile, report, shown

CALL = Served("req_0", 1000, "d1", "u0", None, False, 100, 2000)
SAID = Said("req_0", 1000, "d1", "u0", None, "helpful", None, None, None, None)
OF = Part("bot", 0.0, 10.0)


def calls(number: int, **fields: Any) -> list[Served]:
    """So many, each of a unit of its own."""
    return [replace(CALL, id=f"req_{n}", unit=f"u{n}", started=1000 + n, **fields) for n in range(number)]


def about(call: Served, **fields: Any) -> Said:
    return replace(
        SAID, call=call.id, started=call.started, release=call.release, unit=call.unit, step=call.step, **fields
    )


# The figures ---------------------------------------------------------------------------------------------------------


def test_of_nothing_nothing_is_told() -> None:
    assert figures(Sample([], [], 1.0), 60.0) == {}


def test_cost_latency_and_errors() -> None:
    served = [replace(one, cost=n, total_us=1000 * n, failed=n >= 90) for n, one in enumerate(calls(100))]
    found = figures(Sample(served, [], 1.0), None)
    assert found.keys() == {("cost", "per_call"), ("quality", "error_rate"), ("latency", "p50"), ("latency", "p95")}
    assert found["cost", "per_call"].estimate == pytest.approx(49.5)
    assert found["quality", "error_rate"].estimate == pytest.approx(0.1)
    assert found["latency", "p50"].estimate == pytest.approx(44.5)  # of the ninety that were answered
    for interval in found.values():
        assert interval.low < interval.estimate < interval.high
    assert {interval.n for interval in found.values()} == {90, 100}


def test_an_error_that_was_never_seen_may_come_yet() -> None:
    found = figures(Sample(calls(30), [], 1.0), None)["quality", "error_rate"]
    assert (found.estimate, found.low) == (0.0, 0.0)
    assert 0.02 < found.high < 0.2


def test_calls_of_one_conversation_are_one_piece_of_evidence() -> None:
    served = [replace(one, cost=n // 10) for n, one in enumerate(calls(100))]
    together = [replace(one, unit=f"u{one.cost}") for one in served]
    alone, clustered = (figures(Sample(of, [], 1.0), None)["cost", "per_call"] for of in (served, together))
    assert alone.estimate == clustered.estimate
    assert (alone.clusters, clustered.clusters) == (100, 10)
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)


def test_scores_and_outcomes() -> None:
    served = calls(40)
    said = [about(one, score=n % 2) for n, one in enumerate(served)]
    said += [about(one, metric="tone", score=0.5 + n / 100) for n, one in enumerate(served[:10])]
    said += [about(one, outcome="resolved" if n < 15 else "escalated") for n, one in enumerate(served[:20])]
    found = figures(Sample(served, said, 1.0), None)
    quality = {name[1:]: interval for name, interval in found.items() if name[0] == "quality"}
    assert quality["scores", "helpful"].estimate == 0.5
    assert quality["scores", "tone"].estimate == pytest.approx(0.545)
    assert quality["scores", "tone"].n == 10
    assert quality["outcomes", "resolved"].estimate == 0.75
    assert quality["outcomes", "escalated"].estimate == 0.25
    assert quality["outcomes", "resolved"].n == 20


def test_value_and_time_are_over_all_calls_and_make_the_roi() -> None:
    served = calls(100, cost=1_000_000)
    said = [about(one, value=3_000_000) for one in served[:50]]
    said += [about(one, metric="time", seconds_saved=360.0) for one in served[:20]]
    found = figures(Sample(served, said, 1.0), 60.0)
    assert found["value", "per_call"].estimate == pytest.approx(1_500_000)
    assert found["value", "minutes_saved_per_call"].estimate == pytest.approx(1.2)
    roi = found["value", "roi"]
    assert roi.estimate == pytest.approx((150 + 20 * 6 - 100) / 100)
    assert roi.low < roi.estimate < roi.high
    without = figures(Sample(served, said, 1.0), None)
    assert without["value", "roi"].estimate == pytest.approx((150 - 100) / 100)


@pytest.mark.parametrize(
    ("cost", "said", "rate"),
    [
        (100, {"score": 1.0}, 60.0),
        (100, {"seconds_saved": 60.0}, None),
        (0, {"value": 5}, 60.0),
    ],
)
def test_where_nothing_was_valued_or_paid_there_is_no_roi(cost: int, said: dict[str, Any], rate: float | None) -> None:
    served = calls(10, cost=cost)
    assert ("value", "roi") not in figures(Sample(served, [about(one, **said) for one in served], 1.0), rate)


@given(st.lists(st.floats(0.1, 1e4), min_size=2, max_size=200), st.sampled_from([0.5, 0.95]))
def test_a_quantile_lies_between_its_bounds_and_within_the_values(values: list[float], level: float) -> None:
    found = quantile(np.array(values), level, [str(n) for n in range(len(values))])
    assert found.low <= found.estimate <= found.high
    for bound in (found.low, found.estimate, found.high):
        assert not math.isfinite(bound) or min(values) <= bound <= max(values)


def test_the_interval_of_a_quantile_holds_as_often_as_it_says() -> None:
    draws = np.random.default_rng(7).exponential(1.0, (400, 300))
    units = [str(n) for n in range(300)]
    for level in (0.5, 0.95):
        found = [quantile(draw, level, units) for draw in draws]
        held = np.mean([one.low <= -math.log(1 - level) <= one.high for one in found])
        assert 0.92 <= held <= 0.98


def test_bounds_of_which_nothing_is_known_are_null() -> None:
    told = shown(Interval(0.5, -math.inf, math.inf, 1, 1))
    assert told == {"estimate": 0.5, "low": None, "high": None, "n": 1, "clusters": 1}


# What a candidate changes --------------------------------------------------------------------------------------------


def arm(step: int, begun: int, cost: int, number: int = 50) -> list[Served]:
    """Calls of one step, one each nanosecond; some cost one micro-USD less, some one more."""
    return [
        replace(CALL, id=f"req_{begun}_{n}", unit=f"{begun}_{n}", step=step, started=begun + n, cost=cost + n % 3 - 1)
        for n in range(number)
    ]


def costs(live: list[Served], candidate: list[Served]) -> Interval:
    return delta(Sample(live, [], 1.0), Sample(candidate, [], 1.0), None)["cost", "per_call"]


def test_what_a_candidate_changes() -> None:
    found = costs(arm(0, 100, 500), arm(0, 100, 400))
    assert found.estimate == pytest.approx(-100, abs=0.1)
    assert found.low < found.estimate < found.high < -99
    assert found.n == 100


def test_only_what_served_at_the_same_time_is_compared() -> None:
    before, meanwhile = arm(0, 0, 9000), arm(0, 100, 500)
    assert costs([*before, *meanwhile], arm(0, 100, 400)).estimate == pytest.approx(-100, abs=0.1)


def test_steps_are_compared_each_with_itself() -> None:
    """Most of the live calls come from a time when everything was dear, most of the candidate's from later."""
    live = arm(0, 0, 900, 90) + arm(1, 1000, 100, 30)
    candidate = arm(0, 0, 900, 90)[::9] + arm(1, 1000, 100, 30)
    assert costs(live, candidate).estimate == pytest.approx(0, abs=1)


def test_a_step_that_tells_nothing_spoils_nothing() -> None:
    lone = arm(1, 1000, 400, 1)
    found = costs(arm(0, 0, 500) + arm(1, 1000, 500, 1), arm(0, 0, 400) + lone)
    assert math.isfinite(found.low)
    assert not math.isfinite(costs(arm(1, 1000, 500, 1), lone).low)


def test_arms_that_never_served_together_are_not_compared() -> None:
    assert delta(Sample(arm(0, 0, 500), [], 1.0), Sample(arm(1, 0, 400), [], 1.0), None) == {}
    assert delta(Sample(arm(0, 0, 500), [], 1.0), Sample([], [], 1.0), None) == {}


@given(
    st.lists(st.tuples(*[st.floats(-10, 10), st.floats(0, 5), st.floats(0, 5), st.integers(1, 100)] * 2), min_size=1)
)
def test_a_difference_is_no_surer_than_its_parts(rows: list[tuple[Any, ...]]) -> None:
    def interval(estimate: float, below: float, above: float, n: int) -> Interval:
        return Interval(estimate, estimate - below, estimate + above, n, n)

    pairs = [(interval(*row[:4]), interval(*row[4:])) for row in rows]
    found = difference(pairs)
    apart = [one.estimate - other.estimate for one, other in pairs]
    assert min(apart) - 1e-9 <= found.estimate <= max(apart) + 1e-9
    assert found.low <= found.estimate <= found.high
    if len(pairs) == 1:
        one, other = pairs[0]
        width = math.hypot(one.high - one.low, other.high - other.low)
        assert width / math.sqrt(2) - 1e-9 <= found.high - found.low <= width * math.sqrt(2) + 1e-9
        turned = difference([(other, one)])
        assert [turned.low, turned.high] == pytest.approx([-found.high, -found.low])


# The tree ------------------------------------------------------------------------------------------------------------


def test_the_tree() -> None:
    first, second = calls(4), [replace(one, id=f"x{one.id}", release="d2") for one in calls(2)]
    said = [about(first[0], value=1000), about(second[0], metric="a.b", score=1.0)]
    live, candidate = Sample(arm(0, 0, 500), [], 1.0), Sample(arm(0, 0, 400), [], 1.0)
    trial = Trial("rollout_1", "d2", live, candidate, Unseen(3, 21))
    tree = report(Book(OF, Sample([*first, *second], said, 1.0), (trial,)), 60.0)
    assert (tree["endpoint"], tree["hourly_rate"], tree["share"]) == ("bot", 60.0, 1.0)
    assert tree["served"]["calls"] == 6
    assert tree["served"]["totals"] == {"cost": 600, "value": 1000, "minutes_saved": 0.0}
    assert [(one["release"], one["calls"]) for one in tree["releases"]] == [("d1", 4), ("d2", 2)]
    assert tree["releases"][1]["quality"]["scores"].keys() == {"a.b"}
    assert "value" not in tree["releases"][1]
    told = tree["rollouts"][0]
    assert (told["rollout"], told["release"], told["shadow"]) == ("rollout_1", "d2", {"calls": 3, "cost": 21})
    assert told["delta"]["cost"]["per_call"]["estimate"] == pytest.approx(-100, abs=0.1)
    assert (told["live"]["calls"], told["candidate"]["calls"]) == (50, 50)


def test_a_sample_stands_for_all() -> None:
    served = calls(10)
    said = [about(served[0], value=1000), replace(SAID, call="req_unread", value=9)]
    tree = report(Book(OF, Sample(served, said, 0.1), ()), None)
    assert tree["served"]["calls"] == 100
    assert tree["served"]["totals"] == {"cost": 10_000, "value": 10_000, "minutes_saved": 0.0}
