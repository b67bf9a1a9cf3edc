"""`sluice audit`: at the machine, without a gateway."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import Sluice


@pytest.fixture
def done(sluice: Sluice) -> None:
    """Two acts at the database."""
    for name in ("search", "web"):
        assert sluice("teams", "create", name).code == 0


@pytest.mark.usefixtures("done")
def test_a_log_that_holds(sluice: Sluice) -> None:
    told = sluice("audit", "verify")
    assert (told.code, told.out) == (0, "3 entries, all as they were written\n")
    assert orjson.loads(sluice("audit", "verify", "--json").out) == {"entries": 3, "seq": None, "wrong": None}


@pytest.mark.usefixtures("done")
def test_a_row_that_was_changed(sluice: Sluice, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "sluice-data" / "sluice.db")) as database, database:
        database.execute("UPDATE audit SET reason = 'nothing to see' WHERE seq = 3")
    told = sluice("audit", "verify")
    assert (told.code, told.out) == (2, "entry 3: it was changed\n")


@pytest.mark.usefixtures("done")
def test_an_export_and_what_was_done_to_it(sluice: Sluice, tmp_path: Path) -> None:
    assert sluice("audit", "export", "-o", "log.jsonl").out == "wrote 3 entries to log.jsonl\n"
    (tmp_path / "checkpoint.json").write_text(sluice("audit", "checkpoint").out)
    against = ("--checkpoint", "checkpoint.json")
    assert sluice("audit", "verify", "log.jsonl", *against).code == 0
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    for rows, said in (
        (lines[:2], "the log ends at 2, before its checkpoint at 3"),
        ([lines[0], lines[2]], "entry 2 is not there"),
        ([lines[0], "{ torn", lines[2]], "it is no entry of a log"),
        (lines[1:], "entry 1 is not there"),
    ):
        (tmp_path / "log.jsonl").write_text("\n".join(rows) + "\n")
        told = sluice("audit", "verify", "log.jsonl", *against)
        assert told.code == 2
        assert said in told.out


@pytest.mark.usefixtures("done")
def test_another_installation_s_key(sluice: Sluice) -> None:
    sluice("audit", "export", "-o", "log.jsonl")
    theirs = "A" * 43 + "="
    told = sluice("audit", "verify", "log.jsonl", "--public-key", theirs)
    assert (told.code, told.out) == (2, "entry 1: it was not signed by this installation\n")


@pytest.mark.parametrize(("text", "said"), [("{", "is not JSON"), ("{}", "is no checkpoint"), (None, "cannot be read")])
def test_what_is_no_checkpoint(sluice: Sluice, tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "checkpoint.json").write_text(text)
    told = sluice("audit", "verify", "--checkpoint", "checkpoint.json")
    assert told.code == 1
    assert said in told.err


def test_nothing_was_done_yet(sluice: Sluice) -> None:
    assert sluice("audit", "verify").out == "0 entries, all as they were written\n"
    assert "Nothing has been done yet" in sluice("audit", "checkpoint").err
