"""`sluice config`: check a configuration file, show what it comes to."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
import yaml

from gateway.cli.options import AsJson, Config
from gateway.cli.table import show_json
from gateway.configuration import Source, shown
from gateway.faults import BadSettings, Fault
from gateway.settings import Settings

cli = typer.Typer(help="Check the configuration and show it.", no_args_is_help=True)

File = Annotated[Path | None, typer.Argument(help="The file; without it, the one `sluice serve` would take.")]


@cli.command()
def check(file: File = None, config: Config = None, as_json: AsJson = False) -> None:
    """Say what is wrong with a configuration file: file, line, key. Exit status 1 if anything is.

    Secrets are not read for this: one that is not there on this machine is only noted.
    """
    source = Source.of(file or config)
    faults: tuple[Fault, ...] = ()
    notes: list[str] = []
    try:
        notes = _unreadable(source.load())
    except BadSettings as error:
        faults = error.faults
    name = str(source.file) if source.file is not None else None
    if as_json:
        found = {"file": name, "ok": not faults, "faults": [asdict(fault) for fault in faults], "notes": notes}
        show_json(found)
    else:
        for line in (*map(str, faults), *(f"note: {note}" for note in notes)):
            typer.echo(line)
        if not faults:
            typer.echo(f"{name or 'The built-in settings'} can be used.")
    raise typer.Exit(1 if faults else 0)


@cli.command()
def show(config: Config = None, as_json: AsJson = False) -> None:
    """Print the whole configuration as `sluice serve` would use it: defaults filled in, secrets as references."""
    whole = shown(Source.of(config).load())
    if as_json:
        show_json(whole)
    else:
        typer.echo(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True), nl=False)


def _unreadable(settings: Settings) -> list[str]:
    notes = []
    for secret in settings.secrets():
        try:
            secret.read()
        except BadSettings as error:
            notes.append(error.message)
    return list(dict.fromkeys(notes))
