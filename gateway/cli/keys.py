"""`sluice keys`: who may call."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from gateway import settings
from gateway.access import KeyHasher
from gateway.app import open_store, pepper
from gateway.cli.options import AsJson, Config
from gateway.cli.table import show
from gateway.errors import BadRequest, NotFound
from gateway.keys import Grant, mint
from gateway.store import keys as rows
from gateway.store.keys import KeyRow

cli = typer.Typer(help="Mint, list and revoke keys.", no_args_is_help=True)

SECONDS = {"m": 60, "h": 3600, "d": 86400}


@cli.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    role: Annotated[
        list[str] | None, typer.Option(help="admin, operator or viewer; repeatable. Default: none.")
    ] = None,
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
        expires=time.time() + _seconds(expires) if expires is not None else None,
    )
    chosen = settings.load(config)
    store = open_store(chosen)
    try:
        with store.begin() as connection:
            secret, row = mint(connection, KeyHasher(pepper(chosen)), grant)
    finally:
        store.close()
    if as_json:
        typer.echo(orjson.dumps({"key": secret, **_shown(row)}).decode())
    else:
        typer.echo(secret)
        typer.echo("Shown once; keep it. Running gateways know it within a second.", err=True)


@cli.command("list")
def list_keys(config: Config = None, as_json: AsJson = False) -> None:
    """Show the keys, never their secrets."""
    store = open_store(settings.load(config))
    try:
        with store.begin() as connection:
            found = [_shown(row) for row in rows.list_all(connection)]
    finally:
        store.close()
    columns = ("id", "name", "hint", "roles", "endpoints", "upstreams", "expires", "state")
    show(found, columns, as_json, "No key yet: sluice keys create NAME")


@cli.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="As shown by `sluice keys list`.")], config: Config = None
) -> None:
    """End a key. Running gateways refuse it within a second."""
    store = open_store(settings.load(config))
    try:
        with store.begin() as connection:
            if not rows.revoke(connection, key_id, time.time()):
                raise NotFound(f"There is no key {key_id!r} in force. `sluice keys list` shows them.")
    finally:
        store.close()
    typer.echo(f"revoked {key_id}")


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d{1,9})([mhd])", text)
    if found is None:
        raise BadRequest(f"--expires {text!r}: write a number and m, h or d, as 90d.", param="expires")
    return int(found[1]) * SECONDS[found[2]]


def _shown(row: KeyRow) -> dict[str, Any]:
    state = "in force"
    if row.revoked is not None:
        state = "revoked"
    elif row.expires is not None and row.expires <= time.time():
        state = "expired"
    return {
        "id": row.id,
        "name": row.name,
        "hint": f"…{row.hint}",
        "roles": ", ".join(sorted(row.roles)),
        "endpoints": "all" if row.endpoints is None else ", ".join(sorted(row.endpoints)),
        "upstreams": "all" if row.upstreams is None else ", ".join(sorted(row.upstreams)),
        "expires": datetime.fromtimestamp(row.expires, UTC).isoformat(" ", "minutes") if row.expires else None,
        "state": state,
    }
