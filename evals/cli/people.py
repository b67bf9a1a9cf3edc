"""`sluice eval people`: what people would say of a run, from what they say of some of its answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from evals.cli import options
from evals.errors import BadInput

if TYPE_CHECKING:
    from evals.judges.people import Estimate, Found


def people(
    arm: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of one arm of a run, as …/candidate.")],
    metric: Annotated[str, typer.Argument(help="A metric that a judge found.")],
    labels: Annotated[
        Path | None,
        typer.Option(help="What people said of answers of this run, as --draw wrote it.", show_default=False),
    ] = None,
    draw: Annotated[
        int | None, typer.Option(help="Print so many of its answers, drawn by lot, for people to judge.", min=1)
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Estimate what people would say of a whole run, from what they say of some of its answers and a judge of all of
    them. However the judge errs, the estimate is people's.

    First --draw 100 > some.jsonl, and let people fill in each `value`: from 0 to 1, or true and false. Then --labels
    some.jsonl. It proves nothing to a gate."""
    from evals.judges.people import drawn, estimate

    if (labels is None) == (draw is None):
        raise BadInput("Give --draw to have answers to judge, or --labels with what people said of them.")
    if draw is not None:
        for answer in drawn(arm, metric, draw):
            typer.echo(msgspec.json.encode({"value": None, **msgspec.to_builtins(answer)}).decode())
        return
    assert labels is not None
    found = estimate(arm, metric, labels)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        _show(found)


def _show(found: Found) -> None:
    typer.echo(f"judge     {_said(found.judge)} of {found.judge.n} answers, as the judge has it")
    typer.echo(f"people    {_said(found.people)} of {found.people.n} answers, as people have it")
    worth = "" if found.worth is None else f"; as good as {found.worth:.0f} labels without the judge"
    typer.echo(f"together  {_said(found.together)} of the run, as people would have it{worth}")


def _said(one: Estimate) -> str:
    between = "" if one.low is None or one.high is None else f" [{one.low:.3f}, {one.high:.3f}]"
    return f"{one.value:.3f}{between}"
