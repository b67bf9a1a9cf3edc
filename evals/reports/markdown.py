"""Markdown for a pull request: the verdict first, then the numbers, and what changed folded away.

Questions and answers are other people's words: they stand in fences that nothing in them can close, so that no link, no
mention and no heading of theirs is one of the comment's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evals.changes import Change
from evals.comparison import Flip
from evals.reports.report import Report
from evals.reports.shown import shown
from evals.sample import Json
from evals.summaries import Mean

MOST_CHARACTERS = 65_536
"""Of a comment on GitHub."""
MOST_FLIPS = 10
MOST_PARTS = 30
LONGEST = 500
"""Characters of a text that is quoted."""
NAME = 80
"""Characters of a name."""
MARKS = {"pass": "✅", "fail": "❌", "underpowered": "⚖️", "invalid": "⛔"}


def markdown(report: Report) -> str:
    """At most as long as a comment may be: what changed is cut first."""
    head = "\n".join(_head(report))[: MOST_CHARACTERS - 400]
    text = head
    for block in _changed(report):
        if len(text) + len(block) > MOST_CHARACTERS - 200:
            return text + "\n\nMore changed than there is room for: `sluice eval diff` shows it.\n"
        text += "\n" + block
    return text + "\n"


def _head(report: Report) -> Iterator[str]:
    header = report.candidate
    verdict = report.gate["verdict"] if report.gate is not None else None
    said = f"{MARKS[verdict]} {verdict.upper()}" if verdict is not None else header.state
    yield f"## {said}: {_code(header.suite)}"
    yield ""
    if report.gate is not None:
        yield from _reasons(report.gate)
    yield from _numbers(report)
    yield ""
    release = header.release or header.target_digest
    told = [f"candidate {_code(release[:12])}", f"suite {_code(header.suite_digest[:12])}"]
    told += [f"{header.samples:,} samples", f"{header.failed} failed" if header.failed else ""]
    told += [f"{header.cost / 1e6:.4f} USD" if header.cost else ""]
    yield f"<sub>{' · '.join(one for one in told if one)}</sub>"


def _reasons(gate: Json) -> Iterator[str]:
    for one in gate["requires"]:
        decision = one["verdict"]
        if decision is None:
            yield f"- no evidence for {_code(one['requirement']['metric'])}"
            continue
        for reason in decision["reasons"]:
            yield f"- {MARKS[decision['verdict']]} {_plain(reason)}"
    yield ""


def _numbers(report: Report) -> Iterator[str]:
    if report.comparison is None:
        yield "| metric | mean | 95 % |"
        yield "|---|---|---|"
        for name, mean in report.summary.metrics.items():
            yield f"| {_code(name)} | {_value(mean.value)} | {_interval(mean)} |"
        return
    yield "| metric | baseline | candidate | difference | better | worse |"
    yield "|---|---|---|---|---|---|"
    for metric in report.comparison.metrics:
        yield _row(_code(metric.name), metric.change)
        for part in metric.parts[:MOST_PARTS]:
            yield _row(f"… {_code(f'{part.column}={part.value}')}", part.change)
        if len(metric.parts) > MOST_PARTS:
            yield f"| … and {len(metric.parts) - MOST_PARTS} more parts | | | | | |"


def _row(name: str, change: Change | None) -> str:
    if change is None:
        return f"| {name} | | | | | |"
    between = f" [{change.low:+.3f}, {change.high:+.3f}]" if change.low is not None and change.high is not None else ""
    numbers = f"{change.before:.3f} | {change.after:.3f} | {change.difference:+.3f}{between}"
    return f"| {name} | {numbers} | {change.better} | {change.worse} |"


def _changed(report: Report) -> Iterator[str]:
    for metric in report.comparison.metrics if report.comparison is not None else ():
        for what, flips in (("worse", metric.lost), ("better", metric.gained)):
            if flips:
                shown = "\n".join(_flip(flip) for flip in flips[:MOST_FLIPS])
                count = getattr(metric.change, what)
                title = f"{_html(metric.name)}: {count} {what}"
                yield f"<details><summary>{title}</summary>\n\n{shown}\n</details>\n"


def _flip(flip: Flip) -> str:
    said = f"{flip.question[:LONGEST]}\n--- {flip.before:g}\n{flip.said_before[:LONGEST]}\n"
    said += f"+++ {flip.after:g}\n{flip.said_after[:LONGEST]}"
    return f"{_code(flip.sample)}\n{_fenced(shown(said))}"


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _code(text: str) -> str:
    """Inline, on one line, also within a table."""
    flat = shown(re.sub(r"[`|\s]+", " ", text))[:NAME]
    return f"`{flat}`"


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|@])", r"\\\1", text)


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _interval(mean: Mean) -> str:
    return "" if mean.low is None or mean.high is None else f"{mean.low:.3f} to {mean.high:.3f}"
