"""`sluice guard list`: the guards there are."""

from __future__ import annotations

import orjson
import typer

from guardrails.cli.options import AsJson
from guardrails.errors import Missing
from guardrails.guards import registry


def kinds(as_json: AsJson = False) -> None:
    """Every kind of guard that is installed: what it looks for, and at which stages it can stand."""
    found = []
    for kind in registry.kinds():
        try:
            guard = registry.find(kind)
        except Missing as error:
            found.append({"guard": kind, "about": error.message, "stages": []})
            continue
        found.append({"guard": kind, "about": guard.about, "stages": list(guard.stages)})
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for one in found:
        typer.echo(f"{one['guard']:<17} {one['about']}\n{'':<17} {', '.join(one['stages'])}")
