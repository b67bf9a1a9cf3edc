"""`sluice limits`: money as text, exact, and only of what is there."""

from __future__ import annotations

import time

import orjson
import pytest

from gateway.cli.database import operator
from tests.cli.conftest import Sluice

WHOLE = ("--requests-per-minute", "600", "--tokens-per-minute", "90000", "--concurrent", "8", "--budget", "0.1usd/day")


@pytest.fixture(autouse=True)
def team(sluice: Sluice) -> None:
    sluice("teams", "create", "search")


def test_limits_are_shown_as_they_were_set(sluice: Sluice) -> None:
    row = orjson.loads(sluice("limits", "set", "team:search", *WHOLE, "--json").out)
    assert row == {
        "scope": "team:search",
        "requests_per_minute": 600,
        "tokens_per_minute": 90_000,
        "concurrent": 8,
        "budget": "0.1usd/day",
        "updated": row["updated"],
        "updated_by": operator(),
    }
    assert sluice("limits", "list", "--json").listed == [row]
    assert orjson.loads(sluice("limits", "show", "team:search", "--json").out) == row
    assert row["updated"] == pytest.approx(time.time(), abs=60)
    for command in (("set", "team:search", *WHOLE), ("list",), ("show", "team:search")):
        head, line = sluice("limits", *command).out.splitlines()
        assert head.split()[0] == "scope"
        assert line.split()[:5] == ["team:search", "600", "90000", "8", "0.1usd/day"]


def test_what_is_set_stands_in_place_of_all_there_was(sluice: Sluice) -> None:
    sluice("limits", "set", "team:search", *WHOLE)
    row = orjson.loads(sluice("limits", "set", "team:search", "--concurrent", "2", "--json").out)
    assert (row["concurrent"], row["requests_per_minute"], row["budget"]) == (2, None, None)


def test_limits_are_removed_once(sluice: Sluice) -> None:
    sluice("limits", "set", "team:search", *WHOLE)
    assert sluice("limits", "remove", "team:search").out == "removed the limits of team:search\n"
    assert sluice("limits", "list", "--json").listed == []
    for command in ("remove", "show"):
        again = sluice("limits", command, "team:search")
        assert again.code == 1
        assert "No limits are set for 'team:search'" in again.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("team:search",), "at least one of requests_per_minute"),
        (("team:search", "--budget", "50"), "50usd/month"),
        (("team:search", "--concurrent", "0"), "--concurrent: Input should be greater than or equal to 1"),
        (("team:ghost", "--concurrent", "1"), "no team 'ghost'"),
        (("endpoint:demo", "--concurrent", "1"), "no endpoint 'demo'"),
        (("search", "--concurrent", "1"), "team:NAME"),
    ],
)
def test_what_cannot_be_set_sets_nothing(sluice: Sluice, arguments: tuple[str, ...], words: str) -> None:
    done = sluice("limits", "set", *arguments)
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert sluice("limits", "list", "--json").listed == []
