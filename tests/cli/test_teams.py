"""`sluice teams` and `sluice projects`."""

from __future__ import annotations

import time

import pytest

from tests.cli.conftest import Sluice


def test_a_team_and_its_project(sluice: Sluice) -> None:
    assert sluice("teams", "create", "search", "--description", "Finds things.").out == "made the team search\n"
    assert sluice("projects", "create", "web", "--team", "search").out == "made the project web of the team search\n"
    [team] = sluice("teams", "list", "--json").listed
    [project] = sluice("projects", "list", "--json").listed
    assert (team["name"], team["description"]) == ("search", "Finds things.")
    assert (project["name"], project["team"]) == ("web", "search")
    assert team["created"] == pytest.approx(time.time(), abs=60)
    assert sluice("teams", "list").out.split()[:3] == ["name", "description", "created"]
    assert sluice("projects", "list").out.split()[:3] == ["name", "team", "created"]


def test_what_is_in_use_is_not_deleted(sluice: Sluice) -> None:
    sluice("teams", "create", "search")
    sluice("projects", "create", "web", "--team", "search")
    sluice("keys", "create", "ci", "--project", "web")
    [key] = sluice("keys", "list", "--json").listed
    for group, name, user in (("projects", "web", key["id"]), ("teams", "search", "web")):
        done = sluice(group, "delete", name)
        assert (done.code, done.out) == (1, "")
        assert user in done.err
    sluice("keys", "revoke", key["id"])
    assert sluice("projects", "delete", "web").out == "deleted the project web\n"
    assert sluice("teams", "delete", "search").out == "deleted the team search\n"
    assert sluice("teams", "list", "--json").listed == sluice("projects", "list", "--json").listed == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("teams", "create", "A B"), "small letters"),
        (("teams", "create", "search"), "already"),
        (("teams", "delete", "ghost"), "no team 'ghost'"),
        (("projects", "create", "web", "--team", "ghost"), "no team 'ghost'"),
        (("projects", "delete", "ghost"), "no project 'ghost'"),
    ],
)
def test_what_cannot_be(sluice: Sluice, arguments: tuple[str, ...], words: str) -> None:
    sluice("teams", "create", "search")
    done = sluice(*arguments)
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert len(sluice("teams", "list", "--json").listed) == 1
