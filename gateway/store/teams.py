"""Queries on teams and their projects. What is in use is not deleted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection, Table, delete, insert, select

from gateway.errors import BadRequest, Conflict, NotFound
from gateway.settings import NAME
from gateway.store.catalogue import move_revision
from gateway.store.keys import in_force
from gateway.store.tables.access import allowances, keys, projects, teams


@dataclass(frozen=True, slots=True)
class Team:
    """Named as endpoints are; `created` is Unix time."""

    name: str
    description: str | None
    created: float

    def __post_init__(self) -> None:
        _check(self.name)


@dataclass(frozen=True, slots=True)
class Project:
    """Belongs to one team; `created` is Unix time."""

    name: str
    team: str
    created: float

    def __post_init__(self) -> None:
        _check(self.name)


def add_team(connection: Connection, team: Team) -> None:
    """Raises `Conflict` where there is one of this name."""
    move_revision(connection)
    _refuse_second(connection, teams, team.name)
    connection.execute(insert(teams).values(name=team.name, description=team.description, created=team.created))


def list_teams(connection: Connection) -> list[Team]:
    found = connection.execute(select(teams).order_by(teams.c.name))
    return [Team(row.name, row.description, row.created) for row in found]


def remove_team(connection: Connection, name: str) -> None:
    """Its limits go with it. Raises `NotFound`, and `Conflict` while it has a project."""
    move_revision(connection)
    used = connection.execute(select(projects.c.name).where(projects.c.team == name).order_by(projects.c.name)).scalar()
    if used is not None:
        raise Conflict(f"The team {name!r} is in use: the project {used!r} belongs to it.", param="name")
    _remove(connection, teams, name)


def add_project(connection: Connection, project: Project) -> None:
    """Raises `Conflict` where there is one of this name, and `BadRequest` where its team does not exist."""
    move_revision(connection)
    _refuse_second(connection, projects, project.name)
    if connection.execute(select(teams.c.name).where(teams.c.name == project.team)).first() is None:
        raise BadRequest(f"There is no team {project.team[:80]!r}.", param="team", code="unknown_team")
    connection.execute(insert(projects).values(name=project.name, team=project.team, created=project.created))


def list_projects(connection: Connection) -> list[Project]:
    found = connection.execute(select(projects).order_by(projects.c.name))
    return [Project(row.name, row.team, row.created) for row in found]


def remove_project(connection: Connection, name: str) -> None:
    """Its limits go with it. Raises `NotFound`, and `Conflict` while a key in force belongs to it."""
    move_revision(connection)
    used = connection.execute(select(keys.c.id).where(keys.c.project == name, *in_force()).order_by(keys.c.id)).scalar()
    if used is not None:
        raise Conflict(f"The project {name!r} is in use: the key {used} belongs to it.", param="name")
    _remove(connection, projects, name)


def _check(name: str) -> None:
    if re.fullmatch(NAME, name) is None:
        message = (
            "A name is of small letters, digits, `.`, `_` and `-`, at most 64, and begins with one of the first two."
        )
        raise BadRequest(message, param="name", code="invalid_name")


def _refuse_second(connection: Connection, table: Table, name: str) -> None:
    if connection.execute(select(table.c.name).where(table.c.name == name)).first() is not None:
        raise Conflict(f"There is a {_word(table)} {name!r} already.", param="name")


def _remove(connection: Connection, table: Table, name: str) -> None:
    if connection.execute(delete(table).where(table.c.name == name)).rowcount == 0:
        raise NotFound(f"There is no {_word(table)} {name[:80]!r}.", param="name")
    connection.execute(delete(allowances).where(allowances.c.scope == f"{_word(table)}:{name}"))


def _word(table: Table) -> str:
    return table.name.removesuffix("s")
