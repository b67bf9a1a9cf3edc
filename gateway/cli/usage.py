"""`sluice usage`: what was spent."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer

from gateway.cli.database import transaction
from gateway.cli.options import AsJson, Config
from gateway.cli.table import bar, show
from gateway.durations import moment
from gateway.errors import BadRequest
from gateway.store import spend

COLUMNS = ("name", "cost_usd", "share", "calls", "errors", "input", "output", "cached", "reasoning")


def usage(
    by: Annotated[
        spend.Kind, typer.Option(help="Whose: key, project, team, endpoint, upstream, or a rollout's shadow.")
    ] = "endpoint",
    since: Annotated[str, typer.Option(help="From the day (UTC) of this moment: 30d ago, or a date.")] = "30d",
    until: Annotated[str, typer.Option(help="To the day of this moment.")] = "0s",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what each took, by whole days, the dearest first."""
    now = time.time()
    first, last = _moment("since", since, now), _moment("until", until, now)
    with transaction(config) as connection:
        found = spend.usage(connection, by, first, last)
    most = max((sums.cost for sums in found), default=0) or 1
    rows = [
        {
            **asdict(sums),
            "cost_usd": f"{sums.cost / 1e6:.6f}",
            "share": bar(sums.cost / most),
            "input": sums.input_tokens,
            "output": sums.output_tokens,
            "cached": sums.cached_tokens,
            "reasoning": sums.reasoning_tokens,
        }
        for sums in found
    ]
    if as_json:
        show([asdict(sums) for sums in found], COLUMNS, True, "")
        return
    show(rows, COLUMNS, False, f"Nothing was spent by any {by} since {since}.")


def _moment(name: str, text: str, now: float) -> float:
    try:
        return moment(text, now)
    except ValueError as error:
        raise BadRequest(f"--{name} {text!r}: {error}.", param=name) from error
