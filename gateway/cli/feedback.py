"""`sluice feedback`: what became of a call, said or looked up."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson, Url
from gateway.cli.remote import connect
from gateway.cli.table import show, show_json, when

COLUMNS = ("time", "call", "endpoint", "source", "metric", "score", "outcome", "value_usd", "minutes_saved", "text")


def feedback(
    call: Annotated[str | None, typer.Argument(help="The reply's x-request-id, or a stored response's id.")] = None,
    score: Annotated[float | None, typer.Option(min=0, max=1, help="From 0 (bad) to 1 (good).")] = None,
    metric: Annotated[str | None, typer.Option(help="What the score is of. Default: helpful.")] = None,
    outcome: Annotated[str | None, typer.Option(help="What came of it, as `resolved`.")] = None,
    correction: Annotated[str | None, typer.Option(help="What should have been answered.")] = None,
    comment: Annotated[str | None, typer.Option(help="In your own words.")] = None,
    value: Annotated[
        float | None, typer.Option(help="What the call was worth, in USD; below 0 where it did damage.")
    ] = None,
    minutes_saved: Annotated[
        float | None, typer.Option(help="Of somebody's time; below 0 where it cost them some.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Whose view it is: user, person or judge. Default: person.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="Show only what was said of this endpoint.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Show so many, newest first.")] = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say what became of a call; without anything to say, show what was said."""
    money = {"amount": value, "currency": "USD"} if value is not None else None
    said = {
        "score": score,
        "outcome": outcome,
        "correction": correction,
        "comment": comment,
        "value": money,
        "minutes_saved": minutes_saved,
    }
    given = {name: held for name, held in said.items() if held is not None}
    with connect(url) as gateway:
        if not given:
            found = gateway.get(
                "/admin/feedback", call=call, endpoint=endpoint, metric=metric, source=source, limit=limit
            )
            rows = found["data"]
        else:
            about = {"call": call, "metric": metric or "helpful", "source": source or "person"}
            found = gateway.post("/v1/feedback", {**about, **given})
            rows = [found]
    if as_json:
        show_json(found)
        return
    show([_shown(row) for row in rows], COLUMNS, False, "Nobody has said anything (of such a call).")
    if given and not found["bound"]:
        typer.echo("The call's own record is on its way; the two are bound when it has come.")


def _shown(said: dict[str, Any]) -> dict[str, Any]:
    return {
        **said,
        "time": when(said["at"]),
        "value_usd": f"{said['value'] / 1e6:.2f}" if said["value"] is not None else None,
        "text": said["correction"] or said["comment"],
    }
