"""`sluice retention`: what is removed for its age, and what is held."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from gateway import configuration
from gateway.cli.database import changing, operator, transaction
from gateway.cli.options import AsJson, Config
from gateway.cli.table import show, when
from gateway.data_folder import open_store
from gateway.errors import BadRequest, NotFound
from gateway.jobs.retention import Sweep
from gateway.store import retention
from gateway.store.retention import Hold

cli = typer.Typer(help="Remove what is old enough, and hold what must stay.", no_args_is_help=True)


@cli.command("run")
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Remove what is older than `retention` in the configuration says. A running gateway does so each hour."""
    chosen = configuration.load(config)
    ages = chosen.retention.ages()
    with closing(open_store(chosen)) as store:
        sweep = Sweep(store, ages)
        if dry_run:
            rows = [{"class": due.of, "would_go": due.removed, "held": due.held} for due in sweep.due()]
            show(rows, ("class", "would_go", "held"), as_json, "Everything is kept for ever.")
            return
        removed = _removed(sweep, list(ages), quiet=as_json)
    rows = [{"class": name, "removed": count} for name, count in removed.items()]
    show(rows, ("class", "removed"), as_json, "Everything is kept for ever.")


def _removed(sweep: Sweep, names: list[str], quiet: bool) -> dict[str, int]:
    """Rows by class. The bars tell how much of each class's time is gone through, and how many rows went."""
    removed = dict.fromkeys(names, 0)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[removed]} removed"))
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        tasks = {name: progress.add_task(name, total=1.0, removed=0) for name in names}
        for step in sweep.steps():
            removed[step.of] += step.removed
            progress.update(tasks[step.of], completed=step.share, removed=removed[step.of])
            time.sleep(step.rest)
        for task in tasks.values():
            progress.update(task, completed=1.0)
    return removed


@cli.command("hold")
def hold(
    reason: Annotated[str, typer.Option(help="Why; shown with the hold.")],
    key: Annotated[str | None, typer.Option(help="Calls of this key id.", show_default=False)] = None,
    project: Annotated[str | None, typer.Option(help="Calls of this project.", show_default=False)] = None,
    endpoint: Annotated[str | None, typer.Option(help="Calls of this endpoint.", show_default=False)] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Keep records, whatever their age, until the hold is lifted. What is given narrows together."""
    if key is None and project is None and endpoint is None:
        raise BadRequest("Say what to hold: --key, --project or --endpoint.")
    new = Hold(retention.new_id(), key, project, endpoint, reason, time.time(), operator())
    with changing(config) as change:
        retention.hold(change.connection, new)
        change.did("retention.hold", f"hold:{new.id}", reason)
    typer.echo(orjson.dumps(asdict(new)).decode() if as_json else new.id)


@cli.command("lift")
def lift(
    hold_id: Annotated[str, typer.Argument(help="As shown by `sluice retention holds`.")], config: Config = None
) -> None:
    """Lift a hold. The next pass removes what is old enough."""
    with changing(config) as change:
        if not retention.lift(change.connection, hold_id, change.who):
            raise NotFound(f"There is no hold {hold_id!r} in force. `sluice retention holds` shows them.")
        change.did("retention.lift", f"hold:{hold_id}")
    typer.echo(f"lifted {hold_id}")


@cli.command("holds")
def list_holds(
    lifted: Annotated[bool, typer.Option("--lifted", help="Those that were lifted, too.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what is held, and why."""
    with transaction(config) as connection:
        found = [asdict(one) for one in retention.holds(connection, lifted=lifted)]
    if not as_json:
        found = [
            {**one, "created": when(one["created"]), "lifted": one["lifted"] and when(one["lifted"])} for one in found
        ]
    columns = ("id", "key_id", "project", "endpoint", "reason", "created", "created_by", "lifted")
    show(found, columns, as_json, "Nothing is held.")
