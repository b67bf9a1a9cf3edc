"""`sluice eval diff`: what changed from one run to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.cli.options import AsJson
from evals.reports.shown import shown

if TYPE_CHECKING:
    from evals.changes import Change
    from evals.comparison import Comparison, Flip, Metric


def diff(
    before: Annotated[Path, typer.Argument(help="The log of a run; or a run with a baseline, and then it alone.")],
    after: Annotated[Path | None, typer.Argument(help="The log of another run.", show_default=False)] = None,
    flips: Annotated[int, typer.Option(help="So many samples that changed are shown, each way.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Compare two runs of a suite, sample by sample: by how much each metric changed and whether that is more than
    chance, which samples became better and worse, and in which parts. This is for looking: `--gate` decides."""
    from evals.comparison import compare  # scipy, which most commands do without

    one, other = (before, after) if after is not None else (before / "baseline", before / "candidate")
    found = compare(one, other)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
        return
    _show(found, flips)


def _show(found: Comparison, flips: int) -> None:
    console = Console(soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("metric", "before", "after", "difference", "p", "better", "worse"):
        table.add_column(column, no_wrap=True)
    for metric in found.metrics:
        _row(table, metric.name, metric.change)
        for part in metric.parts:
            _row(table, f"  {part.column}={part.value}", part.change, part.adjusted)
    Console(width=10_000).print(table)
    for metric in found.metrics:
        _flips(console, metric, flips)


def _row(table: Table, name: str, change: Change | None, adjusted: float | None = None) -> None:
    if change is None:
        table.add_row(name, *("none",) * 6)
        return
    between = "" if change.low is None or change.high is None else f" [{change.low:+.3f}, {change.high:+.3f}]"
    p = adjusted if adjusted is not None else change.p
    table.add_row(
        Text(_line(name)),
        f"{change.before:.3f}",
        f"{change.after:.3f}",
        f"{change.difference:+.3f}{between}",
        "" if p is None else f"{p:.3g}",
        str(change.better),
        str(change.worse),
    )


def _flips(console: Console, metric: Metric, most: int) -> None:
    for what, flips, colour in (("worse", metric.lost, "red"), ("better", metric.gained, "green")):
        for flip in flips[:most]:
            _flip(console, f"{metric.name} {what}", flip, colour)


def _flip(console: Console, title: str, flip: Flip, colour: str) -> None:
    console.print(Text(f"{title}: {_line(flip.sample)}  {flip.before:g} → {flip.after:g}", style=f"bold {colour}"))
    console.print(Text(f"    {_line(flip.question)}"))
    console.print(Text(f"  - {_line(flip.said_before)}", style="dim"))
    console.print(Text(f"  + {_line(flip.said_after)}"))


def _line(text: str) -> str:
    """On one line, and nothing in it steers the terminal."""
    return shown(" ".join(text.split()))[:300]
