"""One page in one file: no network, no script, light and dark, for the screen and for paper.

What is quoted in it are other people's words: all text is escaped, and the page forbids itself everything but its
style."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from evals.comparison import Change, Comparison
from evals.reports.charts import Line, bars, forest
from evals.reports.report import Report

BINS = 12


def html(report: Report) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("evals.reports", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    changes = list(_changes(report.comparison)) if report.comparison is not None else []
    return environment.get_template("report.html.jinja").render(
        report=report,
        verdict=report.gate["verdict"] if report.gate is not None else None,
        changes=changes,
        forest=forest([_line(name, change, p, lower) for name, change, p, lower in _named(report.comparison)]),
        means=forest(_means(report), zero=None),
        flips=[metric for metric in report.comparison.metrics if metric.gained or metric.lost]
        if report.comparison is not None
        else [],
        seconds=bars(_histogram(report.seconds)),
        facts=list(_facts(report)),
    )


def _changes(found: Comparison) -> Iterator[tuple[str, Change, float | None]]:
    for name, change, p, _ in _named(found):
        yield name, change, p


def _named(found: Comparison | None) -> Iterator[tuple[str, Change, float | None, bool]]:
    """Metrics, each with its parts below; whether less is better."""
    for metric in found.metrics if found is not None else ():
        if metric.change is not None:
            yield metric.name, metric.change, metric.change.p, metric.lower
        for part in metric.parts:
            yield f"{metric.name}: {part.column} {part.value}", part.change, part.adjusted, metric.lower


def _line(name: str, change: Change, p: float | None, lower: bool) -> Line:
    """In colour where it is more than chance, among as many as there are."""
    tone = "plain"
    if p is not None and p <= 0.05:
        tone = "better" if (change.difference > 0) != lower else "worse"
    return Line(name, change.difference, change.low, change.high, tone)


def _means(report: Report) -> list[Line]:
    return [
        Line(name, mean.value, mean.low, mean.high)
        for name, mean in report.summary.metrics.items()
        if mean.value is not None
    ]


def _histogram(seconds: tuple[float, ...]) -> list[tuple[str, int]]:
    if not seconds or max(seconds) == 0:
        return []
    width = max(seconds) / BINS
    counts = [0] * BINS
    for value in seconds:
        counts[min(BINS - 1, int(value / width))] += 1
    return [(f"{width * (number + 1):.2g}", count) for number, count in enumerate(counts)]


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    header = report.candidate
    yield "suite", header.suite_digest
    yield "dataset", header.dataset_digest
    yield "candidate", header.release or header.target_digest
    if report.baseline is not None:
        yield "baseline", report.baseline.release or report.baseline.target_digest
    yield "samples", f"{header.samples:,}, asked {header.asked:,}, failed {header.failed}, repeats {header.repeats}"
    yield "seed", str(header.seed)
    yield "cost", "not known" if header.cost is None else f"{header.cost / 1e6:.4f} USD"
    yield "begun", datetime.fromtimestamp(header.started, UTC).isoformat(timespec="seconds")
    yield "version", header.version
