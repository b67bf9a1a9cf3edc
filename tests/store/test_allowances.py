"""Allowances in the database: of what is there, one for each scope, and money that stays exact."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from gateway.amounts import Allowance
from gateway.errors import NotFound
from gateway.store import allowances, catalogue, keys, teams
from gateway.store.engine import Store
from gateway.types import Release
from tests.store.test_keys import ADA

SCOPES = ("endpoint:bot", "key:key_ada", "project:web", "team:search")
WHOLE = Allowance("team:search", 600, 10**12, 8, 10**15 - 1, "week")


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    """One transaction for the whole test, with one of each thing that can have limits."""
    with store.begin() as opened:
        teams.add_team(opened, teams.Team("search", None, 1.0))
        teams.add_project(opened, teams.Project("web", "search", 1.0))
        keys.add(opened, ADA)
        catalogue.add_release(opened, Release("b" * 64, None, "demo"), "ada")
        catalogue.put_endpoint(opened, "bot", "ada", None, None, None)
        catalogue.set_live(opened, "bot", "b" * 64, "ada", "apply")
        yield opened


def test_an_allowance_is_read_as_it_was_written(connection: Connection) -> None:
    assert allowances.put(connection, WHOLE, "ada")
    row = allowances.get(connection, "team:search")
    assert (row.allowance, row.updated_by) == (WHOLE, "ada")
    assert row.updated == pytest.approx(time.time(), abs=60)
    assert type(row.allowance.budget) is int


def test_each_kind_has_its_own(connection: Connection) -> None:
    for scope in reversed(SCOPES):
        assert allowances.put(connection, Allowance(scope, concurrent=1), "ada")
    assert [row.allowance.scope for row in allowances.list_all(connection)] == list(SCOPES)


def test_another_stands_in_place_of_the_one_before(connection: Connection) -> None:
    allowances.put(connection, WHOLE, "ada")
    other = Allowance("team:search", concurrent=1)
    assert allowances.put(connection, other, "bob")
    [row] = allowances.list_all(connection)
    assert (row.allowance, row.updated_by) == (other, "bob")


def test_the_same_again_changes_nothing(connection: Connection) -> None:
    allowances.put(connection, WHOLE, "ada")
    before = allowances.list_all(connection)
    assert not allowances.put(connection, WHOLE, "bob")
    assert allowances.list_all(connection) == before


@pytest.mark.parametrize("scope", ["key:key_bob", "project:search", "team:web", "endpoint:ghost"])
def test_what_is_not_there_has_no_limits(connection: Connection, scope: str) -> None:
    kind, _, name = scope.partition(":")
    with pytest.raises(NotFound, match=f"no {kind} '{name}'") as refused:
        allowances.put(connection, Allowance(scope, concurrent=1), "ada")
    assert refused.value.param == "scope"
    assert allowances.list_all(connection) == []


def test_what_is_removed_is_given_once_more(connection: Connection) -> None:
    allowances.put(connection, WHOLE, "ada")
    assert allowances.remove(connection, "team:search").allowance == WHOLE
    for ask in (allowances.remove, allowances.get):
        with pytest.raises(NotFound, match="No limits are set for 'team:search'"):
            ask(connection, "team:search")


def test_every_change_moves_the_revision_on(connection: Connection) -> None:
    seen = [catalogue.revision(connection)]
    allowances.put(connection, WHOLE, "ada")
    seen.append(catalogue.revision(connection))
    allowances.remove(connection, WHOLE.scope)
    seen.append(catalogue.revision(connection))
    assert seen == sorted(set(seen))
