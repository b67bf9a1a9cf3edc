"""`sluice eval plan`: whether a suite is large enough for a gate, before anything is paid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from evals.cli import options
from evals.gate import Requirement
from evals.suite import Suite, read
from evals.verdict import read_gate


def plan(
    suite: options.SuiteFile,
    gate_file: Annotated[Path, typer.Option("--gate-file", help="The gate, as gate.yaml.")],
    better: Annotated[
        float, typer.Option(min=0, max=1, help="Share of items that only the candidate gets right.")
    ] = 0.05,
    worse: Annotated[float, typer.Option(min=0, max=1, help="Share that only the live release gets right.")] = 0.05,
    spread: Annotated[
        float | None,
        typer.Option(
            help="For scores: the standard deviation of differences, in place of both; "
            "where a margin is relative, as a share of the live release's mean.",
            show_default=False,
        ),
    ] = None,
    rate: Annotated[float, typer.Option(min=0, max=1, help="What the candidate comes to by itself.")] = 0.9,
    alike: Annotated[float, typer.Option(min=0, max=1, help="How much items of a cluster resemble each other.")] = 0.0,
    wanted: Annotated[float, typer.Option("--power", min=0.5, max=0.99, help="The chance it should pass with.")] = 0.8,
    as_json: options.AsJson = False,
) -> None:
    """Say how likely a candidate that is as supposed passes on this suite, how many items it takes, and how large a
    difference the suite can show. The gate itself is played, a thousand times each."""
    from evals.power import Supposed

    held = read(suite)
    size = _size(held)
    supposed = Supposed(better, worse, spread, better - worse if spread is None else 0.0, rate, size, alike)
    found = [_told(one, held, supposed, wanted) for one in read_gate(gate_file).requires]
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for one in found:
        _show(one, wanted)


def _told(requirement: Requirement, suite: Suite, supposed: Any, wanted: float) -> dict[str, object]:
    from evals.power import detectable, needed, power

    items = len(suite.dataset.samples)
    return {
        "metric": requirement.metric,
        "items": items,
        "power": power(requirement, supposed, items),
        "needed": needed(requirement, supposed, wanted),
        "detectable": detectable(requirement, supposed, items, wanted) if requirement.compares else None,
    }


def _show(one: dict[str, Any], wanted: float) -> None:
    takes = f"about {one['needed']:,}" if one["needed"] is not None else "more than 100,000"
    typer.echo(f"{one['metric']}: passes with a chance of {one['power']:.0%} on {one['items']:,} items.")
    typer.echo(f"  For {wanted:.0%} it takes {takes} items.")
    if one["detectable"] is not None:
        typer.echo(f"  Shown as often is what is {one['detectable']:.3f} better than the gate's threshold.")


def _size(suite: Suite) -> int:
    """Of a cluster, on average."""
    names = [sample.cluster or f"sample:{sample.id}" for sample in suite.dataset.samples]
    return max(1, round(len(names) / len(set(names))))
