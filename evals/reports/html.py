"""One page in one file: no network, no script, light and dark, for the screen and for paper.

What is quoted in it are other people's words: all text is escaped, and the page forbids itself everything but its
style."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from evals.changes import Change
from evals.classification import Classification
from evals.comparison import Comparison
from evals.reports.charts import Dot, Line, bars, forest, square
from evals.reports.report import Report
from evals.summaries import Mean

MOST_LABELS = 24
"""Of a confusion matrix that is shown."""
MOST_PAIRS = 30
MOST_PARTS = 40
"""Of a metric."""


def html(report: Report) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("evals.reports", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    changes = list(_changes(report.comparison)) if report.comparison is not None else []
    means = list(_means(report))
    return environment.get_template("report.html.jinja").render(
        report=report,
        verdict=report.gate["verdict"] if report.gate is not None else None,
        changes=changes,
        forest=forest([_line(name, change, p, lower) for name, change, p, lower in _named(report.comparison)]),
        means=means,
        forest_of_means=forest([line for name, mean in means for line in _mean_line(name, mean)], zero=None),
        flips=[metric for metric in report.comparison.metrics if metric.gained or metric.lost]
        if report.comparison is not None
        else [],
        seconds=bars([(f"{bar.seconds:.2g}", bar.count) for bar in report.seconds]),
        labelled=list(_labelled(report)),
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


def _means(report: Report) -> Iterator[tuple[str, Mean]]:
    """Metrics, each with its parts below, as far as people look."""
    found = report.summary
    for name, mean in found.metrics.items():
        yield name, mean
        parts = (
            (f"{name}: {of} {value}", held[name]) for of, one in found.slices.items() for value, held in one.items()
        )
        yield from islice(parts, MOST_PARTS)


def _mean_line(name: str, mean: Mean) -> Iterator[Line]:
    if mean.value is not None:
        yield Line(name, mean.value, mean.low, mean.high)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A metric of labels. `rows` are those of the confusion matrix, each with its label and, for each answer, how many
    and which part of the row that is; where there are too many labels for people to look at, `confused` has what was
    taken for what, the most often first."""

    name: str
    found: Classification
    rows: tuple[tuple[str, tuple[tuple[int, float], ...]], ...]
    confused: tuple[tuple[str, str, int], ...]
    roc: str
    reliability: str


def _labelled(report: Report) -> Iterator[Labelled]:
    for name, found in report.summary.labels.items():
        rows = tuple(
            (label, tuple((count, count / max(1, sum(counts))) for count in counts))
            for label, counts in zip(found.labels, found.confusion, strict=True)
        )
        many = len(rows) > MOST_LABELS
        shown = (() if many else rows, tuple(_confused(found))[:MOST_PAIRS] if many else ())
        yield Labelled(name, found, *shown, _roc(found), _reliability(found))


def _confused(found: Classification) -> list[tuple[str, str, int]]:
    answers = (*found.labels, "no label")
    pairs = [
        (label, answer, count)
        for label, counts in zip(found.labels, found.confusion, strict=True)
        for answer, count in zip(answers, counts, strict=True)
        if count and answer != label
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def _roc(found: Classification) -> str:
    if found.roc is None:
        return ""
    points = zip(found.roc.false_positive, found.roc.true_positive, strict=True)
    dots = [Dot(false, true, "") for false, true in points]
    return square(dots, f"others taken for {found.roc.positive}", f"{found.roc.positive} found", joined=True)


def _reliability(found: Classification) -> str:
    if found.calibration is None:
        return ""
    dots = [
        Dot(one.probability, one.right, f"{one.n} answers, {one.probability:.2f} sure, {one.right:.2f} right", one.n)
        for one in found.calibration.bins
    ]
    return square(dots, "how sure", "how often right")


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
