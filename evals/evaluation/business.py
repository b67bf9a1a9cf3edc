"""Business KPIs: what the numbers of a run are worth to whoever pays, or what was measured elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evals.evaluation.findings import Finding, State, between, beyond, known, number
from evals.evaluation.measurements import Measurement, Measurements
from evals.evaluation.plan import Business
from evals.evaluation.runs import Ran, Standard, remarks, why_not
from evals.statistics import bounds, ratios
from evals.statistics.bounds import Bounds


def business(kpi: Business, runs: Mapping[str, Ran], measured: Measurements | None, standard: Standard) -> Finding:
    if kpi.measured is None:
        return _of_run(kpi, runs[kpi.run], standard)
    one = measured.found.get(kpi.measured) if measured is not None else None
    if measured is None or one is None:
        return _told(kpi, "unknown", [f"{kpi.measured} was not measured yet"])
    source = f"{one.source}, {one.date.isoformat()}"
    if one.file is not None:
        held = measured.rows[kpi.measured]
        return _judged(kpi, bounds.mean(held.values, held.clusters, standard.alpha), source)
    return _stated(kpi, one, source)


def _of_run(kpi: Business, ran: Ran, standard: Standard) -> Finding:
    assert kpi.sum is not None
    metrics = sorted({*kpi.sum, *(kpi.per or ())})
    source = f"{ran.name}: {formula(kpi)}"
    for metric in metrics:
        if (why := why_not(ran, metric, standard)) is not None:
            return _told(kpi, "invalid", [f"{metric}: {why}"], source=source)
    noted = [f"{metric}: {note}" for metric in metrics for note in remarks(ran, metric, standard)]
    noted += [_uncorrected(metric) for metric in metrics if ran.evidence.judge_of(metric) is not None]
    clusters = [item.cluster or f"item:{item.id}" for item in ran.evidence.items]
    top = _weighed(kpi.sum, ran)
    if kpi.per is None:
        return _judged(kpi, _scaled(bounds.mean(top, clusters, standard.alpha), kpi), source, noted)
    bottom = _weighed(kpi.per, ran)
    if math.fsum(bottom) <= 0:
        below = " + ".join(kpi.per)
        return _told(kpi, "missed", [f"the sum of {below} is not above 0: there is nothing to share by"], source=source)
    return _judged(kpi, _scaled(ratios.ratio(top, bottom, clusters, standard.alpha), kpi), source, noted)


def _scaled(found: Bounds, kpi: Business) -> Bounds:
    if kpi.times < 0:
        found = found.turned()
    times = abs(kpi.times)
    return replace(
        found,
        estimate=found.estimate * times + kpi.plus,
        low=found.low * times + kpi.plus,
        high=found.high * times + kpi.plus,
        error=found.error * times,
        farthest=found.farthest * times,
    )


def _weighed(weights: Mapping[str, float], ran: Ran) -> list[float]:
    return [
        math.fsum(weight * item.candidate[metric] for metric, weight in weights.items()) for item in ran.evidence.items
    ]


def _judged(kpi: Business, found: Bounds, source: str, noted: Sequence[str] = ()) -> Finding:
    turned, threshold = (found, kpi.at_least) if kpi.at_least is not None else (found.turned(), -(kpi.at_most or 0.0))
    assert threshold is not None
    judged = beyond(turned, threshold, kpi.min_items)
    low, high = known(found.low), known(found.high)
    words = f"{between(found.estimate, low, high)} {kpi.unit}".rstrip()
    said = f"{words}, of {found.n} in {found.clusters} clusters"
    if judged.needed is not None:
        said += f": about {judged.needed} would tell"
    more: dict[str, Any] = {"measured": found.estimate, "low": low, "high": high}
    more |= {"n": found.n, "clusters": found.clusters, "needed": judged.needed, "source": source}
    return _told(kpi, judged.state, [said, *noted], **more)


def _stated(kpi: Business, one: Measurement, source: str) -> Finding:
    """As somebody states it; what has no interval is taken to be exact."""
    assert one.value is not None
    worst, best = (one.low, one.high) if kpi.at_least is not None else (one.high, one.low)
    worst, best = (one.value, one.value) if worst is None or best is None else (worst, best)
    state: State = "met" if _reaches(kpi, worst) else "unknown" if _reaches(kpi, best) else "missed"
    if state == "unknown" and not _reaches(kpi, one.value):
        state = "missed"
    exact = "" if one.low is not None else ", stated without an interval"
    said = f"{between(one.value, one.low, one.high)} {kpi.unit}".rstrip()
    reason = f"{said}{exact}: {source}"
    return _told(kpi, state, [reason], measured=one.value, low=one.low, high=one.high, source=source)


def _reaches(kpi: Business, value: float) -> bool:
    return value >= kpi.at_least if kpi.at_least is not None else value <= (kpi.at_most or 0.0)


def _told(kpi: Business, state: State, reasons: Sequence[str], **more: Any) -> Finding:
    asked = f"at least {number(kpi.at_least)}" if kpi.at_least is not None else f"at most {number(kpi.at_most or 0.0)}"
    return Finding(
        kind="business",
        name=kpi.name,
        about=kpi.about,
        priority=kpi.priority,
        condition=kpi.condition,
        state=state,
        reasons=tuple(reasons),
        target=f"{asked} {kpi.unit}".rstrip(),
        unit=kpi.unit,
        **more,
    )


def _uncorrected(metric: str) -> str:
    return f"{metric} is as the judge found it, its errors not taken off"


def formula(kpi: Business) -> str:
    """As it is worked out, in words."""
    said = _linear(kpi.sum or {})
    if kpi.per is not None:
        said = f"({said}) / ({_linear(kpi.per)})"
    elif kpi.times != 1 and len(kpi.sum or {}) > 1:
        said = f"({said})"
    said += "" if kpi.times == 1 else f" * {kpi.times:g}"
    return said + ("" if kpi.plus == 0 else f" {'+' if kpi.plus > 0 else '-'} {abs(kpi.plus):g}")


def _linear(weights: Mapping[str, float]) -> str:
    terms = [f"{'' if abs(weight) == 1 else f'{abs(weight):g} '}{metric}" for metric, weight in weights.items()]
    signs = ["-" if weight < 0 else "+" for weight in weights.values()]
    first = f"{'-' if signs[0] == '-' else ''}{terms[0]}"
    return " ".join([first, *(f"{sign} {term}" for sign, term in zip(signs[1:], terms[1:], strict=True))])
