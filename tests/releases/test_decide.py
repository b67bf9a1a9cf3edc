"""Where a rollout goes next, as a pure function."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.gate import Decision, Requirement
from gateway.releases.decide import Action, Comparison, Facts, Finding, Move, decide
from gateway.releases.plan import Canary, Gate, Plan, Shadow
from gateway.releases.rollout import Approval, Condition, Rollout, Stage, State

REQUIREMENT = Requirement(metric="accuracy", suite="a" * 64, margin=0.02)
GATE = Gate(requires=(REQUIREMENT,))
NOW = 1_000_000.0
ROLLOUT = Rollout(
    id="ro_1",
    endpoint="bot",
    release="c" * 64,
    control="l" * 64,
    plan=Plan(shadow=Shadow(), canary=Canary(steps=(0.05, 0.5), units=10, at_least="1m")),
    reason="",
    author="ada",
    author_key="key_ada",
    created=NOW,
    stage=Stage.GATE,
    step=0,
    state=State.RUNNING,
    entered=NOW,
    updated=NOW,
    salt="00",
    identity="i",
    analysis=None,
    why="",
    moves=0,
)
FACTS = Facts(gate=None, verdicts={}, approvals=(), identity="i", control="l" * 64, comparison=Comparison())


def verdict(word: str) -> Decision:
    return Decision(verdict=word, reasons=[f"it is {word}"])


def said(by: str, approved: bool = True, *conditions: Condition) -> Approval:
    return Approval(NOW, by, approved, "looked at it", conditions)


PASSED = replace(FACTS, gate=GATE, verdicts={REQUIREMENT: verdict("pass")}, approvals=(said("grace"),))


def test_without_a_gate_it_goes_on_to_the_first_stage_of_its_plan() -> None:
    assert decide(ROLLOUT, FACTS, NOW) == Move(Action.ADVANCE, "The gate passed.", Stage.SHADOW)


@pytest.mark.parametrize(
    ("plan", "stage"),
    [(Plan(canary=Canary()), Stage.CANARY), (Plan(canary=None), Stage.LIVE), (Plan(shadow=Shadow()), Stage.SHADOW)],
)
def test_a_stage_that_the_plan_leaves_out_is_left_out(plan: Plan, stage: Stage) -> None:
    assert decide(replace(ROLLOUT, plan=plan), PASSED, NOW).stage is stage


def test_without_a_live_release_there_is_nothing_to_compare_with() -> None:
    move = decide(replace(ROLLOUT, control=None), replace(PASSED, control=None), NOW)
    assert (move.action, move.stage) == (Action.ADVANCE, Stage.LIVE)


def test_the_gate_says_what_is_missing() -> None:
    facts = replace(FACTS, gate=GATE)
    assert "evidence for accuracy" in decide(ROLLOUT, facts, NOW).why
    facts = replace(facts, verdicts={REQUIREMENT: verdict("underpowered")})
    move = decide(ROLLOUT, facts, NOW)
    assert move.action is Action.WAIT
    assert "underpowered" in move.why
    facts = replace(facts, verdicts={REQUIREMENT: verdict("pass")})
    assert "1 approval by others" in decide(ROLLOUT, facts, NOW).why


def test_the_same_person_counts_once() -> None:
    facts = replace(PASSED, gate=Gate(requires=(REQUIREMENT,), approvals=2), approvals=(said("grace"), said("grace")))
    assert decide(ROLLOUT, facts, NOW).action is Action.WAIT
    facts = replace(facts, approvals=(said("grace"), said("alan")))
    assert decide(ROLLOUT, facts, NOW).action is Action.ADVANCE


def test_a_verdict_of_fail_and_a_refusal_end_it() -> None:
    assert decide(ROLLOUT, replace(PASSED, verdicts={REQUIREMENT: verdict("fail")}), NOW).action is Action.ABORT
    for stage in (Stage.GATE, Stage.SHADOW, Stage.CANARY):
        move = decide(replace(ROLLOUT, stage=stage), replace(PASSED, approvals=(said("grace", False),)), NOW)
        assert move.action is Action.ABORT
        assert "grace did not approve" in move.why


def test_a_shadow_waits_for_its_pairs_and_then_for_people() -> None:
    shadow = replace(ROLLOUT, stage=Stage.SHADOW)
    some, enough = Comparison(units=199), Comparison(units=200)
    assert decide(shadow, replace(PASSED, comparison=some), NOW).action is Action.WAIT
    assert decide(shadow, replace(PASSED, comparison=some), NOW + 90_000).action is Action.HOLD
    assert decide(shadow, replace(PASSED, comparison=enough), NOW).stage is Stage.CANARY


def test_a_canary_goes_step_by_step_and_live_only_when_shown_to_be_safe() -> None:
    canary = replace(ROLLOUT, stage=Stage.CANARY)
    enough = replace(PASSED, comparison=Comparison(units=10))
    assert decide(canary, replace(PASSED, comparison=Comparison(units=9)), NOW + 61).action is Action.WAIT
    assert decide(canary, enough, NOW + 59).action is Action.WAIT
    move = decide(canary, enough, NOW + 60)
    assert (move.action, move.stage, move.step) == (Action.ADVANCE, Stage.CANARY, 1)
    last = replace(canary, step=1)
    assert decide(last, enough, NOW + 1e9).action is Action.WAIT  # inconclusive is not shipped, however long it takes
    safe = replace(PASSED, comparison=Comparison(Finding.SAFE, 10))
    assert decide(last, safe, NOW + 60).stage is Stage.LIVE


def test_a_canary_takes_no_step_while_harm_is_suspected() -> None:
    suspected = replace(PASSED, comparison=Comparison(Finding.SUSPECTED, 10, ("errors",)))
    plan = Plan(canary=Canary(steps=(0.05, 0.5), harm_for="60s"))
    for step in (0, 1):
        move = decide(replace(ROLLOUT, plan=plan, stage=Stage.CANARY, step=step), suspected, NOW + 1e6)
        assert move == Move(Action.WAIT, f"Canary at {(0.05, 0.5)[step]}: ends if this lasts 60s. errors")


def test_a_condition_that_is_not_met_keeps_it_from_going_live() -> None:
    last = replace(ROLLOUT, stage=Stage.CANARY, step=1)
    safe = replace(PASSED, comparison=Comparison(Finding.SAFE, 10))
    waiting = replace(safe, approvals=(said("grace", True, Condition("the help page is changed", None)),))
    move = decide(last, waiting, NOW + 60)
    assert move.action is Action.WAIT
    assert "the help page is changed" in move.why
    met = Condition("the help page is changed", {"at": NOW, "by": "grace"})
    assert decide(last, replace(safe, approvals=(said("grace", True, met),)), NOW + 60).stage is Stage.LIVE


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
@pytest.mark.parametrize("stage", [Stage.SHADOW, Stage.CANARY])
def test_harm_ends_it_also_while_it_is_paused(stage: Stage, state: State) -> None:
    harm = replace(PASSED, comparison=Comparison(Finding.HARM, 3, ("errors",)))
    assert decide(replace(ROLLOUT, stage=stage, state=state), harm, NOW) == Move(Action.ABORT, "errors")


def test_arms_that_are_not_as_drawn_hold_it() -> None:
    crooked = replace(PASSED, comparison=Comparison(Finding.INVALID, 1000, ("the arms",)))
    assert decide(replace(ROLLOUT, stage=Stage.CANARY), crooked, NOW + 1e6).action is Action.HOLD


@pytest.mark.parametrize(
    "lost", [{"identity": None}, {"identity": "another"}, {"control": "n" * 64}, {"control": None}]
)
def test_what_it_was_begun_on_must_still_be_there(lost: dict[str, str | None]) -> None:
    assert decide(ROLLOUT, replace(PASSED, **lost), NOW).action is Action.ABORT
    assert decide(replace(ROLLOUT, stage=Stage.DRAFT), replace(PASSED, **lost), NOW).action is Action.WAIT


@given(
    stage=st.sampled_from(Stage),
    state=st.sampled_from(State),
    step=st.integers(0, 1),
    word=st.sampled_from(["pass", "fail", "underpowered", "invalid", None]),
    approvers=st.lists(st.sampled_from(["grace", "alan"])),
    finding=st.sampled_from(Finding),
    units=st.integers(0, 1000),
    later=st.floats(0, 1e7),
)
def test_nothing_leaves_the_gate_unproven_and_nothing_goes_live_inconclusive(
    stage: Stage,
    state: State,
    step: int,
    word: str | None,
    approvers: list[str],
    finding: Finding,
    units: int,
    later: float,
) -> None:
    rollout = replace(ROLLOUT, stage=stage, state=state, step=step)
    verdicts = {REQUIREMENT: verdict(word)} if word is not None else {}
    facts = replace(
        FACTS,
        gate=GATE,
        verdicts=verdicts,
        approvals=tuple(said(name) for name in approvers),
        comparison=Comparison(finding, units, ("because",)),
    )
    move = decide(rollout, facts, NOW + later)
    if move.action is Action.ADVANCE:
        assert state is State.RUNNING
        assert finding not in (Finding.HARM, Finding.INVALID)
        assert not (stage is Stage.CANARY and finding is Finding.SUSPECTED)
        if stage is Stage.GATE:
            assert word == "pass"
            assert approvers
        if move.stage is Stage.LIVE:
            assert (stage, step, finding) == (Stage.CANARY, 1, Finding.SAFE)
