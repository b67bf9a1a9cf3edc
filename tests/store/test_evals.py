"""Evals on every store: pages, outcomes and what belongs to what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import BadRequest
from gateway.store import evals
from gateway.store.engine import Store
from gateway.store.evals import DataRow, EvalRow, ItemRow, RunRow
from gateway.wire.paging import Page

EVAL = EvalRow("eval_0", "project:web", 1.0, 1.0, "e", {"a": "b"}, {"type": "logs"}, [{"name": "c"}])
RUN = RunRow("run_0", "eval_0", "key_1", 1.0, "r", {}, {"type": "jsonl"}, "queued", None, 2, None)
ROWS = [DataRow(0, {"q": "é\0"}, None), DataRow(1, {"q": 1}, {"output_text": "x"})]
ITEM = ItemRow("run_0", 1, "item_1", 2.0, "pass", {}, [{"name": "c", "passed": True}], [])
UP = Page(limit=2, ascending=True)


def test_an_eval_comes_back_to_its_scope_alone(store: Store) -> None:
    with store.begin() as connection:
        evals.add(connection, EVAL)
        assert evals.get(connection, "eval_0", "project:web") == EVAL
        assert evals.get(connection, "eval_0", "project:app") is None
        assert (evals.count(connection, "project:web"), evals.count(connection, "key:k")) == (1, 0)
        changed = replace(EVAL, name="f", metadata={}, updated=3.0)
        evals.change(connection, changed)
        assert evals.get(connection, "eval_0", "project:web") == changed


@pytest.mark.parametrize("ascending", [True, False])
def test_pages_have_every_row_once(store: Store, ascending: bool) -> None:
    """Also of rows that are of the same moment."""
    with store.begin() as connection:
        for number in range(7):
            evals.add(connection, replace(EVAL, id=f"eval_{number}", created=float(number // 3)))
        seen: list[str] = []
        more, page = True, Page(2, ascending)
        while more:
            rows, more = evals.find(connection, "project:web", page, "created")
            seen += [row.id for row in rows]
            page = Page(2, ascending, seen[-1])
        ordered = [f"eval_{number}" for number in range(7)]
        assert seen == (ordered if ascending else ordered[::-1])
        with pytest.raises(BadRequest):
            evals.find(connection, "project:web", Page(after="eval_9"), "created")


def test_a_run_and_what_came_of_it(store: Store) -> None:
    with store.begin() as connection:
        evals.add(connection, EVAL)
        evals.add_run(connection, RUN, ROWS)
        assert evals.get_run(connection, "run_0", "eval_0") == RUN
        assert evals.get_run(connection, "run_0", "eval_1") is None
        assert evals.rows_of(connection, "run_0") == ROWS
        assert evals.open_runs(connection) == evals.open_runs(connection, "key_1") == ["run_0"]
        evals.put_item(connection, ITEM)
        evals.put_item(connection, replace(ITEM, id="item_2", status="fail"))
        assert evals.done(connection, "run_0") == {1}
        assert evals.get_item(connection, "run_0", "item_1") == ITEM
        assert evals.find_items(connection, "run_0", UP, "pass") == ([ITEM], False)
        assert evals.find_items(connection, "run_0", UP, "fail") == ([], False)
        assert evals.outcomes(connection, "run_0") == [("pass", ITEM.results, [])]


def test_what_has_ended_stays_as_it_is(store: Store) -> None:
    with store.begin() as connection:
        evals.add(connection, EVAL)
        evals.add_run(connection, RUN, ROWS)
        assert evals.settle(connection, "run_0", "canceled", {"x": 1})
        assert not evals.settle(connection, "run_0", "completed")
        evals.put_item(connection, ITEM)
        assert evals.done(connection, "run_0") == set()
        found, _ = evals.find_runs(connection, "eval_0", UP, "canceled")
        assert [(row.status, row.summary) for row in found] == [("canceled", {"x": 1})]


def test_a_deleted_eval_leaves_nothing(store: Store) -> None:
    with store.begin() as connection:
        evals.add(connection, EVAL)
        evals.add_run(connection, RUN, ROWS)
        evals.put_item(connection, ITEM)
        evals.remove(connection, "eval_0")
        left: list[Any] = [
            evals.get_run(connection, "run_0"), evals.rows_of(connection, "run_0"), evals.done(connection, "run_0"),
        ]  # fmt: skip
        assert left == [None, [], set()]
