"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from gateway.errors import BadRequest

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Configuration file. Default: $SLUICE_CONFIG, then ./sluicegate.yaml, then built-in settings.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="SLUICE_URL",
        help="The gateway to ask, with the key in $SLUICE_KEY. Default: http://127.0.0.1:8080.",
        show_default=False,
    ),
]


def json_of(text: str, option: str) -> Any:
    """The value of an option that is written as JSON. Raises `BadRequest` naming the option."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{option} is not JSON: {error}.") from error
