"""`sluice policies`: which guard policies there are, and what they say."""

from __future__ import annotations

from typing import Annotated

import typer
import yaml

from gateway.cli.options import AsJson, Url
from gateway.cli.remote import connect
from gateway.cli.table import plain, show, show_fields, show_json, show_list, when
from gateway.paths import segment
from gateway.types import Json
from guardrails.errors import GuardError
from guardrails.passage import STAGES
from guardrails.policy import Policy, parse

cli = typer.Typer(help="Show the guard policies that were declared, and where they are in force.", no_args_is_help=True)


@cli.command("list")
def list_policies(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Show so many.")] = 100,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the guard policies there are, newest first."""
    with connect(url) as gateway:
        found = gateway.get("/admin/policies", limit=limit)["data"]
    if as_json:
        show_list(found)
        return
    rows = [_row(one) for one in found]
    columns = ("digest", "name", "guards", "live at", "tried at", "since", "author")
    show(rows, columns, False, "No policy yet: declare one under `policies`, and sluice apply -f FILE")


@cli.command("show")
def show_policy(
    policy: Annotated[str, typer.Argument(help="What it is declared as, or its digest, or the beginning of that.")],
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="As a manifest takes it under `policies`, and `sluice guard check` reads it.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show one guard policy: where it is in force, and all it says."""
    with connect(url) as gateway:
        found = gateway.get(f"/admin/policies/{segment(policy)}")
    if as_json:
        show_json(found)
        return
    if not as_yaml:
        show_fields({**found, "policy": None, "created": when(found["created"])}, False)
        typer.echo()
    typer.echo(_yaml(found), nl=False)


def _row(one: Json) -> Json:
    guards = "; ".join(f"{stage}: {', '.join(called)}" for stage, called in one["guards"].items())
    return {
        "digest": one["digest"][:12],
        "name": ", ".join(one["current"]),
        "guards": guards + (" (dry run)" if one["dry_run"] else ""),
        "live at": ", ".join(one["live"]),
        "tried at": ", ".join(one["tried"]),
        "since": when(one["created"]),
        "author": one["author"],
    }


def _yaml(found: Json) -> str:
    """A policy as a manifest takes it; nothing in it steers the terminal."""
    said = _said(found)
    text = yaml.safe_dump(said, allow_unicode=True, sort_keys=False)
    return text if plain(text) == text else yaml.safe_dump(said, sort_keys=False)


def _said(found: Json) -> Json:
    """All that a policy says, without what is no other than by default, where it is the same policy without it."""
    held: Json = found["policy"]
    defaults = Policy().as_json()
    shown = {name: value for name, value in held.items() if value != defaults.get(name)}
    for stage in STAGES:
        if stage in shown:
            shown[stage] = [{name: value for name, value in one.items() if value is not None} for one in shown[stage]]
    try:
        return shown if parse(shown).digest == found["digest"] else held
    except GuardError:
        return held  # it has a guard that is installed at the gateway, and not here
