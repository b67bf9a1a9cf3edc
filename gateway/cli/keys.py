"""`sluice keys`: who may call."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from gateway import configuration
from gateway.access import ROLES
from gateway.cli.database import changing, transaction
from gateway.cli.options import AsJson, Config
from gateway.cli.table import show, show_json, show_list, when
from gateway.durations import seconds
from gateway.errors import BadRequest
from gateway.keys import Grant, assign, mint, not_in_force, rotate, shown, unknown_names
from gateway.store import keys as rows
from gateway.store.keys import KeyRow
from gateway.types import Json

cli = typer.Typer(help="Mint, list, assign, rotate and revoke keys.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="As shown by `sluice keys list`.")]

COLUMNS = (
    "id",
    "name",
    "owner",
    "created_by",
    "project",
    "hint",
    "former",
    "roles",
    "endpoints",
    "upstreams",
    "expires",
    "state",
)


@cli.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    owner: Annotated[str | None, typer.Option(help="Whose it is. Default: its name.", show_default=False)] = None,
    project: Annotated[str | None, typer.Option(help="The project it belongs to.", show_default=False)] = None,
    role: Annotated[list[str] | None, typer.Option(help=f"{', '.join(ROLES)}; repeatable. Default: none.")] = None,
    endpoint: Annotated[list[str] | None, typer.Option(help="Only this endpoint; repeatable. Default: all.")] = None,
    upstream: Annotated[
        list[str] | None, typer.Option(help="This upstream by name too, or `all`; repeatable. Default: none.")
    ] = None,
    expires: Annotated[str | None, typer.Option(help="In how long: 30m, 12h, 90d. Default: never.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Mint a key. It is shown once and kept as a digest only."""
    grant = Grant(
        name=name,
        roles=frozenset(role or ()),
        endpoints=frozenset(endpoint) if endpoint else None,
        upstreams=None if "all" in (upstream or ()) else frozenset(upstream or ()),
        expires=time.time() + _lifetime(expires) if expires is not None else None,
        owner=owner,
        project=project,
    )
    targets = configuration.load(config).targets
    with changing(config) as change:
        warnings = unknown_names(change.connection, grant, targets)
        secret, row = mint(change.connection, change.hasher, grant, change.who)
        change.did("keys.create", f"key:{row.id}", name=row.name, owner=row.owner, roles=sorted(row.roles))
    for warning in warnings:
        typer.echo(f"Warning: {warning}", err=True)
    _show_secret({"key": secret, "warnings": warnings, **shown(row)}, as_json)


@cli.command("list")
def list_keys(config: Config = None, as_json: AsJson = False) -> None:
    """Show the keys, never their secrets."""
    with transaction(config) as connection:
        found = rows.list_all(connection)
    if as_json:
        show_list([shown(row) for row in found])
    else:
        show([_cells(row) for row in found], COLUMNS, False, "No key yet: sluice keys create NAME")


@cli.command("assign")
def assign_key(
    key_id: KeyId,
    owner: Annotated[str | None, typer.Option(help="Whose it is from now on.", show_default=False)] = None,
    project: Annotated[str | None, typer.Option(help="The project it goes to.", show_default=False)] = None,
    config: Config = None,
) -> None:
    """Give a key another owner or another project. What it may do stays."""
    with changing(config) as change:
        row = assign(change.connection, key_id, owner, project, change.who)
        change.did("keys.assign", f"key:{row.id}", owner=row.owner, project=row.project)
    typer.echo(f"{row.id} is {row.owner}'s, in {f'the project {row.project}' if row.project else 'no project'}")


@cli.command("rotate")
def rotate_key(
    key_id: KeyId,
    overlap: Annotated[str, typer.Option(help="For how long the secrets it has go on: 30m, 12h, 7d.")] = "24h",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Give a key another secret, shown once. Its id stays, and with it scopes, limits and stored responses."""
    lasting = _seconds("--overlap", overlap)
    with changing(config) as change:
        secret, row = rotate(change.connection, change.hasher, key_id, lasting, change.who)
        change.did("keys.rotate", f"key:{row.id}", overlap_seconds=lasting)
    _show_secret({"key": secret, **shown(row)}, as_json)


@cli.command("revoke")
def revoke(key_id: KeyId, config: Config = None) -> None:
    """End a key, with all its secrets. Running gateways refuse it within a second."""
    with changing(config) as change:
        if not rows.revoke(change.connection, key_id, time.time()):
            raise not_in_force(key_id)
        change.did("keys.revoke", f"key:{key_id}")
    typer.echo(f"revoked {key_id}")


def _show_secret(made: Json, as_json: bool) -> None:
    if as_json:
        show_json(made)
    else:
        typer.echo(made["key"])
        typer.echo("Shown once; keep it. Running gateways know it within a second.", err=True)


def _lifetime(text: str) -> int:
    """In seconds. Raises `BadRequest` for none at all."""
    lasting = _seconds("--expires", text)
    if not lasting:
        raise BadRequest(f"--expires {text!r}: a key that has ended at once opens nothing; give it some time, as 90d.")
    return lasting


def _seconds(option: str, text: str) -> int:
    try:
        return seconds(text)
    except ValueError as error:
        raise BadRequest(f"{option} {text!r}: {error}.") from error


def _cells(row: KeyRow) -> dict[str, Any]:
    """For people."""
    state = "in force"
    if row.revoked is not None:
        state = "revoked"
    elif row.expires is not None and row.expires <= time.time():
        state = "expired"
    return {
        "id": row.id,
        "name": row.name,
        "owner": row.owner,
        "created_by": row.created_by,
        "project": row.project,
        "hint": f"…{row.hint}",
        "former": ", ".join(f"…{old.hint} until {when(old.expires)}" for old in row.former),
        "roles": ", ".join(sorted(row.roles)),
        "endpoints": "all" if row.endpoints is None else ", ".join(sorted(row.endpoints)),
        "upstreams": "all" if row.upstreams is None else ", ".join(sorted(row.upstreams)),
        "expires": when(row.expires) if row.expires else None,
        "state": state,
    }
