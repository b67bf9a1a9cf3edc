"""What is found decides what is recommended, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.evaluation.findings import PHASES, Finding, Kind, State
from evals.evaluation.plan import Priority
from evals.evaluation.recommendation import ORDER, RETURNS, recommend

KINDS: tuple[Kind, ...] = ("technical", "business", "generalisation", "folds", "bias", "gate", "integrity")
STATES: tuple[State, ...] = ("met", "missed", "unknown", "invalid")


def finding(kind: Kind, state: State, priority: Priority = "must", **more: str) -> Finding:
    return Finding(kind=kind, name=f"a {kind}", state=state, priority=priority, reasons=("so it is",), **more)


@pytest.mark.parametrize(
    ("kind", "state", "phase"),
    [
        ("technical", "missed", "modeling"),
        ("technical", "unknown", "evaluation"),
        ("technical", "invalid", "evaluation"),
        ("business", "missed", "business_understanding"),
        ("business", "unknown", "evaluation"),
        ("generalisation", "missed", "data_preparation"),
        ("folds", "missed", "modeling"),
        ("bias", "missed", "data_understanding"),
        ("bias", "unknown", "data_understanding"),
        ("gate", "missed", "modeling"),
        ("gate", "unknown", "evaluation"),
        ("integrity", "invalid", "evaluation"),
    ],
)
def test_what_must_be_met_leads_back_to_where_it_can_be_mended(kind: Kind, state: State, phase: str) -> None:
    found = recommend([finding(kind, state), finding("technical", "met")], 1.0)
    assert (found.outcome, found.phase) == ("return_to_phase", phase)
    assert found.returns[0].phases[0] == phase
    assert found.words.startswith("Return to Phase ")


def test_the_earliest_phase_is_gone_back_to() -> None:
    found = recommend([finding("gate", "unknown"), finding("bias", "missed"), finding("folds", "missed")], 1.0)
    assert found.phase == "data_understanding"
    assert [one.phases[0] for one in found.returns] == ["evaluation", "data_understanding", "modeling"]


def test_a_business_that_misses_for_the_model_s_sake_leads_to_the_model() -> None:
    found = recommend([finding("technical", "missed"), finding("business", "missed")], 1.0)
    assert found.phase == "modeling"
    told = recommend([finding("technical", "missed", "told"), finding("business", "missed")], 1.0)
    assert told.phase == "business_understanding"


def test_what_should_be_met_is_a_condition() -> None:
    asked = finding("business", "unknown", "should", condition="Ask again.")
    found = recommend([asked, finding("technical", "missed", "should", target="at least 1")], 1.0)
    assert (found.outcome, found.phase, found.words) == (
        "proceed_with_conditions",
        "operationalization",
        "Proceed with conditions",
    )
    assert [one.condition for one in found.conditions] == [
        "Ask again.",
        "Watch a technical: it should be at least 1, and is not.",
    ]
    unknown = Finding(
        kind="bias", name="x", state="unknown", priority="should", reasons=("few",), target="small", needed=90
    )
    assert "About 90 items would tell." in recommend([unknown], 1.0).conditions[0].condition
    assert "no evidence" in recommend([finding("folds", "invalid", "should")], 1.0).conditions[0].condition


def test_every_return_is_to_a_phase_before_operation() -> None:
    assert set(ORDER) == set(PHASES)
    assert all(phases and "operationalization" not in phases for phases in RETURNS.values())
    assert all(list(phases) == sorted(phases, key=ORDER.index) for phases in RETURNS.values())


@given(
    st.lists(
        st.builds(finding, st.sampled_from(KINDS), st.sampled_from(STATES), st.sampled_from(("must", "should", "told")))
    )
)
def test_nothing_proceeds_that_must_be_met_and_is_not(findings: list[Finding]) -> None:
    found = recommend(findings, 1.0)
    wanting = {one.priority for one in findings if one.state != "met"}
    assert (found.outcome == "return_to_phase") == ("must" in wanting)
    assert (found.outcome == "proceed") == (not wanting & {"must", "should"})
    assert len(found.returns) == sum(one.priority == "must" and one.state != "met" for one in findings)
    assert recommend([*findings, finding("folds", "missed", "told")], 1.0) == found
