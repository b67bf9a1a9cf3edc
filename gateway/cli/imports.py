"""`sluice import`: configurations of other gateways, made ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.errors import BadRequest, Conflict
from gateway.imports.litellm import convert

cli = typer.Typer(help="Make a configuration of another gateway ours.", no_args_is_help=True)

HEADINGS = {"taken": "Taken over:", "changed": "Taken over, otherwise:", "left out": "Left out:"}


@cli.command()
def litellm(
    file: Annotated[Path, typer.Argument(help="LiteLLM's config.yaml.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; not over what is there.")
    ] = None,
) -> None:
    """Make a LiteLLM proxy configuration a sluicegate.yaml, and tell what became of each part of it.

    Secrets are only ever referred to: one that is written into the file is not copied, and the report says under which
    environment variable it is expected. The report goes to standard error.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}.") from error
    imported = convert(text, str(file))
    if output is None:
        typer.echo(imported.yaml, nl=False)
    else:
        _write(output, imported.yaml)
    for outcome, heading in HEADINGS.items():
        lines = [f"  {note}" for note in imported.notes if note.outcome == outcome]
        if lines:
            typer.echo("\n".join([heading, *lines]), err=True)


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Conflict(f"{path} is there already; name another with --output.") from error
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}.") from error
