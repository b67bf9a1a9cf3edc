"""`sluice calls`: what happened."""

from __future__ import annotations

import inspect
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Any

import msgspec
import orjson
import typer

from gateway import configuration
from gateway.callquery import CallQuery
from gateway.cli.contents import content
from gateway.cli.database import transaction
from gateway.cli.options import AsJson, Config
from gateway.cli.table import bar, show
from gateway.data_folder import open_store
from gateway.errors import NotFound
from gateway.record import CallRecord
from gateway.store.engine import Store
from gateway.store.search import Filter, recent

COLUMNS = ("time", "surface", "asked", "upstream", "status", "error", "tokens", "cost_usd", "ms", "overhead_us", "id")
LISTED = ("attempts", "guards")
"""What of a record is shown as a table of its own."""
FOLLOWED = 1000
"""Calls that one look for new ones takes in."""
EVERY = 1.0
KEYWORD = inspect.Parameter.KEYWORD_ONLY

cli = typer.Typer(help="Show the records of recent calls, refused ones included.")
cli.command("content")(content)


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each filter; it gets them together, as `asked`."""
    own = inspect.signature(command, eval_str=True).parameters
    filters = []
    for name, field in CallQuery.model_fields.items():
        flags = f"--{name.replace('_', '-')}"
        if field.annotation == bool | None:
            flags += f"/--no-{name}"
        annotation = Annotated[field.annotation, typer.Option(flags, help=field.description, show_default=False)]  # type: ignore[name-defined]
        filters.append(inspect.Parameter(name, KEYWORD, default=field.default, annotation=annotation))

    @wraps(command)
    def run(**given: Any) -> None:
        asked = {name: given.pop(name) for name in CallQuery.model_fields}
        command(asked=CallQuery.read({name: value for name, value in asked.items() if value is not None}), **given)

    others = [parameter.replace(kind=KEYWORD) for name, parameter in own.items() if name != "asked"]
    parameters = [*filters, *others]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


@cli.callback(invoke_without_command=True)
@asking
def calls(
    context: typer.Context,
    asked: CallQuery,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many, newest first.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones as they come.")] = False,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, for machines.")] = False,
) -> None:
    """Show the records of recent calls, refused ones included. Filters narrow together."""
    if context.invoked_subcommand is not None:
        return
    chosen = configuration.load(config)
    with closing(open_store(chosen)) as store:
        found = _read(store, asked.filter(limit))
        if follow:
            _print(found[::-1], as_json, "Waiting for calls; Ctrl-C ends.")
            for new in _following(store, asked, found):
                _print(new, as_json, "")
        else:
            _print(found, as_json, f"No such call in {chosen.data.absolute()}.")


@cli.command("show")
def show_call(
    request_id: Annotated[str, typer.Argument(help="The reply's x-request-id.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show all there is about one call, with every upstream that was tried and what the guards did."""
    with transaction(config) as connection:
        found = recent(connection, Filter(limit=1, id=request_id))
    if not found:
        raise NotFound(f"There is no record of {request_id!r} (yet).")
    record = found[0]
    if as_json:
        typer.echo(orjson.dumps(msgspec.structs.asdict(record)).decode())
        return
    held = {name: value for name, value in _shown(record).items() if value is not None and name not in LISTED}
    show([{"field": name, "value": value} for name, value in held.items()], ("field", "value"), False, "")
    typer.echo()
    show(_attempts(record), ("attempt", "upstream", "ms", "took", "outcome"), False, "No upstream was asked.")
    if record.guards is not None:
        typer.echo()
        columns = ("stage", "guard", "action", "score", "ms", "source", "not_run")
        told = [{"score": None, "not_run": None, **entry} for entry in orjson.loads(record.guards)]
        show(told, columns, False, "No guard judged anything.")


def _read(store: Store, wanted: Filter) -> list[CallRecord]:
    with store.begin() as connection:
        return recent(connection, wanted)


def _following(store: Store, asked: CallQuery, shown: list[CallRecord]) -> Iterator[list[CallRecord]]:
    """New calls, oldest first, for ever. A long call comes late and yet started early: what was shown is remembered."""
    seen = deque((record.id for record in shown), maxlen=10 * FOLLOWED)
    while True:
        time.sleep(EVERY)
        known = set(seen)
        new = [record for record in _read(store, asked.filter(FOLLOWED)) if record.id not in known][::-1]
        seen.extend(record.id for record in new)
        if new:
            yield new


def _print(records: list[CallRecord], as_json: bool, empty: str) -> None:
    if not as_json:
        show([_shown(record) for record in records], COLUMNS, False, empty)
        return
    for record in records:
        typer.echo(orjson.dumps(msgspec.structs.asdict(record)).decode())


def _shown(record: CallRecord) -> dict[str, Any]:
    when = datetime.fromtimestamp(record.started / 1e9, UTC)
    return {
        "time": when.isoformat(" ", "seconds")[:19],
        **msgspec.structs.asdict(record),
        "tokens": f"{record.input_tokens}+{record.output_tokens}{'~' if record.estimated else ''}",
        "cost_usd": f"{record.cost / 1e6:.6f}" if record.cost else "0",
        "ms": f"{record.total_us / 1000:.1f}",
        "overhead_us": record.total_us - record.upstream_us,
    }


def _attempts(record: CallRecord) -> list[dict[str, Any]]:
    """Who was asked, in order, how long each took, and what came of it."""
    if record.attempts is not None:
        tried = orjson.loads(record.attempts)
    elif record.upstream is not None and record.replayed is None:
        tried = [[record.upstream, record.error, record.upstream_us]]
    else:
        return []
    longest = max(took for _, _, took in tried) or 1
    return [
        {
            "attempt": number,
            "upstream": upstream,
            "ms": f"{took / 1000:.1f}",
            "took": bar(took / longest),
            "outcome": error or "answered",
        }
        for number, (upstream, error, took) in enumerate(tried, 1)
    ]
