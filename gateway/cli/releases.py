"""`sluice releases`: what serves where, and what a release is made of."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.database import transaction
from gateway.cli.options import AsJson, Config, Url, json_of
from gateway.cli.remote import connect
from gateway.cli.table import show, show_fields, show_json
from gateway.paths import segment
from gateway.store import catalogue

cli = typer.Typer(help="Show each endpoint's live release: prompt version, upstream, parameters, digest.")


@cli.callback(invoke_without_command=True)
def releases(context: typer.Context, config: Config = None, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is not None:
        return
    with transaction(config) as connection:
        held = catalogue.load(connection)
    rows = []
    for endpoint in held.endpoints:
        if endpoint.release is None:
            continue
        release = held.releases[endpoint.release]
        rows.append(
            {
                "endpoint": endpoint.name,
                "stage": "live",
                "prompt": f"{release.prompt.name}@{release.prompt.number}" if release.prompt is not None else None,
                "upstream": release.upstream,
                "parameters": release.parameters,
                "release": release.digest,
                "since": endpoint.updated,
            }
        )
    show(rows, ("endpoint", "stage", "prompt", "upstream", "release"), as_json, "No endpoint yet: sluice apply -f FILE")


@cli.command("show")
def show_release(
    digest: Annotated[str, typer.Argument(help="As calls carry it in `x-sluice-release`.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what a release is made of."""
    with connect(url) as gateway:
        show_fields(gateway.get(f"/admin/releases/{segment(digest)}"), as_json)


@cli.command("make")
def make_release(
    upstream: Annotated[str, typer.Option(help="The upstream, or pool, that answers.")],
    prompt: Annotated[str | None, typer.Option(help="NAME@N, or NAME@LABEL.", show_default=False)] = None,
    parameters: Annotated[str | None, typer.Option(help="As JSON.", show_default=False)] = None,
    policy: Annotated[
        str | None, typer.Option(help="A guard policy: its digest, or the name of a shipped one.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make a release of its parts, to be evaluated or proposed. It serves nowhere yet."""
    body: dict[str, Any] = {"upstream": upstream, "prompt": prompt}
    if parameters is not None:
        body["parameters"] = json_of(parameters, "--parameters")
    if policy is not None:
        body["policy"] = policy
    with connect(url) as gateway:
        made = gateway.post("/admin/releases", body)
    if as_json:
        show_json(made)
    else:
        typer.echo(made["digest"])
