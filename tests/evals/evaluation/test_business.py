"""Business KPIs: worked out as they say, with an interval that goes with the verdict."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from evals.evaluation.business import business, formula
from evals.evaluation.measurements import Measurement, Measurements, Values
from evals.evaluation.plan import Business
from tests.evals.evaluation.making import STANDARD, ran, rights

RUN = ran({"exact": rights(80, 100), "cost": [500.0 + 10 * (at % 7) for at in range(100)], "seconds": [2.0] * 100})
CENTS = {"cost": 0.0001}


def found_of(**asked: Any) -> Any:
    return business(Business(name="kpi", **asked), {"holdout": RUN}, None, STANDARD)


@pytest.mark.parametrize(
    ("asked", "state", "measured", "worked_out"),
    [
        ({"sum": {"exact": 0.7}, "times": 12000, "at_least": 5500}, "met", 6720, "0.7 exact * 12000"),
        ({"sum": {"exact": 0.7}, "times": 12000, "at_least": 7000}, "missed", 6720, "0.7 exact * 12000"),
        ({"sum": {"exact": 0.7}, "times": 12000, "at_least": 6600}, "unknown", 6720, "0.7 exact * 12000"),
        ({"sum": {"exact": 1}, "plus": -0.5, "at_least": 0.1}, "met", 0.3, "exact - 0.5"),
        ({"sum": {"exact": 10, "seconds": -1}, "times": 2, "at_least": 10}, "met", 12, "(10 exact - seconds) * 2"),
        ({"sum": {"exact": 1}, "times": -1, "plus": 1, "at_most": 0.35}, "met", 0.2, "exact * -1 + 1"),
        ({"sum": {"seconds": 1}, "per": {"exact": 1}, "at_most": 4}, "met", 2.5, "(seconds) / (exact)"),
        ({"sum": {"seconds": 1}, "per": {"exact": 1}, "at_most": 2}, "missed", 2.5, "(seconds) / (exact)"),
        ({"sum": {"seconds": 1}, "per": {"exact": 1}, "at_most": 2.6}, "unknown", 2.5, "(seconds) / (exact)"),
        ({"sum": CENTS, "per": {"exact": 1}, "at_most": 0.08}, "met", 0.0661875, "(0.0001 cost) / (exact)"),
    ],
)
def test_it_is_worked_out_as_it_says(asked: dict[str, Any], state: str, measured: float, worked_out: str) -> None:
    found = found_of(**asked)
    assert (found.state, found.measured) == (state, pytest.approx(measured, rel=1e-3))
    assert found.low <= found.measured <= found.high
    assert found.source == f"holdout: {worked_out}"
    threshold = asked.get("at_least", asked.get("at_most"))
    assert (found.low <= threshold <= found.high) == (state == "unknown") or state == "missed"


def test_times_widens_as_it_enlarges() -> None:
    one, thousand = found_of(sum={"exact": 1}, at_least=0.5), found_of(sum={"exact": 1}, times=-1000, at_most=-500)
    assert (thousand.low, thousand.high) == pytest.approx((-1000 * one.high, -1000 * one.low))
    assert one.state == thousand.state == "met"


def test_where_nothing_was_right_nothing_can_be_shared_by() -> None:
    wrong = ran({"exact": [0.0] * 40, "seconds": [1.0] * 40})
    asked = Business(name="kpi", sum={"seconds": 1}, per={"exact": 1}, at_most=4)
    found = business(asked, {"holdout": wrong}, None, STANDARD)
    assert (found.state, found.measured) == ("missed", None)


def test_what_is_no_evidence_is_none() -> None:
    assert found_of(sum={"exact": 1, "lacking": 2}, at_least=1).reasons[0].startswith("lacking: 100 results have no")
    few = business(Business(name="k", sum={"exact": 1}, at_least=0.1, min_items=200), {"holdout": RUN}, None, STANDARD)
    assert (few.state, few.needed) == ("unknown", 200)


def test_a_judge_s_errors_are_told() -> None:
    counts = {"true_right": 60, "false_wrong": 2, "true_wrong": 60, "false_right": 2}
    judge = {"digest": "f" * 64, "metrics": ("exact",), "counts": counts}
    judged = ran({"exact": rights(80, 100)}, judges=(judge,))
    found = business(Business(name="k", sum={"exact": 1}, at_least=0.5), {"holdout": judged}, None, STANDARD)
    assert found.state == "met"
    assert any("its errors not taken off" in reason for reason in found.reasons)


def measured(**given: Any) -> Measurements:
    one = Measurement(source="a survey", date=date(2026, 11, 20), **given)
    rows = {"stars": Values((5.0, 4.0, 5.0, 4.5) * 10, tuple(str(at) for at in range(40)))} if one.file else {}
    return Measurements({"stars": one}, rows, "0" * 64)


@pytest.mark.parametrize(
    ("given", "asked", "state"),
    [
        ({"value": 4.3}, {"at_least": 4.2}, "met"),
        ({"value": 4.3}, {"at_least": 4.4}, "missed"),
        ({"value": 4.3, "low": 4.1, "high": 4.5}, {"at_least": 4}, "met"),
        ({"value": 4.3, "low": 4.1, "high": 4.5}, {"at_least": 4.2}, "unknown"),
        ({"value": 4.3, "low": 4.1, "high": 4.5}, {"at_least": 4.4}, "missed"),
        ({"value": 4.3, "low": 4.1, "high": 4.5}, {"at_most": 4.6}, "met"),
        ({"value": 4.3, "low": 4.1, "high": 4.5}, {"at_most": 4.2}, "missed"),
        ({"file": "survey.csv", "column": "stars"}, {"at_least": 4}, "met"),
        ({"file": "survey.csv", "column": "stars"}, {"at_least": 4.6}, "unknown"),
    ],
)
def test_what_was_measured_elsewhere(given: dict[str, Any], asked: dict[str, Any], state: str) -> None:
    found = business(Business(name="k", measured="stars", **asked), {}, measured(**given), STANDARD)
    assert found.state == state
    assert found.source == "a survey, 2026-11-20"
    if "value" in given and "low" not in given:
        assert "stated without an interval" in found.reasons[0]


def test_what_was_not_measured_is_not_known() -> None:
    kpi = Business(name="k", measured="moons", at_least=1)
    for measurements in (None, measured(value=1)):
        found = business(kpi, {}, measurements, STANDARD)
        assert (found.state, found.reasons) == ("unknown", ("moons was not measured yet",))


def test_a_formula_reads_as_it_is_worked_out() -> None:
    kpi = Business(name="k", sum={"cost": -1, "exact": 2.5}, per={"exact": 1}, times=3, plus=2, at_least=1)
    assert formula(kpi) == "(-cost + 2.5 exact) / (exact) * 3 + 2"
