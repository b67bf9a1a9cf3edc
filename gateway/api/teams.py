"""Teams and their projects: create, list, delete."""

from __future__ import annotations

import time
from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.deps import Admin, Running, Viewer
from gateway.audit import Act
from gateway.store import teams as rows

router = APIRouter(tags=["teams"])


class NewTeam(BaseModel):
    """A name as endpoints have: small letters, digits, `.`, `_` and `-`."""

    model_config = ConfigDict(extra="forbid")

    name: str
    description: str | None = Field(None, max_length=1000, pattern=r"^[^\x00]*$")


class Team(BaseModel):
    name: str
    description: str | None
    created: float


class Teams(BaseModel):
    object: str = "list"
    data: list[Team]


class NewProject(BaseModel):
    """A project belongs to one team."""

    model_config = ConfigDict(extra="forbid")

    name: str
    team: str


class Project(BaseModel):
    name: str
    team: str
    created: float


class Projects(BaseModel):
    object: str = "list"
    data: list[Project]


class Deleted(BaseModel):
    name: str
    deleted: bool = True


@router.post("/teams", status_code=201)
async def create_team(new: NewTeam, who: Admin, running: Running) -> Team:
    """Make a team."""
    team = rows.Team(new.name, new.description, time.time())
    await running.act(who, Act("teams.create", f"team:{team.name}"), lambda connection: rows.add_team(connection, team))
    return Team(**asdict(team))


@router.get("/teams")
async def list_teams(who: Viewer, running: Running) -> Teams:
    """Every team, by name."""
    return Teams(data=[Team(**asdict(team)) for team in await running.read(rows.list_teams)])


@router.delete("/teams/{name}")
async def delete_team(name: str, who: Admin, running: Running) -> Deleted:
    """Delete a team and its limits. Refused while it has a project."""
    await running.act(who, Act("teams.delete", f"team:{name}"), lambda connection: rows.remove_team(connection, name))
    return Deleted(name=name)


@router.post("/projects", status_code=201)
async def create_project(new: NewProject, who: Admin, running: Running) -> Project:
    """Make a project of a team."""
    project = rows.Project(new.name, new.team, time.time())
    act = Act("projects.create", f"project:{project.name}", "", {"team": project.team})
    await running.act(who, act, lambda connection: rows.add_project(connection, project))
    return Project(**asdict(project))


@router.get("/projects")
async def list_projects(who: Viewer, running: Running) -> Projects:
    """Every project, by name, and the team it belongs to."""
    return Projects(data=[Project(**asdict(project)) for project in await running.read(rows.list_projects)])


@router.delete("/projects/{name}")
async def delete_project(name: str, who: Admin, running: Running) -> Deleted:
    """Delete a project and its limits. Refused while a key in force belongs to it."""
    act = Act("projects.delete", f"project:{name}")
    await running.act(who, act, lambda connection: rows.remove_project(connection, name))
    return Deleted(name=name)
