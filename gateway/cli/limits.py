"""`sluice limits`: what keys, projects, teams and endpoints may use at most."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.allowances import Scope, shown
from gateway.cli.database import changing, transaction
from gateway.cli.options import AsJson, Config
from gateway.cli.table import show, show_json, show_list, when
from gateway.errors import BadRequest
from gateway.releases.manifest import LimitsManifest
from gateway.store import allowances as rows
from gateway.store.allowances import AllowanceRow
from gateway.types import Json

cli = typer.Typer(help="Set, show and remove limits.", no_args_is_help=True)

COLUMNS = ("scope", "requests_per_minute", "tokens_per_minute", "concurrent", "budget", "updated", "updated_by")

Whose = Annotated[str, typer.Argument(metavar="SCOPE", help="key:ID, project:NAME, team:NAME or endpoint:NAME.")]
Number = int | None


@cli.command("set")
def set_limits(
    scope: Whose,
    requests_per_minute: Annotated[Number, typer.Option(help="Calls begun.", show_default=False)] = None,
    tokens_per_minute: Annotated[Number, typer.Option(help="Input and output.", show_default=False)] = None,
    concurrent: Annotated[Number, typer.Option(help="Calls being answered.", show_default=False)] = None,
    budget: Annotated[str | None, typer.Option(help="Money, as 50usd/month.", show_default=False)] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Set the limits of a scope, in place of all it had. Running gateways keep them within a second.

    A budget is by day, week, month or total.
    """
    given = {
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
        "concurrent": concurrent,
        "budget": budget,
    }
    try:
        allowance = LimitsManifest.model_validate(given).allowance(Scope.parse(scope))
    except ValidationError as error:
        raise BadRequest("; ".join(_said(fault) for fault in error.errors())) from error
    with changing(config) as change:
        rows.put(change.connection, allowance, change.who)
        row = rows.get(change.connection, scope)
        change.did("limits.set", scope, limits=shown(row.allowance))
    _show(row, as_json)


@cli.command("list")
def list_limits(config: Config = None, as_json: AsJson = False) -> None:
    """Show every scope that has limits."""
    with transaction(config) as connection:
        found = rows.list_all(connection)
    if as_json:
        show_list([_shown(row) for row in found])
    else:
        show([_cells(row) for row in found], COLUMNS, False, "No limits yet: sluice limits set SCOPE")


@cli.command("show")
def show_limits(scope: Whose, config: Config = None, as_json: AsJson = False) -> None:
    """Show the limits of one scope."""
    with transaction(config) as connection:
        row = rows.get(connection, scope)
    _show(row, as_json)


@cli.command("remove")
def remove_limits(scope: Whose, config: Config = None) -> None:
    """Remove the limits of a scope."""
    with changing(config) as change:
        rows.remove(change.connection, scope)
        change.did("limits.remove", scope)
    typer.echo(f"removed the limits of {scope}")


def _said(fault: ErrorDetails) -> str:
    told = fault["msg"].removeprefix("Value error, ")
    return ": ".join([*("--" + str(part).replace("_", "-") for part in fault["loc"]), told])


def _show(row: AllowanceRow, as_json: bool) -> None:
    if as_json:
        show_json(_shown(row))
    else:
        show([_cells(row)], COLUMNS, False, "")


def _shown(row: AllowanceRow) -> Json:
    """As the API shows it."""
    return {**shown(row.allowance), "updated": row.updated, "updated_by": row.updated_by}


def _cells(row: AllowanceRow) -> Json:
    """For people."""
    return {**_shown(row), "updated": when(row.updated)}
