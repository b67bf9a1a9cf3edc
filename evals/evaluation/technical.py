"""Technical KPIs: each is judged as a gate would, by the same function."""

from __future__ import annotations

import math
from typing import Any

from evals.evaluation.findings import Finding, State
from evals.evaluation.plan import Technical
from evals.evaluation.runs import Ran, Standard, requirement
from evals.gate import Verdict, decide

OF_VERDICT: dict[Verdict, State] = {"pass": "met", "fail": "missed", "underpowered": "unknown", "invalid": "invalid"}


def technical(kpi: Technical, ran: Ran, standard: Standard) -> Finding:
    """The numbers are of the candidate as they are; of a margin and of superiority they are the difference to the
    baseline, more being better."""
    decision = decide(requirement(ran, kpi.metric, standard, **_asked(kpi, standard)), ran.evidence, standard.now)
    turned = kpi.at_most is not None
    low, high = (_minus(decision.high), _minus(decision.low)) if turned else (decision.low, decision.high)
    return Finding(
        kind="technical",
        name=kpi.called,
        about=kpi.about,
        priority=kpi.priority,
        condition=kpi.condition,
        state=OF_VERDICT[decision.verdict],
        reasons=tuple(decision.reasons),
        target=target(kpi, ran.lower(kpi.metric)),
        unit="difference" if kpi.margin is not None or kpi.superiority else "",
        source=ran.name,
        measured=_minus(decision.estimate) if turned else decision.estimate,
        low=low,
        high=high,
        baseline=_mean_of_baseline(kpi, ran),
        n=decision.n,
        clusters=decision.clusters,
        needed=decision.needed,
    )


def target(kpi: Technical, lower: bool) -> str:
    better = "lower" if lower else "higher"
    if kpi.superiority:
        return f"{better} than the baseline"
    if kpi.margin is not None:
        by = f"{kpi.margin:g}" + (" of it" if kpi.relative else "")
        share = f" more often above its {kpi.quantile:g} quantile" if kpi.quantile is not None else ""
        return f"not worse than the baseline by {by}{share}"
    if kpi.at_least is not None:
        return f"at least {kpi.at_least:g}"
    if kpi.quantile is not None:
        return f"above {kpi.at_most:g} in less than {1 - kpi.quantile:.4g} of items"
    return f"at most {kpi.at_most:g}"


def _asked(kpi: Technical, standard: Standard) -> dict[str, Any]:
    """As a requirement. It halves its error for the first run, which the bounds of everything else have already."""
    given = kpi.model_dump(
        include={"at_least", "at_most", "margin", "superiority", "relative", "quantile", "min_items", "contaminated"}
    )
    direction = {"direction": "lower"} if kpi.quantile is not None else {}
    return {**given, **direction, "alpha": 2 * standard.alpha}


def _minus(value: float | None) -> float | None:
    return None if value is None else 0.0 - value


def _mean_of_baseline(kpi: Technical, ran: Ran) -> float | None:
    found = [item.baseline[kpi.metric] for item in ran.evidence.items if item.baseline and kpi.metric in item.baseline]
    return math.fsum(found) / len(found) if len(found) == len(ran.evidence.items) else None
