"""What an evaluation rests on: that its runs are of one candidate, that a gate let it pass, and that the plan was
settled before them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from evals.evaluation.findings import Finding, State
from evals.evaluation.plan import Plan
from evals.evaluation.runs import Ran
from evals.evaluation.seal import Seal

OF_VERDICT: Mapping[str, State] = {"pass": "met", "fail": "missed", "underpowered": "unknown", "invalid": "invalid"}


def one_candidate(runs: Mapping[str, Ran], folds: Collection[str]) -> Finding:
    """Folds are models of their own, each trained on other data."""
    held = {name: ran for name, ran in runs.items() if name not in folds}
    releases = {ran.evidence.release for ran in held.values()}
    said = ", ".join(f"{name} of {ran.evidence.release[:12]}" for name, ran in held.items())
    state: State = "met" if len(releases) < 2 else "invalid"
    reason = f"the runs are of {len(releases)} candidates: {said}" if state == "invalid" else f"runs: {said}"
    return Finding(
        kind="integrity",
        name="one candidate",
        target="all runs are of one release, or one target",
        state=state,
        reasons=(reason,),
    )


def sealed(plan: Plan, seals: Iterable[Seal], runs: Mapping[str, Ran]) -> Finding:
    """By the first seal of the plan as it is now: one that was changed and sealed anew was settled then."""
    first = min((ran.header.started for ran in runs.values()), default=0.0)
    at = min((seal.at for seal in seals if seal.digest == plan.digest), default=None)
    if at is None:
        changed = any(seal.digest != plan.digest for seal in seals)
        reason = "the plan was changed after it was sealed" if changed else "the plan was never sealed"
    elif at > first:
        reason = f"the plan was sealed {moment(at)}, after the first run, of {moment(first)}"
    else:
        reason = f"sealed {moment(at)}, before the first run, of {moment(first)}"
    return Finding(
        kind="integrity",
        name="settled beforehand",
        priority="should",
        condition="Seal the plan, and run it anew: what is settled after it was seen proves less.",
        target="the plan is sealed before the first run",
        state="met" if at is not None and at <= first else "unknown",
        reasons=(reason,),
    )


def gates(plan: Plan, runs: Mapping[str, Ran]) -> list[Finding]:
    """Of runs that have a verdict, or must. What a gate came to is taken from `gate.json`, which says of what evidence:
    of another run's it is none."""
    return [_gate(ran, demanded=plan.file.runs[name].gate) for name, ran in runs.items() if _asked(plan, name, ran)]


def _asked(plan: Plan, name: str, ran: Ran) -> bool:
    return plan.file.runs[name].gate or ran.gate is not None


def _gate(ran: Ran, demanded: bool) -> Finding:
    state: State
    if ran.gate is None:
        state, reasons = "unknown", ["no gate was asked: run it with --gate or --gate-file"]
    elif ran.gate["evidence"] != ran.fingerprint:
        state, reasons = "invalid", ["gate.json is about other results than the run has"]
    else:
        state, reasons = OF_VERDICT.get(str(ran.gate["verdict"]), "invalid"), list(_reasons(ran.gate))
    proven = ran.gate is not None and ran.gate.get("proof") is not None
    return Finding(
        kind="gate",
        name=f"gate of {ran.name}",
        target="the gate's verdict is pass",
        source="signed by the gateway" if proven else "judged where it was run",
        state=state,
        reasons=tuple(reasons) or ("nothing was asked",),
        n=len(ran.evidence.items),
        about="the plan demands it" if demanded else "",
    )


def _reasons(gate: Mapping[str, object]) -> Iterable[str]:
    asked = gate.get("requires")
    for one in asked if isinstance(asked, list) else []:
        decision = one.get("verdict") if isinstance(one, dict) else None
        if isinstance(decision, dict):
            yield from (str(reason) for reason in decision.get("reasons", ()))
        else:
            yield "there is no evidence for one of its requirements"


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
