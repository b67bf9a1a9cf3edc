"""`sluice eval show`: what a run came to, from its log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from msgspec import to_builtins
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.cli.options import AsJson
from evals.errors import BadInput
from evals.sample import MICRO

if TYPE_CHECKING:
    from evals.classification import Classification
    from evals.summaries import Mean, Quantiles, Summary


def show(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of one of its arms.")],
    as_json: AsJson = False,
) -> None:
    """Show what a run came to: every metric with its interval, what is missing and why, slice by slice; how long
    answers took, and what they cost. A run that goes on is shown as far as it is."""
    from evals.runs.table import RunTable  # numpy, which most commands do without
    from evals.summaries import summarise

    found = {arm.name: summarise(RunTable.read(arm)) for arm in arms_of(run)}
    if as_json:
        typer.echo(orjson.dumps(to_builtins(found), option=orjson.OPT_INDENT_2).decode())
        return
    console = Console(width=10_000, highlight=False, markup=False)
    for name, summary in found.items():
        _show(console, name, summary)


def arms_of(run: Path) -> list[Path]:
    """The folders of the logs of a run. Raises `BadInput` where there is none."""
    if (run / "run.json").is_file():
        return [run]
    arms = sorted(path.parent for path in run.glob("*/run.json"))
    if not arms:
        raise BadInput(f"{run} holds no run: name a folder that `sluice eval run` has written.")
    return sorted(arms, key=lambda arm: arm.name != "candidate")


def _show(console: Console, name: str, summary: Summary) -> None:
    console.print(f"{name}: {summary.samples} samples, {summary.asked} asked, {_took(summary)}", style="bold")
    for error, count in summary.failures.items():
        console.print(f"  {count} failed: {error}", style="red")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("metric", "slice", "mean", "interval", "n", "clusters", "missing"):
        table.add_column(column, no_wrap=True)
    for metric, mean in summary.metrics.items():
        _add(table, metric, "", *_row(mean))
        for slice_, parts in summary.slices.items():
            for value, means in parts.items():
                _add(table, "", f"{slice_}={value}", *_row(means[metric]))
    console.print(table)
    for metric, labels in summary.labels.items():
        _show_labels(console, metric, labels)
    for what, times in (("seconds", summary.seconds), ("first token", summary.first_token)):
        if times is not None:
            console.print(f"{what}: {_times(times)}")
    console.print()


def _add(table: Table, *cells: str) -> None:
    """As they are: what a dataset or a model says is no markup."""
    table.add_row(*map(Text, cells))


def _took(summary: Summary) -> str:
    cost = "prices not known" if summary.cost is None else f"{summary.cost / MICRO:.6f} USD"
    reused = f", {summary.reused} from a cache" if summary.reused else ""
    return f"{summary.input_tokens}+{summary.output_tokens} tokens, {cost}{reused}"


def _row(mean: Mean) -> tuple[str, ...]:
    value = "none" if mean.value is None else f"{mean.value:.3f}"
    between = "" if mean.low is None or mean.high is None else f"{mean.low:.3f} to {mean.high:.3f}"
    why = "; ".join(f"{count} {reason}" for reason, count in mean.reasons.items())
    return value, between, str(mean.n), str(mean.clusters), why


def _show_labels(console: Console, metric: str, found: Classification) -> None:
    console.print(
        f"{metric}: accuracy {found.accuracy:.3f}, F1 {found.f1:.3f}, precision {found.precision:.3f}, "
        f"recall {found.recall:.3f}"
        + ("" if found.roc is None else f", area under ROC {found.roc.area:.3f}")
        + ("" if found.calibration is None else f", calibration error {found.calibration.error:.3f}")
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("expected", *found.labels, "(none)"):
        table.add_column(Text(column), no_wrap=True)
    for label, counts in zip(found.labels, found.confusion, strict=True):
        _add(table, label, *map(str, counts))
    console.print(table)


def _times(found: Quantiles) -> str:
    return (
        f"half within {found.p50:.3f}, 90% {found.p90:.3f}, 95% {found.p95:.3f}, 99% {found.p99:.3f}, "
        f"longest {found.longest:.3f}, of {found.n}"
    )
