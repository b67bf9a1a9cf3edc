"""`sluice value`: what an endpoint costs and brings."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson, Url
from gateway.cli.remote import connect
from gateway.cli.table import show, show_json, when
from gateway.types import Json

SCALES = {
    "cost.per_call": ("cost a call, USD", 1e-6),
    "latency.p50": ("p50, ms", 1.0),
    "latency.p95": ("p95, ms", 1.0),
    "quality.error_rate": ("errors, %", 100.0),
    "value.per_call": ("value a call, USD", 1e-6),
    "value.minutes_saved_per_call": ("minutes saved a call", 1.0),
    "value.roi": ("ROI, %", 100.0),
}
"""How people read a figure, by its place in the tree; those that are not here are as they are."""
HEAD = 12
"""Of a release's digest."""


def value(
    endpoint: Annotated[str, typer.Argument(help="Its name.")],
    since: Annotated[str, typer.Option(help="Calls begun not before: 30d ago, or a date or time.")] = "30d",
    until: Annotated[str, typer.Option(help="Calls begun before: 2h ago, or a date or time.")] = "0s",
    hourly_rate: Annotated[
        float | None, typer.Option(help="USD that an hour saved is worth. Default: the setting hourly_rates.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what an endpoint costs and brings, by release and by the arms of its rollouts, each figure with its 95 %
    interval."""
    with connect(url) as gateway:
        found = gateway.get("/admin/value", endpoint=endpoint, since=since, until=until, hourly_rate=hourly_rate)
    if as_json:
        show_json(found)
        return
    sampled = "" if found["share"] == 1 else f", from a sample of {found['share']:.1%} of its calls"
    typer.secho(f"{endpoint} from {when(found['since'])} to {when(found['until'])}{sampled}", bold=True)
    columns = {"all": found["served"], **{one["release"][:HEAD]: one for one in found["releases"] if one["release"]}}
    _table(columns, "Nobody has called it.")
    for trial in found["rollouts"]:
        shadow = trial["shadow"]
        unseen = f"; its shadow took {shadow['calls']} calls, {shadow['cost'] / 1e6:.4f} USD" if shadow["calls"] else ""
        typer.secho(f"\n{trial['rollout']} of {trial['release'][:HEAD]}{unseen}", bold=True)
        _table({name: trial[name] for name in ("live", "candidate", "delta")}, "Neither arm has served.")


def _table(columns: dict[str, Json], empty: str) -> None:
    """A column for each tree, a row for each figure that any of them has."""
    flat = {name: dict(_figures(tree)) for name, tree in columns.items()}
    places = list(dict.fromkeys(place for figures in flat.values() for place in figures))
    rows: list[dict[str, Any]] = [
        {
            "figure": SCALES.get(place, (place.split(".", 1)[-1], 1.0))[0],
            **{name: _told(figures.get(place), place) for name, figures in flat.items()},
        }
        for place in places
    ]
    counts = {name: tree["calls"] for name, tree in columns.items() if "calls" in tree}
    if rows:
        rows.insert(0, {"figure": "calls", **dict.fromkeys(flat), **counts})
    show(rows, ("figure", *flat), False, empty)


def _figures(tree: Json, place: str = "") -> list[tuple[str, Json]]:
    found: list[tuple[str, Json]] = []
    for name, held in tree.items():
        if isinstance(held, dict):
            found += [(f"{place}{name}", held)] if "estimate" in held else _figures(held, f"{place}{name}.")
    return found


def _told(figure: Json | None, place: str) -> str | None:
    if figure is None:
        return None
    scale = SCALES.get(place, ("", 1.0))[1]
    low, high = (f"{bound * scale:.4g}" if bound is not None else "?" for bound in (figure["low"], figure["high"]))
    return f"{figure['estimate'] * scale:.4g} ({low} to {high})"
