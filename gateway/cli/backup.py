"""`sluice backup` and `sluice restore`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bars

from gateway import configuration
from gateway.cli.options import AsJson, Config
from gateway.data_folder import open_store, pepper
from gateway.settings import Settings
from gateway.store import backup as backups
from gateway.store.backup import Manifest


def backup(
    target: Annotated[Path, typer.Argument(help="A folder to be made, or a file that ends in .tar.")],
    with_secret: Annotated[
        bool, typer.Option("--with-secret", help="This installation's secret too; keep such a backup like a password.")
    ] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write everything in the database to a backup, as of one moment. Gateways may go on.

    It can be restored to SQLite and to PostgreSQL, whichever it came from.
    """
    chosen = configuration.load(config)
    secret = pepper(chosen)
    with closing(open_store(chosen)) as store, _bars(as_json) as progress:
        made = backups.write(store, target, secret, with_secret, progress)
    _tell(made, f"{target} holds", as_json)
    if not with_secret:
        _warn("Keys are verified with this installation's secret, which is not in the backup: keep that, too.")


def restore(
    source: Annotated[Path, typer.Argument(help="A backup: a folder, or a file that ends in .tar.")],
    replace: Annotated[bool, typer.Option("--replace", help="Throw away what the database has in it.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of everything in the database, whole or not at all. Stop the gateways first."""
    chosen = configuration.load(config)
    with backups.opened(source) as found:
        secret = found.secret()
        with closing(open_store(chosen)) as store, _bars(as_json) as progress:
            backups.restore(store, found, replace, progress)
    if secret is not None and chosen.secret is None:
        path = chosen.data / "secret"
        path.touch(mode=0o600)
        path.write_bytes(secret)
    with closing(open_store(chosen)):  # takes the steps that the version which wrote it did not know
        _tell(found.manifest, "restored", as_json)
    if not _fits(chosen, found.manifest):
        _warn("The keys in it were made under another secret: set that as `secret`, or mint new keys.")


def _fits(chosen: Settings, manifest: Manifest) -> bool:
    return backups.check_of(pepper(chosen)) == manifest.secret_check


def _tell(manifest: Manifest, done: str, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(manifest).decode())
        return
    rows = sum(part.rows for part in manifest.parts)
    typer.echo(f"{done} {rows} rows of {len(manifest.parts)} tables")


def _warn(message: str) -> None:
    typer.secho(message, fg="yellow", err=True)


@contextmanager
def _bars(silent: bool) -> Iterator[backups.Progress]:
    """A bar for each table, on the terminal's error output."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, console=Console(stderr=True), disable=silent) as bars:
        tasks = {}

        def progress(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = bars.add_task(table, total=total)
            bars.update(tasks[table], completed=done)

        yield progress
