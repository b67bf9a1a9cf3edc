"""`sluice prompts import` and `export`: prompts from and to the formats of others, and what is lost on the way."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import AsJson, Url
from gateway.cli.prompts import Message, Reference
from gateway.cli.remote import connect
from gateway.cli.table import plain, show_json
from gateway.errors import BadRequest, GatewayError
from gateway.paths import folders, segment
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats.base import Portable
from gateway.prompts.formats.known import FORMATS, called, guessed
from gateway.prompts.formats.source import MAX_BYTES, named
from gateway.prompts.inlining import inlined
from gateway.prompts.partials import including_last
from gateway.prompts.published import read as read_version
from gateway.types import Json

cli = typer.Typer()
"""Commands beside those of `sluice prompts`."""

OURS = "yaml"
"""The format that includes other prompts as we do."""
NAMES = ", ".join(FORMATS)


@dataclass(frozen=True, slots=True)
class Incoming:
    file: Path
    prompt: Portable


@cli.command("import")
def import_prompts(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What another registry gave; - reads it.")],
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="FORMAT", help=f"One of {NAMES}. Default: as it looks.", show_default=False),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What to call it. Default: its own name, else the file's.", show_default=False)
    ] = None,
    message: Message = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would become of them, and save nothing.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Save prompts from files of another registry, each as a version, and tell what could not be taken over.

    Labels are told and never set. What cannot be imported is told, the rest is, and the exit status is 1.
    """
    incoming: list[Incoming] = []
    told: list[Json] = []
    for file in files:
        try:
            incoming += _read(file, origin, name)
        except GatewayError as error:
            told.append({"file": str(file), "name": None, "error": error.message})
    sound = [one for one in incoming if not _fault(one, told)]
    ordered = _included_first(sound)
    told += [_account(one) if dry_run else _saved(one, message, url) for one in ordered]
    if as_json:
        show_json({"object": "list", "data": told})
    else:
        for one in told:
            _tell(one)
    if any("error" in one for one in told):
        raise typer.Exit(1)


@cli.command("export")
def export_prompt(
    prompt: Reference,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help=f"One of {NAMES}.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write. Default: shown.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Write a version of a prompt as another registry reads it, the newest unless you say which.

    What it includes is written in place. What the format has no place for is told on standard error.
    """
    form = called(to)
    name, _, version = prompt.partition("@")
    with connect(url) as gateway:
        found = read_version(gateway.get(f"/admin/prompts/{folders(name)}/versions/{segment(version or 'latest')}"))
    draft = PromptDraft.of(found) if to == OURS else inlined(found)
    text, losses = form.write(Portable(found.name, draft, found.message, found.aliases))
    if output is not None:
        _write(output, text)
    if as_json:
        kept = {"name": found.name, "version": found.number, "format": to, "losses": losses}
        show_json(kept if output is not None else {**kept, "text": text})
        return
    if output is None:
        typer.echo(text, nl=False)
    _tell_losses(found.name, losses)


def _read(file: Path, origin: str | None, name: str | None) -> list[Incoming]:
    text = _text(file)
    found = called(origin or guessed(text, file.suffix)).read(text, name or _default_name(file))
    if name is not None:
        possible, _ = named(name, "--name")
        if possible != name:
            raise BadRequest(f"--name: a prompt can be called {possible!r}, and not {name[:80]!r}.")
        if len({prompt.name for prompt in found}) > 1:
            raise BadRequest(f"--name names one prompt, and {file} has several.")
        found = [replace(prompt, name=name) for prompt in found]
    return [Incoming(file, prompt) for prompt in found]


def _text(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read(MAX_BYTES + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1).decode()
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"{file} is not UTF-8 text.") from error


def _default_name(file: Path) -> str:
    """Of the file, where it can be the name of a prompt."""
    try:
        return named(file.stem, "name")[0]
    except BadRequest:
        return ""


def _fault(one: Incoming, told: list[Json]) -> bool:
    """Whether it cannot be saved whatever else is; then that is told."""
    try:
        if not one.prompt.name:
            raise BadRequest("It does not say which prompt it is: say --name.")
        including_last({one.prompt.name: one.prompt.draft})
    except BadRequest as error:
        told.append({**_account(one), "error": error.message})
        return True
    return False


def _included_first(incoming: list[Incoming]) -> list[Incoming]:
    """Versions of one prompt stay in their order. Raises `BadRequest` where prompts include each other."""
    place = {
        name: at for at, name in enumerate(including_last({one.prompt.name: one.prompt.draft for one in incoming}))
    }
    return sorted(incoming, key=lambda one: place[one.prompt.name])


def _account(one: Incoming) -> Json:
    """What is told of a prompt, whether or not it is saved."""
    prompt = one.prompt
    return {
        "file": str(one.file),
        "name": prompt.name,
        "losses": list(prompt.losses),
        "labels": list(prompt.labels),
        "aliases": list(prompt.aliases),
    }


def _saved(one: Incoming, message: str, url: str | None) -> Json:
    """What is told of it, with an `error` where not all of it could be done."""
    told, prompt = _account(one), one.prompt
    body = {**prompt.draft.as_json(), "message": message or prompt.message}
    try:
        with connect(url) as gateway:
            saved = gateway.post(f"/admin/prompts/{folders(prompt.name)}", body)
            told |= {name: saved[name] for name in ("name", "version", "digest", "new")}
            for alias in prompt.aliases:
                gateway.put(f"/admin/prompt-aliases/{segment(alias)}", {"prompt": saved["name"]})
    except GatewayError as error:
        told["error"] = error.message
    return told


def _tell(one: Json) -> None:
    name = plain(one["name"] or "")
    if "version" in one:
        typer.echo(f"{'saved' if one['new'] else 'nothing new: it is'} {name}@{one['version']}")
    if "error" in one:
        typer.secho(f"{one['file']}{f' ({name})' if name else ''}: {plain(one['error'])}", fg="red", err=True)
        return
    if "version" not in one:
        typer.echo(f"would save {name}")
    for alias in one["aliases"]:
        typer.echo(f"  {plain(alias)} names it too")
    if one["labels"]:
        typer.echo(f"  labels it had there, and has not here: {plain(', '.join(one['labels']))}")
    _tell_losses(name, one["losses"])


def _tell_losses(name: str, losses: Iterable[str]) -> None:
    for loss in losses:
        typer.echo(f"{name}, lost: {plain(loss)}", err=True)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}.") from error
