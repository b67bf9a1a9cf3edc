"""Evals as their owners see them: made, listed, changed, run, cancelled and deleted."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection

from evals.errors import BadInput, EvalError, TargetFailed
from evals.graders import template
from evals.graders.grade import grade, sample_of
from gateway.errors import BadRequest, NotFound, RateLimited
from gateway.evals import requests, sources
from gateway.evals.asking import Asker
from gateway.evals.requests import EvalChange, GraderCheck, GraderRun, NewEval, NewRun, Sampled
from gateway.evals.shapes import eval_object, graded, item_object, listed, run_object, summary_of
from gateway.store import evals as store
from gateway.store.engine import Store
from gateway.store.evals import EvalRow, RunRow
from gateway.types import Json, Principal
from gateway.wire.paging import Page

MOST_EVALS = 1000
"""Of one project, or one key without a project."""
MOST_OPEN = 20
"""Runs of one key that have not ended."""
STATUSES = ("queued", "in_progress", "completed", "canceled", "failed")
T = TypeVar("T")
Params = dict[str, str]


def scope_of(who: Principal) -> str:
    """Whose evals these are: a project shares them, a key without one has its own."""
    return f"project:{who.project}" if who.project is not None else f"key:{who.key_id}"


class Desk:
    """One per process. What is another's does not exist, in the same words as what never did."""

    def __init__(self, store: Store, asker: Asker) -> None:
        self._store = store
        self._asker = asker

    async def create(self, who: Principal, at: Params, body: Json) -> Json:
        new = requests.read(NewEval, body)
        requests.check_eval(new)
        now, ident = time.time(), f"eval_{secrets.token_hex(12)}"
        config = new.data_source_config.model_dump(mode="json")
        row = EvalRow(
            ident, scope_of(who), now, now, new.name or ident, dict(new.metadata or {}), config, new.testing_criteria
        )

        def add(connection: Connection) -> None:
            if store.count(connection, row.scope) >= MOST_EVALS:
                raise BadRequest(f"There are {MOST_EVALS} evals already. Delete some.", code="too_many_evals")
            store.add(connection, row)

        await self._do(add)
        return eval_object(row)

    async def get(self, who: Principal, at: Params) -> Json:
        return eval_object(await self._do(lambda connection: _eval(connection, at, who)))

    async def list(self, who: Principal, at: Params) -> Json:
        by = at.get("order_by", "created_at")
        if by not in ("created_at", "updated_at"):
            raise BadRequest("'order_by' is created_at or updated_at.", param="order_by", code="invalid_value")
        page, scope = _page(at), scope_of(who)
        rows, more = await self._do(lambda connection: store.find(connection, scope, page, by.removesuffix("_at")))
        return listed([eval_object(row) for row in rows], more)

    async def update(self, who: Principal, at: Params, body: Json) -> Json:
        given = requests.read(EvalChange, body)

        def change(connection: Connection) -> EvalRow:
            row = _eval(connection, at, who)
            metadata = dict(given.metadata or {}) if "metadata" in given.model_fields_set else row.metadata
            row = replace(row, name=given.name or row.name, metadata=metadata, updated=time.time())
            store.change(connection, row)
            return row

        return eval_object(await self._do(change))

    async def delete(self, who: Principal, at: Params) -> Json:
        def remove(connection: Connection) -> None:
            store.remove(connection, _eval(connection, at, who).id)

        await self._do(remove)
        return {"object": "eval.deleted", "deleted": True, "eval_id": at["id"]}

    async def create_run(self, who: Principal, at: Params, body: Json) -> Json:
        new = requests.read(NewRun, body)
        source = new.data_source
        described = source.model_dump(mode="json", exclude_none=True)
        if source.source.type == "file_content":
            described["source"] = {"type": "file_content"}
        ident = f"evalrun_{secrets.token_hex(12)}"

        def add(connection: Connection) -> Json:
            held = _eval(connection, at, who)
            if len(store.open_runs(connection, who.key_id)) >= MOST_OPEN:
                message = f"This key has {MOST_OPEN} runs that have not ended. Wait for one."
                raise RateLimited(message, code="too_many_concurrent", retry_after=5.0)
            if source.source.type == "file_content":
                requests.check_rows(source.source.content, held.config.get("item_schema"))
            rows = sources.rows(connection, source.source, who)
            metadata = dict(new.metadata or {})
            row = RunRow(
                ident, held.id, who.key_id, time.time(), new.name or ident, metadata,
                described, "queued", None, len(rows), None,
            )  # fmt: skip
            store.add_run(connection, row, rows)
            return run_object(row, summary_of((), held.criteria), rows)

        if isinstance(source, Sampled) and source.input_messages is not None and source.model is None:
            raise BadRequest("'model' is missing: who is to answer?", param="data_source.model", code="invalid_value")
        return await self._do(add)

    async def get_run(self, who: Principal, at: Params) -> Json:
        return await self._do(
            lambda connection: _shown(connection, _run(connection, at, who), _eval(connection, at, who))
        )

    async def list_runs(self, who: Principal, at: Params) -> Json:
        """Without the rows that came with each."""
        page, status = _page(at), _one_of(at, STATUSES)

        def find(connection: Connection) -> Json:
            held = _eval(connection, at, who)
            rows, more = store.find_runs(connection, held.id, page, status)
            return listed([_shown(connection, row, held, whole=False) for row in rows], more)

        return await self._do(find)

    async def cancel_run(self, who: Principal, at: Params, body: Json) -> Json:
        """One that has ended is left as it is. What was asked already is not asked back."""

        def cancel(connection: Connection) -> Json:
            held, run = _eval(connection, at, who), _run(connection, at, who)
            summary = summary_of(store.outcomes(connection, run.id), held.criteria)
            store.settle(connection, run.id, "canceled", summary)
            return _shown(connection, _run(connection, at, who), held)

        return await self._do(cancel)

    async def delete_run(self, who: Principal, at: Params) -> Json:
        def remove(connection: Connection) -> None:
            store.remove_run(connection, _run(connection, at, who).id)

        await self._do(remove)
        return {"object": "eval.run.deleted", "deleted": True, "run_id": at["run"]}

    async def get_item(self, who: Principal, at: Params) -> Json:
        def find(connection: Connection) -> Json:
            run = _run(connection, at, who)
            row = store.get_item(connection, run.id, at["item"])
            if row is None:
                raise NotFound(f"Output item with id {at['item'][:80]!r} not found.", param="id")
            return item_object(row, run.eval, store.rows_of(connection, run.id, [row.number])[0])

        return await self._do(find)

    async def list_items(self, who: Principal, at: Params) -> Json:
        page, status = _page(at), _one_of(at, ("pass", "fail", "error"))

        def find(connection: Connection) -> Json:
            run = _run(connection, at, who)
            rows, more = store.find_items(connection, run.id, page, status)
            data = {one.number: one for one in store.rows_of(connection, run.id, [row.number for row in rows])}
            return listed([item_object(row, run.eval, data[row.number]) for row in rows], more)

        return await self._do(find)

    async def validate_grader(self, who: Principal, at: Params, body: Json) -> Json:
        given = requests.read(GraderCheck, body).grader
        requests.grader_of(given, "grader")
        return {"grader": given}

    async def run_grader(self, who: Principal, at: Params, body: Json) -> Json:
        """Once, on one item. What goes wrong with it is a flag of the answer, as OpenAI has it."""
        given = requests.read(GraderRun, body)
        grader = requests.grader_of(given.grader, "grader")
        space: template.Space = {"item": given.item or {}, "sample": sample_of(given.model_sample)}
        name, began = f"grader-{secrets.token_hex(12)}", time.perf_counter()
        found, faults = None, {}
        try:
            found = await grade(grader, space, lambda of, body: self._asker.ask(who.key_id, f"{name}-{of[:40]}", body))
        except BadInput as error:
            faults["invalid_variable_error"] = error.message
        except TargetFailed as error:
            faults["model_grader_parse_error" if error.status is None else "model_grader_server_error"] = error.message
        except EvalError as error:
            faults["other_error"] = error.message
        return graded(grader.name, grader.type, found, faults, time.perf_counter() - began)

    async def _do(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._in_transaction, work)

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        with self._store.begin() as connection:
            return work(connection)


def _eval(connection: Connection, at: Params, who: Principal) -> EvalRow:
    row = store.get(connection, at["id"], scope_of(who))
    if row is None:
        raise NotFound(f"Eval with id {at['id'][:80]!r} not found.", param="id")
    return row


def _run(connection: Connection, at: Params, who: Principal) -> RunRow:
    row = store.get_run(connection, at["run"], _eval(connection, at, who).id)
    if row is None:
        raise NotFound(f"Eval run with id {at['run'][:80]!r} not found.", param="id")
    return row


def _shown(connection: Connection, row: RunRow, held: EvalRow, whole: bool = True) -> Json:
    summary = row.summary or summary_of(store.outcomes(connection, row.id), held.criteria)
    given = whole and row.source["source"]["type"] == "file_content"
    return run_object(row, summary, store.rows_of(connection, row.id) if given else ())


def _page(at: Params) -> Page:
    """Evals come oldest first, unlike other lists."""
    return Page.read({"order": "asc", **at})


def _one_of(at: Params, known: tuple[str, ...]) -> str | None:
    status = at.get("status")
    if status is not None and status not in known:
        raise BadRequest(f"'status' is one of {', '.join(known)}.", param="status", code="invalid_value")
    return status
