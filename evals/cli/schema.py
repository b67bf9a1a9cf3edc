"""`sluice eval schema`: the JSON Schema of suites."""

from __future__ import annotations

import orjson
import typer

from evals.schema import schema as made
from evals.scorers import registry


def schema() -> None:
    """Print the JSON Schema of suites, with the scorers of installed packages, for an editor to check them by."""
    typer.echo(orjson.dumps(made(registry.kinds()), option=orjson.OPT_INDENT_2).decode())
