"""`sluice audit`: who did what, and whether the log is as it was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from gateway import configuration
from gateway.audit import Auditor, Verdict, check
from gateway.cli.database import reading
from gateway.cli.options import AsJson, Config, Url
from gateway.cli.remote import connect
from gateway.cli.table import show, show_json, when
from gateway.data_folder import pepper
from gateway.errors import BadRequest
from gateway.signing import Signer
from gateway.store import audit
from gateway.types import Json

cli = typer.Typer(help="Read the log of every act, and check that it is whole.", no_args_is_help=True)

KEY = "Public key, base64, as the first entry and every checkpoint name it."


@cli.command("list")
def list_entries(
    actor: Annotated[str | None, typer.Option(help="Only what this person did.", show_default=False)] = None,
    action: Annotated[str | None, typer.Option(help="Only this, or what begins so: keys.", show_default=False)] = None,
    of: Annotated[str | None, typer.Option("--object", help="Only what was done to this.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what was done, newest first."""
    with connect(url) as gateway:
        found = gateway.get("/admin/audit", actor=actor, action=action, object=of, limit=limit)
    if as_json:
        show_json(found)
        return
    rows = [{**entry, "at": when(entry["at"])} for entry in found["data"]]
    show(rows, ("seq", "at", "actor", "action", "object", "reason"), False, "Nothing has been done yet.")


@cli.command("verify")
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="An export. Without it the log in the database.", show_default=False)
    ] = None,
    public_key: Annotated[str | None, typer.Option(help=KEY, show_default=False)] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint that was kept elsewhere: shows whether the end was cut off.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check every hash and every signature, without a gateway. Exit status 2 where something is wrong.

    Any entry that was edited, deleted, inserted or moved is found. Whether the end was cut off shows only against a
    checkpoint. On another machine than the gateway's name the public key, as you kept it: the one that the log names
    itself proves nothing.
    """
    public = public_key or Signer.of(pepper(configuration.load(config))).public
    held = _json(checkpoint) if checkpoint is not None else None
    if file is not None:
        verdict = check(_rows(file), public, held)
    else:
        with reading(config) as connection:
            verdict = check(audit.walk(connection), public, held)
    _tell(verdict, as_json)


@cli.command("export")
def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="JSON lines.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole log to a file, to be checked elsewhere."""
    count = 0
    with reading(config) as connection, out.open("wb") as sink:
        for row in audit.walk(connection):
            sink.write(orjson.dumps(row) + b"\n")
            count += 1
    if as_json:
        show_json({"entries": count, "file": str(out)})
    else:
        typer.echo(f"wrote {count} entries to {out}")


@cli.command("checkpoint")
def checkpoint_now(config: Config = None) -> None:
    """Print a signed statement of where the log stands, as one line of JSON. Keep it somewhere nobody here can change
    it."""
    signer = Signer.of(pepper(configuration.load(config)))
    with reading(config) as connection:
        found = Auditor(signer).checkpoint(connection)
    if found is None:
        raise BadRequest("Nothing has been done yet that is in the log.")
    typer.echo(orjson.dumps(found).decode())


def _tell(verdict: Verdict, as_json: bool) -> None:
    if as_json:
        said = {"entries": verdict.entries, "seq": verdict.seq, "wrong": verdict.wrong}
        typer.echo(orjson.dumps(said).decode())
    elif verdict.wrong is None:
        typer.echo(f"{verdict.entries} entries, all as they were written")
    else:
        at = f"entry {verdict.seq}: " if verdict.seq is not None else ""
        typer.secho(f"{at}{verdict.wrong}", fg="red")
    if verdict.wrong is not None:
        raise typer.Exit(2)


def _rows(file: Path) -> Iterator[Any]:
    """A line that is not JSON is no entry: whoever damaged it is found out like any other."""
    try:
        with file.open("rb") as source:
            for line in source:
                try:
                    yield orjson.loads(line)
                except orjson.JSONDecodeError:
                    yield None
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.") from error


def _json(file: Path) -> Json:
    try:
        found: Any = orjson.loads(file.read_bytes())
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{file} is not JSON: {error}.") from error
    if not isinstance(found, dict) or not {"seq", "hash", "signature"} <= found.keys():
        raise BadRequest(f"{file} is no checkpoint: `sluice audit checkpoint` prints one.")
    return found
