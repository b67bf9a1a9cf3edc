"""`sluice guard check`: whether a policy can be used, before it is released; and whether the models are what was."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from guardrails.cli.options import POLICY_HELP, AsJson
from guardrails.errors import BadInput
from guardrails.models.artefacts import checked, public_key
from guardrails.passage import STAGES
from guardrails.policy import Policy, declared, find, is_file


def check(
    policy: Annotated[str, typer.Argument(help=POLICY_HELP)] = "default",
    models: Annotated[bool, typer.Option("--models", help="Check what guards ship with instead.")] = False,
    key: Annotated[
        str | None, typer.Option(help="The public key that their manifests are to be signed by, in base64.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read a policy, or all of a manifest, and show its digest and what judges where, in order. With --models: hold
    every model and table that ships against the digests of its manifest, and with a --key these against their
    signatures; ends with 1 where one is not what it should be, or is not signed."""
    if models:
        _models(public_key(key) if key is not None else None, as_json)
        return
    if key is not None:
        raise BadInput("--key is for --models.")
    found = {name: told(one) for name, one in _read(policy).items()}
    if as_json:
        typer.echo(orjson.dumps(found.get("", found), option=orjson.OPT_INDENT_2).decode())
        return
    for name, one in found.items():
        if name:
            typer.echo(f"policy   {name}")
        _show(one)


def _read(policy: str) -> dict[str, Policy]:
    """By name; by the empty name what was asked for alone."""
    return declared(Path(policy)) if is_file(policy) and "#" not in policy else {"": find(policy)}


def _show(found: dict[str, Any]) -> None:
    typer.echo(f"digest   {found['digest']}")
    if found["dry_run"]:
        typer.echo("dry run  every guard judges, none acts")
    if not any(found["stages"].values()):
        typer.echo(f"No guard judges anything: write some under {', '.join(STAGES)}.")
    for stage in STAGES:
        for guard in found["stages"][stage]:
            typer.echo(
                f"{stage:<10} {guard['name']:<16} {guard['action']:<8} from {guard['threshold']:g}, "
                f"fails {guard['fails']}: {guard['about']}"
            )


def _models(key: bytes | None, as_json: bool) -> None:
    found = list(checked(key))
    if as_json:
        typer.echo(orjson.dumps([asdict(one) for one in found], option=orjson.OPT_INDENT_2).decode())
    else:
        for one in found:
            signed = "" if key is None else ", signed" if one.signed else ", NOT SIGNED by this key"
            typer.echo(f"{one.name:<16} {one.fault or one.digest + signed}")
    if any(one.fault is not None or (key is not None and not one.signed) for one in found):
        raise typer.Exit(1)


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
