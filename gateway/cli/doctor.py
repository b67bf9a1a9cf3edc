"""`sluice doctor`: what is missing, and how to mend it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Annotated

import orjson
import typer

from gateway import configuration
from gateway.cli.options import AsJson, Config
from gateway.data_folder import open_store
from gateway.errors import GatewayError
from gateway.guarding.warming import unable
from gateway.pricing import PriceTable
from gateway.providers.build import Builder
from gateway.releases.policies import in_force
from gateway.settings import AnyUpstream, GuardSettings, PoolSettings, Settings
from gateway.state.build import build_state
from gateway.store import allowances, catalogue, keys, serving
from gateway.types import Json
from guardrails.models.lent import lent
from guardrails.passage import STAGES
from guardrails.policy import Policy

LEAST_FREE = 512 * 1024 * 1024
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` is the next step where `ok` is False."""

    what: str
    ok: bool
    detail: str
    mend: str = ""


def doctor(
    config: Config = None,
    models: Annotated[
        bool,
        typer.Option(
            help="Ask every upstream, and every guard that is in force, whether it can serve; costs no tokens."
        ),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Look at configuration, data folder, database, keys, limits, state, port, upstreams, pools and guards. Exit status
    1 if anything is missing."""
    findings: list[Finding] = []
    for finding in _examine(config, models):
        findings.append(finding)
        if not as_json:
            mark = typer.style("ok  ", fg="green") if finding.ok else typer.style("MISS", fg="red")
            typer.echo(f"{mark} {finding.what}: {finding.detail}")
            if finding.mend:
                typer.echo(f"     -> {finding.mend}")
    if as_json:
        typer.echo(orjson.dumps([asdict(finding) for finding in findings], option=orjson.OPT_INDENT_2).decode())
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def _examine(config: Config, models: bool) -> Iterator[Finding]:
    try:
        chosen = configuration.load(config)
    except GatewayError as error:
        yield Finding("configuration", False, error.message, "correct the file; the keys are in docs/configuration.md")
        return
    yield Finding("configuration", True, str(chosen.file or "built-in settings"))
    yield from _data(chosen)
    yield from _database(chosen)
    yield _state(chosen)
    yield _port(chosen)
    failed = set()
    if models:
        for name, spec in chosen.upstreams.items():
            found = _upstream(name, spec)
            yield found
            if not found.ok:
                failed.add(name)
    for name, pool in chosen.pools.items():
        yield _pool(name, pool, failed)
    if models:
        yield from _guards(chosen)


def _data(chosen: Settings) -> Iterator[Finding]:
    try:
        chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(chosen.data, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        yield Finding("data folder", False, f"{chosen.data} is not writable", "set `data:` to a folder you own")
        return
    free = shutil.disk_usage(chosen.data).free
    mend = "" if free > LEAST_FREE else "free some space: the journal stops when the disk is full"
    yield Finding("data folder", free > LEAST_FREE, f"{chosen.data}, {free / 2**30:.1f} GiB free", mend)


def _database(chosen: Settings) -> Iterator[Finding]:
    try:
        store = open_store(chosen)
    except (GatewayError, OSError) as error:
        yield Finding("database", False, str(error), "check `database:` in the configuration")
        return
    with closing(store), store.begin() as connection:
        active = len(keys.find_active(connection))
        endpoints = len(catalogue.load(connection).endpoints)
        limited = len(allowances.list_all(connection))
    yield Finding("database", True, store.shown_url)
    yield Finding("keys", active > 0, f"{active} in force", "" if active else "sluice keys create NAME --role admin")
    yield Finding("endpoints", True, f"{endpoints} declared")
    yield Finding("limits", True, f"{limited} set")


def _state(chosen: Settings) -> Finding:
    """Whether what replicas share answers. A URL that is shown holds no password: one that does is a reference."""
    if chosen.state.url is None:
        return Finding("state", True, "this machine's; replicas on several share theirs in Redis, by `state.url`")

    async def look() -> None:
        state = build_state(chosen.state, None)
        try:
            await state.get("doctor")
        finally:
            await state.close()

    try:
        asyncio.run(look())
    except GatewayError as error:
        return Finding("state", False, chosen.state.url, error.message)
    return Finding("state", True, f"{chosen.state.url} answers")


def _port(chosen: Settings) -> Finding:
    host, port = chosen.server.host, chosen.server.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            detail = f"{host}:{port}: {os.strerror(error.errno or 0)}"
            return Finding("port", False, detail, "a gateway may be running; or choose another: sluice serve --port N")
    return Finding("port", True, f"{host}:{port} is free")


def _upstream(name: str, spec: AnyUpstream) -> Finding:
    what = f"upstream {name}"

    async def look() -> None:
        builder = Builder(PriceTable.load())
        try:
            upstream = builder.build(name, spec)
            try:
                async with asyncio.timeout(PATIENCE):
                    await upstream.provider.check()
            finally:
                await upstream.provider.close()
        finally:
            await builder.close()

    try:
        asyncio.run(look())
    except GatewayError as error:
        return Finding(what, False, f"{spec.provider} {spec.model}", error.message)
    except TimeoutError:
        return Finding(what, False, f"{spec.provider} {spec.model}", f"it did not answer in {PATIENCE:g} s")
    return Finding(what, True, f"{spec.provider} {spec.model}")


def _pool(name: str, pool: PoolSettings, failed: Collection[str]) -> Finding:
    """A pool serves while one of its upstreams does."""
    named = [*pool.members, *pool.fallbacks]
    able = [upstream for upstream in named if upstream not in failed]
    detail = ", ".join(upstream if upstream in able else f"{upstream} (cannot serve)" for upstream in named)
    return Finding(f"pool {name}", bool(able), detail, "" if able else "mend one of its upstreams")


def _guards(chosen: Settings) -> Iterator[Finding]:
    """Whether those of each policy that is live or tried can judge, where this command runs."""
    try:
        store = open_store(chosen)
        with closing(store), store.begin() as connection:
            held = serving.load(connection)
    except (GatewayError, OSError):
        return  # said already
    at: dict[str, set[str]] = {}
    served = {(row.name, row.release) for row in held.endpoints if row.release is not None}
    for endpoint, release in served | {(name, rollout.release) for name, rollout in held.trials.items()}:
        policy = held.releases[release].policy
        if policy is not None:
            at.setdefault(policy, set()).add(endpoint)
    for digest, endpoints in sorted(at.items(), key=lambda pair: sorted(pair[1])):
        yield _policy(f"guards of {', '.join(sorted(endpoints))}", digest, held.policies, chosen.guards)


def _policy(what: str, digest: str, policies: Mapping[str, Json], guards: GuardSettings) -> Finding:
    async def look(policy: Policy) -> dict[str, str]:
        async with lent(guards.server, guards.read_token(), guards.timeout, guards.models) as lending:
            return await unable(policy, lending.models)

    try:
        policy = in_force(digest, policies)
        faults = asyncio.run(look(policy))
    except GatewayError as error:
        return Finding(what, False, f"the policy {digest[:12]} cannot be used", error.message)
    called = list(dict.fromkeys(guard.called for stage in STAGES for guard in policy.at(stage)))
    able = ", ".join(name if name not in faults else f"{name} (cannot judge)" for name in called)
    return Finding(
        what, not faults, able or "there are none", "; ".join(f"{name}: {why}" for name, why in faults.items())
    )
