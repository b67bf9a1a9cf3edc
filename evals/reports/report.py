"""All that a report shows of a run: both arms, what changed, and the verdict. Every form is made of this."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from evals.comparison import Comparison, between
from evals.runs.columns import Floats
from evals.runs.log import Header
from evals.runs.table import RunTable
from evals.sample import Json
from evals.summaries import Summary, summarise
from evals.verdict import read_verdict

BARS = 12


class Bar(msgspec.Struct, frozen=True):
    """So many answers of the candidate, that no cache gave, took up to `seconds`, and longer than the bar before."""

    seconds: float
    count: int


class Report(msgspec.Struct, frozen=True):
    """`gate` is what `gate.json` holds, where a gate was asked; `comparison` is with the baseline, where there was
    one."""

    candidate: Header
    summary: Summary
    baseline: Header | None
    comparison: Comparison | None
    gate: Json | None
    seconds: tuple[Bar, ...] = ()


def read(run: Path) -> Report:
    """Of the folder of a run, or of one log. Raises `BadInput` where there is none."""
    candidate = run / "candidate" if (run / "candidate").is_dir() else run
    baseline = run / "baseline"
    table = RunTable.read(candidate)
    other = RunTable.read(baseline) if (baseline / "run.json").is_file() else None
    return Report(
        candidate=table.header,
        summary=summarise(table),
        baseline=other.header if other is not None else None,
        comparison=between(baseline, other, candidate, table) if other is not None else None,
        gate=read_verdict(run / "gate.json"),
        seconds=_bars(table.rows.seconds[(table.rows.errors.codes < 0) & ~table.rows.reused]),
    )


def _bars(seconds: Floats) -> tuple[Bar, ...]:
    if not len(seconds) or seconds.max() == 0:
        return ()
    counts, edges = np.histogram(seconds, BARS, (0.0, float(seconds.max())))
    return tuple(Bar(float(edge), int(count)) for count, edge in zip(counts, edges[1:], strict=True))
