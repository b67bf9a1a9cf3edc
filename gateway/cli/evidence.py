"""`sluice evidence` and `sluice decisions`: what is known of releases, and what was decided on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.cli.options import AsJson, Url
from gateway.cli.remote import connect
from gateway.cli.table import show, show_json, when
from gateway.errors import BadRequest

cli = typer.Typer(help="Post and read the evidence for releases.", no_args_is_help=True)
decisions = typer.Typer(help="Read the signed records of what was decided.", no_args_is_help=True)


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
    release: Annotated[str, typer.Argument(help="The digest of a release.")], url: Url = None, as_json: AsJson = False
) -> None:
    """Show what evidence there is for a release."""
    with connect(url) as gateway:
        found = gateway.get("/admin/evidence", release=release)
    if as_json:
        show_json(found)
    else:
        show(found["data"], ("id", "kind", "suite", "items", "by", "at"), False, "No evidence yet.")


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


@decisions.command("show")
def show_decision(decision: Annotated[str, typer.Argument(help="As shown by `list`.")], url: Url = None) -> None:
    """Print one record, whole, as JSON."""
    with connect(url) as gateway:
        show_json(gateway.get(f"/admin/decisions/{decision}"))
