"""`sluice calls content`: what was said in a call, where that is captured."""

from __future__ import annotations

from typing import Annotated

import msgspec
import orjson
import typer

from gateway.cli.database import transaction
from gateway.cli.options import AsJson, Config
from gateway.errors import NotFound
from gateway.store import contents


def content(
    request_id: Annotated[str, typer.Argument(help="As shown by `sluice calls`.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what was asked and answered in a call, redacted. Needs the setting `content`."""
    with transaction(config) as connection:
        found = contents.get(connection, request_id)
    if found is None:
        raise NotFound(f"The content of {request_id!r} is not kept: see the setting `content`.")
    if as_json:
        typer.echo(orjson.dumps(msgspec.structs.asdict(found)).decode())
        return
    for name, text in (("request", found.request), ("answer", found.answer)):
        typer.secho(name, bold=True)
        typer.echo(_readable(text))
    taken = ", ".join(f"{count} {kind}" for kind, count in found.redacted.items()) or "nothing"
    typer.secho(f"taken out: {taken}{'; cut' if found.truncated else ''}", dim=True)


def _readable(text: str | None) -> str:
    """Indented, where it is whole."""
    if text is None:
        return "not kept"
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return repr(text)[1:-1]
