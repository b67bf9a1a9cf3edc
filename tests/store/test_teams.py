"""Teams and projects: named once, deleted when nobody uses them, their limits with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import Connection

from gateway.amounts import Allowance
from gateway.errors import BadRequest, Conflict, NotFound
from gateway.store import allowances, catalogue, keys, teams
from gateway.store.engine import Store
from gateway.store.teams import Project, Team
from tests.store.test_keys import ADA

SEARCH = Team("search", "Finds things.", 1.0)
WEB = Project("web", "search", 2.0)


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    """One transaction for the whole test, with one project of one team."""
    with store.begin() as opened:
        teams.add_team(opened, SEARCH)
        teams.add_project(opened, WEB)
        yield opened


def test_they_are_listed_by_name(connection: Connection) -> None:
    teams.add_team(connection, Team("ads", None, 3.0))
    teams.add_project(connection, Project("app", "ads", 3.0))
    assert teams.list_teams(connection) == [Team("ads", None, 3.0), SEARCH]
    assert teams.list_projects(connection) == [Project("app", "ads", 3.0), WEB]


@pytest.mark.parametrize("name", ["", "A", "-a", "a b", "a\n", "a" * 65, "é", "a:b"])
def test_they_are_named_as_endpoints_are(name: str) -> None:
    for make in (lambda: Team(name, None, 1.0), lambda: Project(name, "search", 1.0)):
        with pytest.raises(BadRequest) as refused:
            make()
        assert refused.value.param == "name"


def test_a_name_is_taken_once(connection: Connection) -> None:
    with pytest.raises(Conflict, match="a team 'search' already"):
        teams.add_team(connection, SEARCH)
    with pytest.raises(Conflict, match="a project 'web' already"):
        teams.add_project(connection, WEB)
    teams.add_project(connection, Project("search", "search", 1.0))


def test_a_project_belongs_to_a_team_that_is_there(connection: Connection) -> None:
    with pytest.raises(BadRequest, match="no team 'ghost'") as refused:
        teams.add_project(connection, Project("app", "ghost", 1.0))
    assert refused.value.param == "team"


def test_a_team_in_use_is_not_deleted(connection: Connection) -> None:
    with pytest.raises(Conflict, match="the project 'web' belongs to it"):
        teams.remove_team(connection, "search")
    teams.remove_project(connection, "web")
    teams.remove_team(connection, "search")
    assert teams.list_teams(connection) == []
    assert teams.list_projects(connection) == []


def test_a_project_in_use_is_not_deleted(connection: Connection) -> None:
    """A key that was revoked or has expired uses nothing."""
    keys.add(connection, replace(ADA, project="web"))
    keys.add(connection, replace(ADA, id="key_old", digest="b" * 64, project="web", expires=2.0))
    with pytest.raises(Conflict, match="the key key_ada belongs to it"):
        teams.remove_project(connection, "web")
    keys.revoke(connection, ADA.id, time.time())
    teams.remove_project(connection, "web")


def test_what_is_not_there_is_not_deleted(connection: Connection) -> None:
    with pytest.raises(NotFound, match="no team 'web'"):
        teams.remove_team(connection, "web")
    with pytest.raises(NotFound, match="no project 'search'"):
        teams.remove_project(connection, "search")


def test_limits_go_with_what_they_are_of(connection: Connection) -> None:
    """Another of the same name begins without."""
    for scope in ("team:search", "project:web"):
        allowances.put(connection, Allowance(scope, concurrent=1), "ada")
    teams.remove_project(connection, "web")
    assert [row.allowance.scope for row in allowances.list_all(connection)] == ["team:search"]
    teams.remove_team(connection, "search")
    assert allowances.list_all(connection) == []


def test_a_project_deleted_while_a_key_is_made_for_it(store: Store) -> None:
    """One of the two is refused, whichever comes second."""
    with store.begin() as opened:
        teams.add_team(opened, SEARCH)
        teams.add_project(opened, WEB)
    start = Barrier(2)

    def outcome(change: Callable[[Connection], None]) -> bool:
        start.wait()
        try:
            with store.begin() as connection:
                change(connection)
        except (BadRequest, Conflict):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        made = pool.submit(outcome, lambda connection: keys.add(connection, replace(ADA, project="web")))
        deleted = pool.submit(outcome, lambda connection: teams.remove_project(connection, "web"))
        assert made.result() != deleted.result()
    with store.begin() as connection:
        assert bool(keys.find_active(connection)) == bool(teams.list_projects(connection)) == made.result()


def test_every_change_moves_the_revision_on(connection: Connection) -> None:
    ads, app = Team("ads", None, 3.0), Project("app", "ads", 3.0)
    changes: list[Callable[[], None]] = [
        lambda: teams.add_team(connection, ads),
        lambda: teams.add_project(connection, app),
        lambda: teams.remove_project(connection, "app"),
        lambda: teams.remove_team(connection, "ads"),
    ]
    seen = [catalogue.revision(connection)]
    for change in changes:
        change()
        seen.append(catalogue.revision(connection))
    assert seen == sorted(set(seen))
