"""`sluice prompts sync`: the registry and a folder of files, each brought what changed in the other."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from gateway.cli.options import AsJson, Url
from gateway.cli.prompt_folder import PromptFolder
from gateway.cli.prompt_syncing import Became, Choices, Outcome, Syncing
from gateway.cli.prompts import Message
from gateway.cli.remote import connect
from gateway.cli.remote_prompts import RemotePrompts
from gateway.cli.table import plain, show_list
from gateway.errors import BadRequest
from gateway.prompts.formats.source import named
from gateway.prompts.sync import Side

if TYPE_CHECKING:
    from gateway.client.synchronous.transport import Transport

cli = typer.Typer()
"""Commands beside those of `sluice prompts`."""

FAILED, CONFLICT = 1, 3
"""Exit statuses; where there is both, it failed."""


@cli.command("sync")
def sync(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Holds support/greeting.yaml for the prompt support/greeting.")
    ],
    only: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this prompt, or this folder of them.", show_default=False)
    ] = None,
    take: Annotated[
        Side | None, typer.Option(help="What wins where the two do not come together.", show_default=False)
    ] = None,
    message: Message = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Save what changed in a folder of files to the registry, and write what changed in the registry to the files.

    Made for a folder under Git. What both changed is merged, line by line. Where that cannot be, neither is touched,
    both are shown, and the exit status is 3. No label is set, and nothing is deleted.
    """
    chosen = Choices(_name(only) if only is not None else None, take, message, dry_run)
    folder = PromptFolder(directory)
    with connect(url) as gateway, _bars(as_json) as bars:
        outcomes = _synced(gateway, folder, chosen, bars)
    if as_json:
        show_list([asdict(outcome) for outcome in outcomes])
    else:
        _tell(outcomes, directory, dry_run)
    became = {outcome.outcome for outcome in outcomes}
    if Became.FAILED in became:
        raise typer.Exit(FAILED)
    if became & {Became.CONFLICT, Became.OVERTAKEN}:
        raise typer.Exit(CONFLICT)


def _name(only: str) -> str:
    name, renamed = named(only.rstrip("/"), "--only")
    if renamed:
        raise BadRequest(f"--only: a prompt or a folder can be called {name!r}, and not {only[:80]!r}.")
    return name


def _synced(gateway: Transport, folder: PromptFolder, chosen: Choices, bars: Progress) -> list[Outcome]:
    registry = RemotePrompts(gateway)
    for path in bars.track(folder.entries(), description="files"):
        folder.read(path)
    syncing = Syncing(registry, folder, folder.marks(), chosen)
    listed = {head["name"]: head for head in bars.track(registry.heads(chosen.only), description="registry")}
    names = syncing.names(listed)
    planned = [syncing.plan(name, listed.get(name)) for name in bars.track(names, description="comparing")]
    outcomes = syncing.faults()
    try:
        outcomes += [syncing.act(one) for one in bars.track(syncing.in_order(planned), description="syncing")]
    finally:
        if not chosen.dry_run:
            folder.keep(syncing.marks)
    return outcomes


def _bars(silent: bool) -> Progress:
    """On the terminal's error output, gone when all is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}"))
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=silent or not console.is_terminal)


def _tell(outcomes: list[Outcome], directory: Path, dry_run: bool) -> None:
    for one in outcomes:
        match one.outcome:
            case Became.FAILED:
                typer.secho(f"failed    {plain(one.file)}: {plain(one.message)}", fg="red", err=True)
            case Became.CONFLICT:
                typer.secho(f"conflict  {one.name}", fg="yellow")
                typer.echo(plain(one.message))
            case Became.SAVED | Became.WRITTEN | Became.MERGED | Became.NOTED:
                at = f"@{one.version}" if one.version is not None else ""
                typer.echo(f"{'to be ' if dry_run else ''}{one.outcome:<9} {one.name}{at}  {one.message}".rstrip())
            case _:
                typer.echo(f"{one.outcome:<9} {one.name}  {plain(one.message)}")
    if not outcomes:
        typer.echo("nothing to do")
    if any(one.outcome is Became.CONFLICT for one in outcomes):
        typer.echo(
            "\nNeither side of a conflict was touched. Make its file what it is to be, then: "
            f"sluice prompts sync {directory} --only NAME --take folder"
        )
