"""`sluice guard list`: the guards there are, and what each can be told."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import orjson
import typer
from pydantic.fields import FieldInfo

from guardrails.cli.options import AsJson
from guardrails.errors import Missing
from guardrails.guard import Guard
from guardrails.guards import registry


def kinds(
    kind: Annotated[str | None, typer.Argument(help="Only this one, with all of its options.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every kind of guard that is installed: what it looks for, and at which stages it can stand. Of one KIND also
    the options."""
    if kind is not None:
        _one(registry.find(kind), as_json)
        return
    found = []
    for known in registry.kinds():
        try:
            guard = registry.find(known)
        except Missing as error:
            found.append({"guard": known, "about": error.message, "stages": []})
            continue
        found.append({"guard": known, "about": guard.about, "stages": list(guard.stages)})
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for one in found:
        typer.echo(f"{one['guard']:<17} {one['about']}\n{'':<17} {', '.join(one['stages'])}")
    typer.echo("\nThe options of one:  sluice guard list KIND")


def _one(guard: type[Guard], as_json: bool) -> None:
    options = {name: told(field) for name, field in guard.model_fields.items() if name != "guard"}
    if as_json:
        shown = {"about": guard.about, "stages": list(guard.stages), "options": options}
        typer.echo(orjson.dumps(shown, default=str, option=orjson.OPT_INDENT_2).decode())
        return
    typer.echo(f"{guard.about}.\nAt {', '.join(guard.stages)}.\n\n{inspect.getdoc(guard) or ''}\n")
    for name, option in options.items():
        default = "required" if option["required"] else orjson.dumps(option["default"], default=str).decode()
        typer.echo(f"{name:<12} {default:<24} {option['description']}")


def told(option: FieldInfo) -> dict[str, Any]:
    return {
        "required": option.is_required(),
        "default": None if option.is_required() else option.get_default(call_default_factory=True),
        "description": option.description or "",
    }
