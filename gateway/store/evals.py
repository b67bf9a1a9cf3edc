"""Queries on evals in OpenAI's form. An eval is seen by its scope alone; its runs and their items through it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, insert, or_, select, update

from gateway.errors import BadRequest
from gateway.store.tables.calls import calls, contents, responses
from gateway.store.tables.evals import eval_items, eval_rows, eval_runs, evals
from gateway.types import Json
from gateway.wire.paging import Page

OPEN = ("queued", "in_progress")
"""The statuses of runs that have not ended."""


@dataclass(frozen=True, slots=True)
class EvalRow:
    """Times are Unix times."""

    id: str
    scope: str
    created: float
    updated: float
    name: str
    metadata: Json
    config: Json
    criteria: list[Json]


@dataclass(frozen=True, slots=True)
class RunRow:
    id: str
    eval: str
    key_id: str
    created: float
    name: str
    metadata: Json
    source: Json
    status: str
    error: Json | None
    total: int
    summary: Json | None


@dataclass(frozen=True, slots=True)
class DataRow:
    number: int
    item: Json
    sample: Json | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    run: str
    number: int
    id: str
    created: float
    status: str
    sample: Json
    results: list[Json]
    usage: list[Json]


def add(connection: Connection, row: EvalRow) -> None:
    connection.execute(insert(evals).values(**asdict(row)))


def get(connection: Connection, eval_id: str, scope: str) -> EvalRow | None:
    row = connection.execute(select(evals).where(evals.c.id == eval_id, evals.c.scope == scope)).first()
    return EvalRow(**row._mapping) if row is not None else None


def criteria_of(connection: Connection, eval_id: str) -> list[Json]:
    """Empty where the eval is gone."""
    return connection.execute(select(evals.c.criteria).where(evals.c.id == eval_id)).scalar() or []


def count(connection: Connection, scope: str) -> int:
    return connection.execute(select(func.count()).where(evals.c.scope == scope)).scalar_one()


def change(connection: Connection, row: EvalRow) -> None:
    """Its name, metadata and time of change."""
    new = {"name": row.name, "metadata": row.metadata, "updated": row.updated}
    connection.execute(update(evals).where(evals.c.id == row.id).values(**new))


def find(connection: Connection, scope: str, page: Page, by: str) -> tuple[list[EvalRow], bool]:
    """A page of a scope's, by `created` or `updated`, and whether there are more. Raises `BadRequest` for an `after`
    that there is not."""
    rows, more = _page(connection, evals, (evals.c.scope == scope,), page, by)
    return [EvalRow(**row) for row in rows], more


def remove(connection: Connection, eval_id: str) -> None:
    """With all its runs."""
    for run in connection.execute(select(eval_runs.c.id).where(eval_runs.c.eval == eval_id)).scalars().all():
        remove_run(connection, run)
    connection.execute(delete(evals).where(evals.c.id == eval_id))


def add_run(connection: Connection, row: RunRow, rows: Sequence[DataRow]) -> None:
    connection.execute(insert(eval_runs).values(**asdict(row)))
    connection.execute(insert(eval_rows), [{"run": row.id, **asdict(one)} for one in rows])


def get_run(connection: Connection, run_id: str, eval_id: str | None = None) -> RunRow | None:
    of = [eval_runs.c.id == run_id, *([eval_runs.c.eval == eval_id] if eval_id is not None else [])]
    row = connection.execute(select(eval_runs).where(*of)).first()
    return RunRow(**row._mapping) if row is not None else None


def find_runs(connection: Connection, eval_id: str, page: Page, status: str | None) -> tuple[list[RunRow], bool]:
    of = [eval_runs.c.eval == eval_id, *([eval_runs.c.status == status] if status is not None else [])]
    rows, more = _page(connection, eval_runs, of, page, "created")
    return [RunRow(**row) for row in rows], more


def open_runs(connection: Connection, key_id: str | None = None) -> list[str]:
    """The ids of those that have not ended, oldest first; of one key, or of all."""
    of = [eval_runs.c.status.in_(OPEN), *([eval_runs.c.key_id == key_id] if key_id is not None else [])]
    return list(connection.execute(select(eval_runs.c.id).where(*of).order_by(eval_runs.c.created)).scalars())


def settle(
    connection: Connection, run_id: str, status: str, summary: Json | None = None, error: Json | None = None
) -> bool:
    """Another status for a run that has not ended; False where it had, and stays as it is."""
    still = (eval_runs.c.id == run_id, eval_runs.c.status.in_(OPEN))
    new = {"status": status, "summary": summary, "error": error}
    return connection.execute(update(eval_runs).where(*still).values(**new)).rowcount == 1


def remove_run(connection: Connection, run_id: str) -> None:
    connection.execute(delete(eval_items).where(eval_items.c.run == run_id))
    connection.execute(delete(eval_rows).where(eval_rows.c.run == run_id))
    connection.execute(delete(eval_runs).where(eval_runs.c.id == run_id))


def rows_of(connection: Connection, run_id: str, numbers: Iterable[int] | None = None) -> list[DataRow]:
    """In their order; all, or those of these numbers."""
    of = [eval_rows.c.run == run_id, *([eval_rows.c.number.in_(list(numbers))] if numbers is not None else [])]
    columns = (eval_rows.c.number, eval_rows.c.item, eval_rows.c.sample)
    found = connection.execute(select(*columns).where(*of).order_by(eval_rows.c.number))
    return [DataRow(**row._mapping) for row in found]


def done(connection: Connection, run_id: str) -> set[int]:
    """The numbers of the rows that something came of."""
    return set(connection.execute(select(eval_items.c.number).where(eval_items.c.run == run_id)).scalars())


def put_item(connection: Connection, row: ItemRow) -> None:
    """One that is there already stays, and one of a run that has ended or is gone is not kept."""
    run = connection.execute(select(eval_runs.c.status).where(eval_runs.c.id == row.run).with_for_update()).scalar()
    there = (eval_items.c.run == row.run, eval_items.c.number == row.number)
    if run in OPEN and connection.execute(select(eval_items.c.id).where(*there)).first() is None:
        connection.execute(insert(eval_items).values(**asdict(row)))


def get_item(connection: Connection, run_id: str, item_id: str) -> ItemRow | None:
    row = connection.execute(select(eval_items).where(eval_items.c.run == run_id, eval_items.c.id == item_id)).first()
    return ItemRow(**row._mapping) if row is not None else None


def find_items(connection: Connection, run_id: str, page: Page, status: str | None) -> tuple[list[ItemRow], bool]:
    of = [eval_items.c.run == run_id, *([eval_items.c.status == status] if status is not None else [])]
    rows, more = _page(connection, eval_items, of, page, "number")
    return [ItemRow(**row) for row in rows], more


def outcomes(connection: Connection, run_id: str) -> list[tuple[str, list[Json], list[Json]]]:
    """Status, results and usage of each item."""
    columns = (eval_items.c.status, eval_items.c.results, eval_items.c.usage)
    return [(row[0], row[1], row[2]) for row in connection.execute(select(*columns).where(eval_items.c.run == run_id))]


def _page(
    connection: Connection, table: Table, of: Sequence[ColumnElement[bool]], page: Page, by: str
) -> tuple[list[Json], bool]:
    column, ident = table.c[by], table.c.id
    wanted = list(of)
    if page.after is not None:
        last = connection.execute(select(column).where(*of, ident == page.after)).scalar()
        if last is None:
            raise BadRequest(f"There is no {page.after[:80]!r} here.", param="after", code="invalid_value")
        beyond: Any = column > last if page.ascending else column < last
        tied: Any = ident > page.after if page.ascending else ident < page.after
        wanted.append(or_(beyond, and_(column == last, tied)))
    order = (column.asc(), ident.asc()) if page.ascending else (column.desc(), ident.desc())
    rows = connection.execute(select(table).where(*wanted).order_by(*order).limit(page.limit + 1)).all()
    return [dict(row._mapping) for row in rows[: page.limit]], len(rows) > page.limit


Span = tuple[int | None, int | None]
"""Unix times, both included; None where there is no end."""


def said(
    connection: Connection, key_id: str, project: str | None, span: Span, model: str | None
) -> Iterator[tuple[str, str]]:
    """Requests and answers of chat completions that went well, as they were captured, newest first: those of the
    project, or of a key that has none."""
    c = calls.c
    of: list[ColumnElement[bool]] = [
        c.surface == "chat",
        c.status == 200,
        c.project == project if project is not None else c.key_id == key_id,
        contents.c.request.is_not(None),
        contents.c.answer.is_not(None),
    ]
    if span[0] is not None:
        of.append(c.started >= span[0] * 10**9)
    if span[1] is not None:
        of.append(c.started < (span[1] + 1) * 10**9)
    if model is not None:
        of.append(or_(c.asked == model, c.served == model))
    query = select(contents.c.request, contents.c.answer).join(calls, c.id == contents.c.id).where(*of)
    for row in connection.execute(query.order_by(c.started.desc())).yield_per(100):
        yield row[0], row[1]


def answered(connection: Connection, key_id: str, span: Span) -> Iterator[tuple[Json, list[Json]]]:
    """Bodies and conversations of a key's completed responses, newest first."""
    of: list[ColumnElement[bool]] = [responses.c.key_id == key_id, responses.c.status == "completed"]
    if span[0] is not None:
        of.append(responses.c.created >= span[0])
    if span[1] is not None:
        of.append(responses.c.created < span[1] + 1)
    query = select(responses.c.body, responses.c.turn).where(*of, responses.c.expires > time.time())
    for row in connection.execute(query.order_by(responses.c.created.desc())).yield_per(100):
        yield row[0], row[1]
