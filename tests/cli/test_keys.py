"""`sluice keys`: minted and shown once, listed, revoked."""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest

from gateway import configuration
from gateway.access import KeyHasher
from gateway.app import open_store, pepper
from gateway.store import keys
from tests.cli.conftest import Sluice


def test_a_key_is_all_there_is_on_the_output(sluice: Sluice) -> None:
    """For scripts: KEY=$(sluice keys create ci)."""
    done = sluice("keys", "create", "ci")
    assert done.code == 0
    assert done.out.startswith("sk-")
    assert done.out.count("\n") == 1
    assert "once" in done.err


def test_it_is_one_the_gateway_knows(sluice: Sluice, tmp_path: Path) -> None:
    secret = sluice("keys", "create", "ci").out.strip()
    chosen = configuration.load(tmp_path / "sluicegate.yaml", {})
    store = open_store(chosen)
    with store.begin() as connection:
        [row] = keys.find_active(connection)
    store.close()
    assert row.digest == KeyHasher(pepper(chosen)).digest(secret.encode()).hex()


def test_what_is_granted(sluice: Sluice) -> None:
    more = ("--role", "viewer", "--role", "operator", "--endpoint", "bot", "--upstream", "demo", "--expires", "12h")
    made = orjson.loads(sluice("keys", "create", "scoped", *more, "--json").out)
    assert made["key"].startswith("sk-")
    [row] = sluice("keys", "list", "--json").rows
    assert row == {name: value for name, value in made.items() if name != "key"}
    told = (row["name"], row["roles"], row["endpoints"], row["upstreams"], row["state"])
    assert told == ("scoped", "operator, viewer", "bot", "demo", "in force")
    assert row["hint"] == f"…{made['key'][-4:]}"
    assert row["expires"].startswith("20")


def test_what_is_granted_when_nothing_is_said(sluice: Sluice) -> None:
    sluice("keys", "create", "plain")
    sluice("keys", "create", "all", "--upstream", "demo", "--upstream", "all")
    rows = sluice("keys", "list", "--json").rows
    assert [(row["roles"], row["endpoints"], row["upstreams"], row["expires"]) for row in rows] == [
        ("", "all", "", None),
        ("", "all", "all", None),
    ]


def test_a_key_is_revoked_once(sluice: Sluice) -> None:
    made = orjson.loads(sluice("keys", "create", "ci", "--json").out)
    done = sluice("keys", "revoke", made["id"])
    assert (done.code, done.out) == (0, f"revoked {made['id']}\n")
    assert sluice("keys", "list", "--json").rows[0]["state"] == "revoked"
    for key_id in (made["id"], "key_unknown"):
        again = sluice("keys", "revoke", key_id)
        assert again.code == 1
        assert "sluice keys list" in again.err


def test_a_key_that_ended_is_shown_as_such(sluice: Sluice, monkeypatch: pytest.MonkeyPatch) -> None:
    sluice("keys", "create", "short", "--expires", "1m")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert sluice("keys", "list", "--json").rows[0]["state"] == "expired"


def test_people_see_a_table_with_whole_lines(sluice: Sluice) -> None:
    sluice("keys", "create", "n" * 100)
    head, row = sluice("keys", "list").out.splitlines()
    assert head.split() == ["id", "name", "hint", "roles", "endpoints", "upstreams", "expires", "state"]
    assert "n" * 100 in row
    assert row.rstrip().endswith("in force")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--role", "root"), "the roles are admin, operator, viewer"),
        (("--expires", "soon"), "a number and m, h or d"),
        (("--expires", "0m"), "to come"),
        (("--expires", "99999999d"), "to come"),
        (("--expires", "9" * 400 + "d"), "a number and m, h or d"),
    ],
)
def test_what_cannot_be_granted_makes_no_key(sluice: Sluice, arguments: tuple[str, ...], words: str) -> None:
    done = sluice("keys", "create", "x", *arguments)
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert done.err.startswith("sluice: ")
    assert sluice("keys", "list", "--json").rows == []
