"""From what was found to what is recommended: a pure function, and a table of what leads back to where.

What is asked by `must` and is not met leads back to a phase of CPMAI; what is asked by `should` and is not met is a
condition; what is only told changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import msgspec

from evals.evaluation.findings import PHASES, Finding, Kind, Phase, State

Outcome = Literal["proceed", "proceed_with_conditions", "return_to_phase"]

RETURNS: Mapping[tuple[Kind, State], tuple[Phase, ...]] = {
    ("technical", "missed"): ("modeling",),
    ("business", "missed"): ("business_understanding",),
    ("generalisation", "missed"): ("data_preparation", "modeling"),
    ("folds", "missed"): ("modeling",),
    ("bias", "missed"): ("data_understanding", "data_preparation"),
    ("bias", "unknown"): ("data_understanding",),
    ("gate", "missed"): ("modeling",),
}
"""Where work goes back to; whatever is not here leads to evaluation: too little was run, or what was run is no
evidence. A bias that cannot be told takes more data of the slice, which evaluation alone does not bring."""

ORDER: tuple[Phase, ...] = get_args(Phase)


class Return(msgspec.Struct, frozen=True):
    """What leads back, to which phases, and why."""

    name: str
    kind: Kind
    state: State
    phases: tuple[Phase, ...]
    reason: str


class Condition(msgspec.Struct, frozen=True):
    """What is to be done, in words, as something that should be met is not."""

    name: str
    kind: Kind
    state: State
    condition: str
    reason: str


class Recommendation(msgspec.Struct, frozen=True):
    """`phase` is the earliest that anything leads back to, or where work goes on. After `valid_until` (Unix time) the
    runs count no more."""

    outcome: Outcome
    phase: Phase
    returns: tuple[Return, ...]
    conditions: tuple[Condition, ...]
    valid_until: float

    @property
    def words(self) -> str:
        if self.outcome == "return_to_phase":
            return f"Return to {PHASES[self.phase]}"
        return "Proceed" if self.outcome == "proceed" else "Proceed with conditions"


def recommend(findings: Iterable[Finding], valid_until: float) -> Recommendation:
    """A business KPI that is missed leads back to the business where what was built is as good as it was to be. Where
    that is missed too, it is the model that comes first."""
    wanting = [one for one in findings if one.state != "met"]
    must = [one for one in wanting if one.priority == "must"]
    built = not any(one.kind in ("technical", "gate") and one.state == "missed" for one in must)
    returns = tuple(Return(one.name, one.kind, one.state, phases_of(one, built), one.reasons[0]) for one in must)
    conditions = tuple(
        Condition(one.name, one.kind, one.state, one.condition or _usual(one), one.reasons[0])
        for one in wanting
        if one.priority == "should"
    )
    if returns:
        phase = min((phase for one in returns for phase in one.phases), key=ORDER.index)
        return Recommendation("return_to_phase", phase, returns, conditions, valid_until)
    outcome: Outcome = "proceed_with_conditions" if conditions else "proceed"
    return Recommendation(outcome, "operationalization", (), conditions, valid_until)


def phases_of(finding: Finding, built: bool = True) -> tuple[Phase, ...]:
    """`built` is whether no technical KPI is missed."""
    if finding.kind == "business" and finding.state == "missed" and not built:
        return ("modeling",)
    return RETURNS.get((finding.kind, finding.state), ("evaluation",))


def _usual(finding: Finding) -> str:
    """Where the plan says nothing."""
    if finding.state == "missed":
        return f"Watch {finding.name}: it should be {finding.target}, and is not."
    if finding.state == "invalid":
        return f"Run {finding.name} anew: what was run is no evidence."
    many = f" About {finding.needed} items would tell." if finding.needed is not None else ""
    return f"Find out about {finding.name}: it should be {finding.target}, and is not known to be.{many}"
