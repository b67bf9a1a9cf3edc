"""`sluice retention`: what is old goes, what is held stays."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.record import CallRecord
from gateway.store import calls
from gateway.store.engine import Store
from gateway.store.migrations import migrate
from tests.cli.conftest import Sluice

OLD = 91 * 86_400


@pytest.fixture
def filled(sluice: Sluice, tmp_path: Path) -> None:
    """Three old calls, one of them of the project `case`, and a new one."""
    (tmp_path / "sluice-data").mkdir()
    now = time.time_ns()
    with closing(Store(f"sqlite:///{tmp_path / 'sluice-data' / 'sluice.db'}")) as store:
        migrate(store)
        old = [CallRecord(f"req_{n}", now - OLD * 10**9 + n, "chat", 200) for n in range(2)]
        held = CallRecord("req_2", now - OLD * 10**9, "chat", 200, project="case")
        with store.begin() as connection:
            calls.ship(connection, "one", 1, [*old, held, CallRecord("req_3", now, "chat", 200)])


@pytest.mark.usefixtures("filled")
def test_what_is_old_goes_and_what_is_held_stays_until_it_is_lifted(sluice: Sluice) -> None:
    hold = sluice("retention", "hold", "--project", "case", "--reason", "the case").out.strip()
    (listed,) = sluice("retention", "holds", "--json").rows
    assert (listed["id"], listed["project"], listed["reason"]) == (hold, "case", "the case")
    due = {row["class"]: row for row in sluice("retention", "run", "--dry-run", "--json").rows}
    assert due["calls"] == {"class": "calls", "would_go": 2, "held": 1}
    gone = {row["class"]: row["removed"] for row in sluice("retention", "run", "--json").rows}
    assert gone == {"deliveries": 0, "contents": 0, "responses": 0, "feedback": 0, "calls": 2}
    assert sluice("retention", "lift", hold).out == f"lifted {hold}\n"
    done = sluice("retention", "run")
    assert "calls" in done.err
    assert [line.split() for line in done.out.splitlines() if "calls" in line] == [["calls", "1"]]
    assert sluice("calls", "--json").out.count('"id"') == 1


@pytest.mark.usefixtures("filled")
def test_what_is_kept_for_ever_is_not_touched(sluice: Sluice, tmp_path: Path) -> None:
    with (tmp_path / "sluicegate.yaml").open("a") as config:
        config.write("retention: {calls: null, contents: null, responses: null, feedback: null, deliveries: null}\n")
    assert sluice("retention", "run").out == "Everything is kept for ever.\n"
    assert sluice("retention", "run", "--dry-run").out == "Everything is kept for ever.\n"
    assert sluice("calls", "--json").out.count('"id"') == 4


def test_a_hold_says_what_it_holds(sluice: Sluice) -> None:
    done = sluice("retention", "hold", "--reason", "r")
    assert (done.code, "Say what to hold" in done.err) == (1, True)
    assert sluice("retention", "holds").out == "Nothing is held.\n"


def test_a_hold_that_is_not_there(sluice: Sluice) -> None:
    done = sluice("retention", "lift", "hold_unknown")
    assert (done.code, "no hold 'hold_unknown' in force" in done.err) == (1, True)
    assert sluice("retention", "holds", "--lifted", "--json").rows == []


def test_holds_that_were_lifted_are_remembered(sluice: Sluice) -> None:
    hold = sluice("retention", "hold", "--key", "key_1", "--endpoint", "bot", "--reason", "why").out.strip()
    sluice("retention", "lift", hold)
    assert sluice("retention", "holds", "--json").rows == []
    (row,) = sluice("retention", "holds", "--lifted", "--json").rows
    assert (row["key_id"], row["endpoint"], row["lifted"] is not None) == ("key_1", "bot", True)
    assert hold in sluice("retention", "holds", "--lifted").out
