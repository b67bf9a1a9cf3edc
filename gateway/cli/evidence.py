"""`sluice evidence` and `sluice decisions`: what is known of releases, and what was decided on it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.cli.options import AsJson, Url, json_of
from gateway.cli.remote import connect
from gateway.cli.table import show, show_fields, show_json, when
from gateway.errors import BadRequest
from gateway.paths import segment
from gateway.types import Json

cli = typer.Typer(help="Post and read the evidence for releases.", no_args_is_help=True)
decisions = typer.Typer(help="Read, and add to, the signed records of what was decided.", no_args_is_help=True)


@cli.command("post")
def post_evidence(
    file: Annotated[Path, typer.Argument(help="JSON as an eval run writes it; see docs/rollouts.md.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Post the results of an eval run, item by item. The gateway works out the verdict."""
    try:
        body = orjson.loads(file.read_bytes())
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{file} is not JSON: {error}.") from error
    with connect(url) as gateway:
        made = gateway.post("/admin/evidence", body)
    if as_json:
        show_json(made)
    else:
        typer.echo(f"{made['id']}  {made['items']} items for release {made['release'][:12]}")


@cli.command("list")
def list_evidence(
    release: Annotated[str | None, typer.Argument(help="The digest of a release.", show_default=False)] = None,
    suite: Annotated[str | None, typer.Option(help="The digest of a suite.", show_default=False)] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what evidence there is: for a release, of a suite, or the newest of all."""
    with connect(url) as gateway:
        found = gateway.get("/admin/evidence", release=release, suite=suite)
    if as_json:
        show_json(found)
        return
    rows = [
        {
            **row,
            "release": row["release"][:12],
            "suite": row["name"] or (row["suite"] or "")[:12],
            "at": when(row["at"]),
        }
        for row in found["data"]
    ]
    show(rows, ("id", "suite", "release", "items", "by", "at"), False, "No evidence yet.")


@cli.command("suites")
def list_suites(url: Url = None, as_json: AsJson = False) -> None:
    """Show the suites that evidence is of, those that were run last first."""
    with connect(url) as gateway:
        found = gateway.get("/admin/suites")
    if as_json:
        show_json(found)
        return
    rows = [{**row, "name": row["name"] or "", "last": when(row["last"])} for row in found["data"]]
    show(rows, ("suite", "name", "runs", "releases", "items", "last"), False, "No evidence yet.")


@cli.command("overview")
def show_overview(
    evidence: Annotated[str, typer.Argument(help="As shown by `list`.")], url: Url = None, as_json: AsJson = False
) -> None:
    """Show what one piece of evidence says: each metric with its interval, what changed against the baseline, and how
    many items became better and worse; with --json the slices, the items and the judges too."""
    with connect(url) as gateway:
        found = gateway.get(f"/admin/evidence/{segment(evidence)}/overview")
    if as_json:
        show_json(found)
        return
    show([_row(metric) for metric in found["metrics"]], COLUMNS, False, "No metric.")


COLUMNS = ("metric", "candidate", "interval", "baseline", "difference", "better", "worse", "n")


def _row(metric: Json) -> Json:
    of, change = metric["candidate"], metric["change"]
    row = {"metric": metric["name"], "candidate": f"{of['value']:.4g}", "interval": _between(of), "n": of["n"]}
    if change is None:
        return {**row, "baseline": "", "difference": "", "better": "", "worse": ""}
    difference = f"{change['difference']:+.4g} {_between(change)}".strip()
    told = {"baseline": f"{change['before']:.4g}", "difference": difference}
    return {**row, **told, "better": change["better"], "worse": change["worse"]}


def _between(found: Json) -> str:
    return "" if found["low"] is None else f"[{found['low']:.4g}, {found['high']:.4g}]"


@cli.command("show")
def show_evidence(
    evidence: Annotated[str, typer.Argument(help="As shown by `list`.")], url: Url = None, as_json: AsJson = False
) -> None:
    """Show one piece of evidence; with --json whole, with its items and the signature over them."""
    with connect(url) as gateway:
        found = gateway.get(f"/admin/evidence/{segment(evidence)}")
    show_fields(found if as_json else {**found, "body": None}, as_json)


@decisions.command("list")
def list_decisions(
    endpoint: Annotated[str | None, typer.Option(help="Only this endpoint's.", show_default=False)] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show decision records, newest first."""
    with connect(url) as gateway:
        found = gateway.get("/admin/decisions", endpoint=endpoint)
    if as_json:
        show_json(found)
        return
    rows = [
        {
            "id": row["id"],
            "endpoint": row["endpoint"],
            "release": row["release"][:12],
            "outcome": row["outcome"],
            "at": when(row["at"]),
            "holds": "expired" if row["expired"] else (when(row["expires"]) if row["expires"] else ""),
            "genuine": row["genuine"],
        }
        for row in found["data"]
    ]
    show(rows, ("id", "endpoint", "release", "outcome", "at", "holds", "genuine"), False, "No decision yet.")


@decisions.command("record")
def record_decision(
    endpoint: Annotated[str, typer.Argument(help="The endpoint it is about.")],
    release: Annotated[str, typer.Argument(help="The digest of the release.")],
    outcome: Annotated[str, typer.Argument(help="go, go_with_conditions, no_go or return_to_phase.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, for those who look later.")],
    phase: Annotated[
        str | None, typer.Option(help="The phase of CPMAI that work returns to.", show_default=False)
    ] = None,
    risk: Annotated[
        list[str] | None, typer.Option(help="What is taken into account; again for more.", show_default=False)
    ] = None,
    evidence: Annotated[
        list[str] | None, typer.Option("--evidence", "-e", help="An id that speaks for it.", show_default=False)
    ] = None,
    forecast: Annotated[
        str | None, typer.Option(help="What it is to be worth, as JSON; see docs/rollouts.md.", show_default=False)
    ] = None,
    expires: Annotated[
        datetime | None, typer.Option(help="When it is to be looked at again, UTC.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Record what people decided: signed, and moving nothing by itself. For approvers."""
    body: Json = {"endpoint": endpoint, "release": release, "outcome": outcome, "reason": reason, "phase": phase}
    body |= {"risks": risk or [], "evidence": evidence or []}
    if forecast is not None:
        body["forecast"] = json_of(forecast, "--forecast")
    if expires is not None:
        body["expires"] = expires.replace(tzinfo=UTC).timestamp()
    with connect(url) as gateway:
        made = gateway.post("/admin/decisions", body)
    if as_json:
        show_json(made)
    else:
        typer.echo(f"{made['id']}  {endpoint}  {outcome}")


@decisions.command("show")
def show_decision(
    decision: Annotated[str, typer.Argument(help="As shown by `list`.")], url: Url = None, as_json: AsJson = False
) -> None:
    """Show one record, whole, and whether it is as it was signed."""
    with connect(url) as gateway:
        show_fields(gateway.get(f"/admin/decisions/{segment(decision)}"), as_json)
