"""`sluice eval check`: whether a suite can be run, before anything is paid."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import orjson
import typer

from evals.cli.options import AsJson
from evals.suite import Suite, read


def check(
    suite: Annotated[Path, typer.Argument(help="A suite in YAML.")],
    as_json: AsJson = False,
) -> None:
    """Read a suite and its dataset, and show what it comes to: its digest, samples, clusters, slices and metrics."""
    found = told(read(suite))
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for name, value in found.items():
        if value not in (None, "", [], {}):
            typer.echo(f"{name:<9} {_said(value)}")


def told(suite: Suite) -> dict[str, object]:
    samples = suite.dataset.samples
    return {
        "suite": suite.name,
        "about": suite.about,
        "digest": suite.digest,
        "dataset": suite.dataset.digest,
        "samples": len(samples),
        "clusters": len({sample.cluster or f"sample:{sample.id}" for sample in samples}),
        "repeats": suite.repeats,
        "asks": len(samples) * suite.repeats,
        "metrics": {scorer.metric: scorer.about for scorer in suite.scorers},
        "judges": {name: judge.digest for name, judge in suite.judges.items()},
        "slices": {name: dict(Counter(one.slices.get(name, "(none)") for one in samples)) for name in suite.slices},
        "target": dict(suite.target.identity) if suite.target is not None else None,
    }


def _said(value: object) -> str:
    if isinstance(value, dict):
        return "".join(f"\n  {name}: {said}" for name, said in value.items())
    return str(value)
