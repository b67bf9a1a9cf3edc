"""Where a rollout goes next. Pure: what is known comes in, one move comes out; `gateway.releases.conduct` makes it.

A robot aborts alone, at any stage. It goes forward only when the gate has passed and the people who must have agreed.
What is inconclusive holds: nothing here goes live because time has passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evals.gate import Decision, Requirement
from gateway.durations import seconds
from gateway.releases.plan import Gate
from gateway.releases.rollout import Approval, Rollout, Stage, State


class Finding(StrEnum):
    """What the comparison of candidate and live release says so far."""

    NOTHING_YET = "nothing_yet"
    SUSPECTED = "suspected"
    """Harm, shown for less long than it must be."""
    HARM = "harm"
    SAFE = "safe"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`units` of the candidate's own in this step, or pairs in the shadow stage; `reasons` in words."""

    finding: Finding = Finding.NOTHING_YET
    units: int = 0
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known. `gate` is None where the endpoint is not protected; `verdicts` has one decision for each of its
    requirements that there is evidence for. `identity` names what answers for the upstream now, None where it is not
    configured. `control` is the release that is live now."""

    gate: Gate | None
    verdicts: Mapping[Requirement, Decision]
    approvals: Sequence[Approval]
    identity: str | None
    control: str | None
    comparison: Comparison


class Action(StrEnum):
    WAIT = "wait"
    ADVANCE = "advance"
    HOLD = "hold"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Move:
    """`stage` and `step` are where an advance leads to. `why` says in words what is missing, or what decided it."""

    action: Action
    why: str
    stage: Stage | None = None
    step: int = 0


def decide(rollout: Rollout, facts: Facts, now: float) -> Move:
    """One move from where the rollout stands."""
    if not rollout.open:
        return Move(Action.WAIT, rollout.why)
    if (lost := _lost_ground(rollout, facts)) is not None:
        return Move(Action.ABORT, lost)
    if refusals := [approval for approval in facts.approvals if not approval.approved]:
        return Move(Action.ABORT, f"{refusals[0].by} did not approve it: {refusals[0].note}")
    if facts.comparison.finding is Finding.HARM:
        return Move(Action.ABORT, "; ".join(facts.comparison.reasons))  # also while people have paused it
    if rollout.state is State.PAUSED:
        return Move(Action.WAIT, rollout.why)
    if facts.comparison.finding is Finding.INVALID:
        return Move(Action.HOLD, "; ".join(facts.comparison.reasons))
    match rollout.stage:
        case Stage.GATE:
            return _at_gate(rollout, facts)
        case Stage.SHADOW:
            return _in_shadow(rollout, facts, now)
        case Stage.CANARY:
            return _in_canary(rollout, facts, now)
        case _:
            return Move(Action.WAIT, "It is a draft: submit it.")


def _lost_ground(rollout: Rollout, facts: Facts) -> str | None:
    """What the rollout was begun on is not there any more."""
    if rollout.stage is Stage.DRAFT:
        return None
    if facts.identity is None:
        return "The upstream of its release is not configured any more."
    if rollout.identity and facts.identity != rollout.identity:
        return "The upstream of its release was configured anew: what was proven of it does not hold."
    if facts.control != rollout.control:
        return "Another release went live meanwhile: there is nothing left to compare it with."
    return None


def _at_gate(rollout: Rollout, facts: Facts) -> Move:
    if facts.gate is not None:
        missing = []
        for requirement in facts.gate.requires:
            decision = facts.verdicts.get(requirement)
            if decision is None:
                missing.append(f"evidence for {requirement.metric} from the suite {requirement.suite[:12]}")
            elif decision.verdict == "fail":
                return Move(Action.ABORT, f"{requirement.metric}: {'; '.join(decision.reasons)}")
            elif decision.verdict != "pass":
                missing.append(f"{requirement.metric} is {decision.verdict}: {'; '.join(decision.reasons)}")
        if missing:
            return Move(Action.WAIT, f"The gate waits for {' and for '.join(missing)}.")
        lacking = facts.gate.approvals - len({approval.by for approval in facts.approvals})
        if lacking > 0:
            return Move(Action.WAIT, f"The gate passed; {lacking} approval{'s' * (lacking > 1)} by others missing.")
    return _onward(rollout, facts, Stage.GATE, "The gate passed.")


def _in_shadow(rollout: Rollout, facts: Facts, now: float) -> Move:
    plan = rollout.plan.shadow
    assert plan is not None
    seen = f"{facts.comparison.units} of {plan.pairs} pairs"
    if facts.comparison.units >= plan.pairs:
        return _onward(rollout, facts, Stage.SHADOW, f"No harm in {seen}.")
    if now - rollout.entered > seconds(plan.at_most):
        return Move(
            Action.HOLD, f"{seen} in {plan.at_most}: more traffic, a larger sample or a larger budget is needed."
        )
    return Move(Action.WAIT, f"Shadow: {seen}.")


def _in_canary(rollout: Rollout, facts: Facts, now: float) -> Move:
    plan = rollout.plan.canary
    assert plan is not None
    share = f"Canary at {rollout.weight:.3g}"
    if facts.comparison.finding is Finding.SUSPECTED:
        return Move(Action.WAIT, f"{share}: ends if this lasts {plan.harm_for}. {'; '.join(facts.comparison.reasons)}")
    if facts.comparison.units < plan.units:
        return Move(Action.WAIT, f"{share}: {facts.comparison.units} of {plan.units} units.")
    if now - rollout.entered < seconds(plan.at_least):
        return Move(Action.WAIT, f"{share}: {facts.comparison.units} units, younger than {plan.at_least}.")
    if rollout.step + 1 < len(plan.steps):
        return Move(
            Action.ADVANCE, f"{share}: no harm in {facts.comparison.units} units.", Stage.CANARY, rollout.step + 1
        )
    if facts.comparison.finding is not Finding.SAFE:
        return Move(
            Action.WAIT, f"{share}: not shown yet to be within its margins. {'; '.join(facts.comparison.reasons)}"
        )
    return _live(facts, "; ".join(facts.comparison.reasons))


def _onward(rollout: Rollout, facts: Facts, after: Stage, why: str) -> Move:
    """The next stage that the plan has. Without a live release there is nothing to compare with."""
    compared = rollout.control is not None and rollout.control != rollout.release
    if compared and after is Stage.GATE and rollout.plan.shadow is not None:
        return Move(Action.ADVANCE, why, Stage.SHADOW)
    if compared and rollout.plan.canary is not None:
        return Move(Action.ADVANCE, why, Stage.CANARY)
    return _live(facts, why)


def _live(facts: Facts, why: str) -> Move:
    unmet = [text for approval in facts.approvals for text in approval.unmet]
    if unmet:
        return Move(Action.WAIT, f"Approved under conditions that are not met: {'; '.join(unmet)}.")
    return Move(Action.ADVANCE, why, Stage.LIVE)
