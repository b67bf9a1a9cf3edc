"""An assessment as Markdown, for a pull request: the recommendation first, then technical and business KPIs side by
side.

Slices and reasons quote other people's words: nothing in them is a link, a mention or a heading of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from evals.evaluation.assessment import Assessment
from evals.evaluation.findings import PHASES, Disparities, Finding, State
from evals.evaluation.integrity import moment
from evals.evaluation.recommendation import Recommendation
from evals.evaluation.words import STATES, measured, p_value, worse
from evals.reports.shown import shown

MARKS = {"proceed": "✅", "proceed_with_conditions": "⚖️", "return_to_phase": "❌"}
STATE_MARKS: dict[State, str] = {"met": "✅", "missed": "❌", "unknown": "⚖️", "invalid": "⛔"}
MOST_SLICES = 40


def markdown(found: Assessment) -> str:
    return "\n".join(_lines(found)).rstrip() + "\n"


def _lines(found: Assessment) -> Iterator[str]:
    yield from _head(found)
    yield from _side_by_side(found)
    yield from _table("On data that was not seen", (*found.generalisation, *found.folds))
    for one in found.bias:
        yield from _slices(one)
    yield from _table("What it rests on", (*found.gates, *found.integrity))
    yield from _why(found)
    told = [f"plan `{found.plan.digest[:12]}`", *(f"{run.name} `{run.candidate[:12]}`" for run in found.runs)]
    yield f"<sub>{' · '.join([*told, f'counts until {moment(found.recommendation.valid_until)}'])}</sub>"


def _head(found: Assessment) -> Iterator[str]:
    made = found.recommendation
    yield f"## {MARKS[made.outcome]} {made.words}: {plain(found.plan.name)}"
    yield ""
    yield f"{plain(found.plan.question)}"
    yield ""
    yield from _led_to(made)


def _led_to(made: Recommendation) -> Iterator[str]:
    for one in made.returns:
        phases = " and ".join(PHASES[phase] for phase in one.phases)
        yield f"- {phases}: **{plain(one.name)}** is {STATES[one.state]}: {plain(one.reason)}"
    for condition in made.conditions:
        yield f"- Condition: {plain(condition.condition)} ({plain(condition.name)} is {STATES[condition.state]})"
    if made.returns or made.conditions:
        yield ""


def _side_by_side(found: Assessment) -> Iterator[str]:
    yield "| technical | target | measured | | business | target | measured | |"
    yield "|---|---|---|---|---|---|---|---|"
    for one, other in zip_longest(found.technical, found.business):
        yield f"| {' | '.join((*_cells(one), *_cells(other)))} |"
    yield ""


def _cells(one: Finding | None) -> tuple[str, ...]:
    if one is None:
        return ("", "", "", "")
    return plain(_called(one)), plain(one.target), plain(measured(one)), STATE_MARKS[one.state]


def _table(title: str, findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield f"**{title}**"
    yield ""
    yield "| | target | measured | |"
    yield "|---|---|---|---|"
    for one in findings:
        yield f"| {' | '.join(_cells(one))} |"
    yield ""


def _slices(found: Disparities) -> Iterator[str]:
    yield f"**Bias: {plain(_called(found))}**, {plain(found.target)} {STATE_MARKS[found.state]}"
    yield ""
    if not found.slices:
        yield plain(found.reasons[0])
        yield ""
        return
    yield "| slice | mean | worse than the rest by | adjusted p | items | clusters | |"
    yield "|---|---|---|---|---|---|---|"
    for one in found.slices[:MOST_SLICES]:
        numbers = f"{one.mean:.4g} | {worse(one)} | {p_value(one.adjusted)} | {one.n} | {one.clusters}"
        yield f"| {plain(one.value)} | {numbers} | {STATE_MARKS[one.state]} |"
    if len(found.slices) > MOST_SLICES:
        yield f"| … and {len(found.slices) - MOST_SLICES} more that are better | | | | | | |"
    yield ""


def _why(found: Assessment) -> Iterator[str]:
    yield "<details><summary>Why</summary>"
    yield ""
    for one in found.findings:
        for reason in one.reasons:
            yield f"- {STATE_MARKS[one.state]} {plain(one.name)}: {plain(reason)}"
    yield ""
    yield "</details>"
    yield ""


def _called(one: Finding) -> str:
    return one.name if one.priority == "must" else f"{one.name} ({one.priority})"


def plain(text: str) -> str:
    """On one line, all marks of Markdown and HTML taken for what they are."""
    return re.sub(r"([\\`*_{}\[\]<>#|@~&])", r"\\\1", shown(" ".join(text.split()))[:500])
