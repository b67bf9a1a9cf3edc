"""`sluice guard check`: whether a policy can be used, before it is released."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from guardrails.cli.options import AsJson
from guardrails.passage import STAGES
from guardrails.policy import Policy, find


def check(
    policy: Annotated[str, typer.Argument(help="A policy in YAML, or the name of one that is shipped.")],
    as_json: AsJson = False,
) -> None:
    """Read a policy, and show its digest and what judges where, in order."""
    found = told(find(policy))
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    typer.echo(f"digest   {found['digest']}")
    if found["dry_run"]:
        typer.echo("dry run  every guard judges, none acts")
    for stage in STAGES:
        for guard in found["stages"][stage]:
            typer.echo(
                f"{stage:<10} {guard['name']:<16} {guard['action']:<8} from {guard['threshold']:g}, "
                f"fails {guard['fails']}: {guard['about']}"
            )


def told(policy: Policy) -> dict[str, Any]:
    return {
        "digest": policy.digest,
        "about": policy.about,
        "dry_run": policy.dry_run,
        "stages": {
            stage: [
                {
                    "name": guard.called,
                    "guard": guard.guard,
                    "action": guard.action,
                    "threshold": guard.threshold,
                    "fails": guard.fails,
                    "about": guard.about,
                }
                for guard in policy.at(stage)
            ]
            for stage in STAGES
        },
    }
