"""`sluice keys`: minted and shown once, listed, rotated, revoked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from gateway import configuration
from gateway.access import KeyHasher
from gateway.cli.database import operator
from gateway.data_folder import open_store, pepper
from gateway.store import keys
from tests.cli.conftest import Sluice


@contextmanager
def opened(folder: Path) -> Iterator[Connection]:
    with closing(open_store(configuration.load(folder / "sluicegate.yaml", {}))) as store, store.begin() as connection:
        yield connection


def digest(folder: Path, secret: str) -> str:
    chosen = configuration.load(folder / "sluicegate.yaml", {})
    return KeyHasher(pepper(chosen)).digest(secret.encode()).hex()


def former(folder: Path) -> list[tuple[str, float]]:
    with opened(folder) as connection:
        return [(secret.digest, secret.expires) for row in keys.list_all(connection) for secret in row.former]


def without_secret(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if name not in ("key", "warnings")}


def test_a_key_is_all_there_is_on_the_output(sluice: Sluice) -> None:
    """For scripts: KEY=$(sluice keys create ci)."""
    done = sluice("keys", "create", "ci")
    assert done.code == 0
    assert done.out.startswith("sk-")
    assert done.out.count("\n") == 1
    assert "once" in done.err


def test_it_is_one_the_gateway_knows(sluice: Sluice, tmp_path: Path) -> None:
    secret = sluice("keys", "create", "ci").out.strip()
    with opened(tmp_path) as connection:
        [row] = keys.find_active(connection)
    assert row.digest == digest(tmp_path, secret)


def test_what_is_granted(sluice: Sluice) -> None:
    more = ("--role", "viewer", "--role", "editor", "--endpoint", "bot", "--upstream", "demo", "--expires", "12h")
    made = orjson.loads(sluice("keys", "create", "scoped", *more, "--json").out)
    assert made["key"].startswith("sk-")
    [row] = sluice("keys", "list", "--json").listed
    assert row == without_secret(made)
    told = (row["name"], row["roles"], row["endpoints"], row["upstreams"], row["revoked"])
    assert told == ("scoped", ["editor", "viewer"], ["bot"], ["demo"], None)
    assert (row["hint"], row["created_by"]) == (made["key"][-4:], operator())
    assert row["expires"] - row["created"] == pytest.approx(43_200, abs=60)


def test_what_is_granted_when_nothing_is_said(sluice: Sluice) -> None:
    sluice("keys", "create", "plain")
    sluice("keys", "create", "all", "--upstream", "demo", "--upstream", "all")
    rows = sluice("keys", "list", "--json").listed
    assert [(row["roles"], row["endpoints"], row["upstreams"], row["expires"]) for row in rows] == [
        ([], None, [], None),
        ([], None, None, None),
    ]


def test_whose_a_key_is(sluice: Sluice) -> None:
    sluice("teams", "create", "search")
    sluice("projects", "create", "web", "--team", "search")
    sluice("keys", "create", "plain")
    sluice("keys", "create", "ci", "--owner", "Ada", "--project", "web")
    rows = sluice("keys", "list", "--json").listed
    assert [(row["owner"], row["project"]) for row in rows] == [("plain", None), ("Ada", "web")]


def test_a_key_is_assigned(sluice: Sluice) -> None:
    sluice("teams", "create", "search")
    sluice("projects", "create", "web", "--team", "search")
    made = orjson.loads(sluice("keys", "create", "ci", "--json").out)
    assert sluice("keys", "assign", made["id"], "--owner", "Ada").out == f"{made['id']} is Ada's, in no project\n"
    done = sluice("keys", "assign", made["id"], "--project", "web")
    assert done.out == f"{made['id']} is Ada's, in the project web\n"
    assert sluice("keys", "list", "--json").listed == [{**without_secret(made), "owner": "Ada", "project": "web"}]
    for arguments, words in (
        ((made["id"], "--project", "ghost"), "no project 'ghost'"),
        ((made["id"], "--owner", ""), "1 to 100"),
        (("key_unknown",), "sluice keys list"),
    ):
        refused = sluice("keys", "assign", *arguments)
        assert (refused.code, refused.out) == (1, "")
        assert words in refused.err


def test_a_name_that_nobody_declared_is_told_and_granted(sluice: Sluice) -> None:
    done = sluice("keys", "create", "ci", "--endpoint", "nope", "--upstream", "demo", "--upstream", "gone")
    assert done.code == 0
    assert done.out.startswith("sk-")
    assert done.out.count("\n") == 1
    assert "Warning: There is no endpoint 'nope' (yet)." in done.err
    assert "Warning: There is no upstream 'gone' (yet)." in done.err
    assert "'demo'" not in done.err
    assert sluice("keys", "list", "--json").listed[0]["endpoints"] == ["nope"]


def test_a_rotated_key_keeps_all_but_its_secret(sluice: Sluice, tmp_path: Path) -> None:
    made = orjson.loads(sluice("keys", "create", "ci", "--role", "viewer", "--json").out)
    done = sluice("keys", "rotate", made["id"], "--overlap", "2h")
    assert (done.code, done.out.count("\n")) == (0, 1)
    secret = done.out.strip()
    assert secret.startswith("sk-")
    assert "once" in done.err
    [row] = sluice("keys", "list", "--json").listed
    [(old, ends)] = former(tmp_path)
    before = {"hint": made["key"][-4:], "created": made["created"], "expires": ends}
    changed = {"hint": secret[-4:], "former": [before], "rotated": row["rotated"]}
    assert row == {**without_secret(made), **changed}
    assert old == digest(tmp_path, made["key"])
    assert 7000 < ends - time.time() <= 7200


def test_an_overlap_is_a_day_unless_said_otherwise(sluice: Sluice, tmp_path: Path) -> None:
    made = orjson.loads(sluice("keys", "create", "ci", "--json").out)
    told = orjson.loads(sluice("keys", "rotate", made["id"], "--json").out)
    assert told["key"] != made["key"]
    assert told["id"] == made["id"]
    [(_, ends)] = former(tmp_path)
    assert 86_000 < ends - time.time() <= 86_400


@pytest.mark.parametrize(
    ("overlap", "words"),
    [("soon", "--overlap 'soon'"), ("91d", "to 90 days"), ("-1h", "--overlap '-1h'"), ("", "--overlap")],
)
def test_what_is_no_overlap_rotates_nothing(sluice: Sluice, overlap: str, words: str) -> None:
    made = orjson.loads(sluice("keys", "create", "ci", "--json").out)
    done = sluice("keys", "rotate", made["id"], "--overlap", overlap)
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert sluice("keys", "list", "--json").listed[0]["hint"] == made["hint"]


def test_what_is_not_in_force_is_not_rotated(sluice: Sluice) -> None:
    done = sluice("keys", "rotate", "key_unknown")
    assert (done.code, done.out) == (1, "")
    assert "sluice keys list" in done.err


def test_a_key_is_revoked_once(sluice: Sluice) -> None:
    made = orjson.loads(sluice("keys", "create", "ci", "--json").out)
    done = sluice("keys", "revoke", made["id"])
    assert (done.code, done.out) == (0, f"revoked {made['id']}\n")
    assert sluice("keys", "list").out.rstrip().endswith("revoked")
    assert sluice("keys", "list", "--json").listed[0]["revoked"] == pytest.approx(time.time(), abs=60)
    for key_id in (made["id"], "key_unknown"):
        again = sluice("keys", "revoke", key_id)
        assert again.code == 1
        assert "sluice keys list" in again.err


def test_a_key_that_ended_is_shown_as_such(sluice: Sluice, monkeypatch: pytest.MonkeyPatch) -> None:
    sluice("keys", "create", "short", "--expires", "1m")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert sluice("keys", "list").out.rstrip().endswith("expired")


def test_people_see_a_table_with_whole_lines(sluice: Sluice) -> None:
    sluice("keys", "create", "n" * 100)
    head, row = sluice("keys", "list").out.splitlines()
    columns = "id name owner created by project hint former roles endpoints upstreams expires state"
    assert head.split() == columns.split()
    assert "n" * 100 in row
    assert row.rstrip().endswith("in force")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--role", "root"), "the roles are admin, approver, editor, evaluator, viewer"),
        (("--project", "ghost"), "no project 'ghost'"),
        (("--owner", ""), "1 to 100"),
        (("--expires", "soon"), "a number and s, m, h, d or w"),
        (("--expires", "0d"), "give it some time"),
        (("--expires", "99999999d"), "at most 36525d"),
        (("--expires", "9" * 400 + "d"), "a number and s, m, h, d or w"),
    ],
)
def test_what_cannot_be_granted_makes_no_key(sluice: Sluice, arguments: tuple[str, ...], words: str) -> None:
    done = sluice("keys", "create", "x", *arguments)
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert done.err.startswith("sluice: ")
    assert sluice("keys", "list", "--json").listed == []


def test_who_gives_a_command_is_who_the_system_says(sluice: Sluice, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "grace")
    made = orjson.loads(sluice("keys", "create", "app", "--json").out)
    [row] = [row for row in sluice("keys", "list", "--json").listed if row["id"] == made["id"]]
    assert row["created_by"] == operator()
    assert operator().startswith("local:")
    assert "grace" not in operator()


@pytest.mark.parametrize("arguments", [("local:ada",), ("app", "--owner", "local:ada")])
def test_no_key_belongs_to_somebody_at_the_machine(sluice: Sluice, arguments: tuple[str, ...]) -> None:
    done = sluice("keys", "create", *arguments)
    assert (done.code, "local:" in done.err) == (1, True)
