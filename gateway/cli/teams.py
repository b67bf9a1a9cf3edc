"""`sluice teams` and `sluice projects`: who belongs together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from gateway.cli.database import changing, transaction
from gateway.cli.options import AsJson, Config
from gateway.cli.table import show, show_list, when
from gateway.store import teams as rows
from gateway.types import Json

cli = typer.Typer(help="Make, list and delete teams.", no_args_is_help=True)
projects = typer.Typer(help="Make, list and delete projects.", no_args_is_help=True)

NAME = "Small letters, digits, `.`, `_` and `-`."


@cli.command("create")
def create_team(
    name: Annotated[str, typer.Argument(help=NAME)],
    description: Annotated[str | None, typer.Option(help="What it is for.", show_default=False)] = None,
    config: Config = None,
) -> None:
    """Make a team."""
    with changing(config) as change:
        rows.add_team(change.connection, rows.Team(name, description, time.time()))
        change.did("teams.create", f"team:{name}")
    typer.echo(f"made the team {name}")


@cli.command("list")
def list_teams(config: Config = None, as_json: AsJson = False) -> None:
    """Show the teams."""
    with transaction(config) as connection:
        found = [asdict(team) for team in rows.list_teams(connection)]
    _show(found, ("name", "description", "created"), as_json, "No team yet: sluice teams create NAME")


@cli.command("delete")
def delete_team(name: str, config: Config = None) -> None:
    """Delete a team and its limits. Refused while it has a project."""
    with changing(config) as change:
        rows.remove_team(change.connection, name)
        change.did("teams.delete", f"team:{name}")
    typer.echo(f"deleted the team {name}")


@projects.command("create")
def create_project(
    name: Annotated[str, typer.Argument(help=NAME)],
    team: Annotated[str, typer.Option(help="The team it belongs to.")],
    config: Config = None,
) -> None:
    """Make a project of a team. `sluice keys create --project` makes keys for it."""
    with changing(config) as change:
        rows.add_project(change.connection, rows.Project(name, team, time.time()))
        change.did("projects.create", f"project:{name}", team=team)
    typer.echo(f"made the project {name} of the team {team}")


@projects.command("list")
def list_projects(config: Config = None, as_json: AsJson = False) -> None:
    """Show the projects and their teams."""
    with transaction(config) as connection:
        found = [asdict(project) for project in rows.list_projects(connection)]
    _show(found, ("name", "team", "created"), as_json, "No project yet: sluice projects create NAME --team TEAM")


@projects.command("delete")
def delete_project(name: str, config: Config = None) -> None:
    """Delete a project and its limits. Refused while a key in force belongs to it."""
    with changing(config) as change:
        rows.remove_project(change.connection, name)
        change.did("projects.delete", f"project:{name}")
    typer.echo(f"deleted the project {name}")


def _show(found: Sequence[Json], columns: Sequence[str], as_json: bool, empty: str) -> None:
    if as_json:
        show_list(found)
    else:
        show([{**one, "created": when(one["created"])} for one in found], columns, False, empty)
