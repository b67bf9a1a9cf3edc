"""An assessment as one page in one file: no network, no script, light and dark, for the screen and for paper.

Slices and reasons quote other people's words: all text is escaped, and the page forbids itself everything but its
style."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from evals.evaluation.assessment import Assessment
from evals.evaluation.findings import PHASES, Disparities, Finding, OfFolds, State
from evals.evaluation.words import STATES, interval, p_value, value, worse
from evals.reports.charts import Line, forest

TONES: Mapping[str, str] = {
    "proceed": "pass",
    "proceed_with_conditions": "underpowered",
    "return_to_phase": "fail",
}
"""As verdicts are in the report of a run."""
STATE_TONES: Mapping[State, str] = {"met": "pass", "missed": "fail", "unknown": "underpowered", "invalid": "invalid"}
MOST_SLICES = 60


def html(found: Assessment) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("evals.evaluation", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(value=value, interval=interval, worse=worse, p=p_value, moment=_moment)
    return environment.get_template("report.html.jinja").render(
        found=found,
        made=found.recommendation,
        tone=TONES[found.recommendation.outcome],
        tones=STATE_TONES,
        states=STATES,
        phases=PHASES,
        most=MOST_SLICES,
        gaps=forest([_line(one) for one in found.generalisation if one.measured is not None]),
        of_folds=[(one, _folds(one)) for one in found.folds],
        disparities=[(one, _slices(one)) for one in found.bias],
    )


def _line(one: Finding) -> Line:
    assert one.measured is not None
    return Line(one.name, one.measured, one.low, one.high, "worse" if one.state == "missed" else "plain")


def _folds(one: OfFolds) -> str:
    if one.measured is None:
        return ""
    folds = [Line(f"fold {number}", value, None, None) for number, value in enumerate(one.values, 1)]
    return forest([*folds, Line("mean", one.measured, one.low, one.high)], zero=None)


def _slices(one: Disparities) -> str:
    lines = [
        Line(
            f"{part.value} ({part.n})",
            part.worse,
            part.low,
            part.high,
            {"missed": "worse", "met": "better"}.get(part.state, "plain"),
        )
        for part in one.slices[:MOST_SLICES]
    ]
    return forest(lines)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %B %Y, %H:%M UTC")
