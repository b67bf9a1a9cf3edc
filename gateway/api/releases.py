"""Prompts, releases and endpoints: declare them with a manifest, read what is live."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import Connection

from gateway.api.deps import Editor, Running, Viewer
from gateway.audit import Act
from gateway.errors import BadRequest, NotFound, TooLarge
from gateway.releases.apply import Change, apply
from gateway.releases.build import Change as Parts
from gateway.releases.build import make
from gateway.releases.conduct import Actor
from gateway.releases.manifest import parse
from gateway.store import catalogue, rollouts, serving
from gateway.store.catalogue import EndpointRow
from gateway.store.serving import Serving
from gateway.types import Release

router = APIRouter(tags=["releases"])

MAX_MANIFEST_BYTES = 1024 * 1024


class AppliedChange(BaseModel):
    kind: str
    name: str
    outcome: str
    digest: str | None


class Applied(BaseModel):
    object: str = "list"
    data: list[AppliedChange]


class LiveEndpoint(BaseModel):
    """An endpoint and the release that serves it; `release` and what is in it are null while a protected endpoint has
    none that was proven. `trial` is the rollout under way, `unreviewed` how often the glass was broken and nobody has
    looked at it yet."""

    name: str
    description: str | None
    stage: str = "live"
    release: str | None
    prompt: str | None
    upstream: str | None
    parameters: dict[str, Any]
    updated: float
    cache_ttl: float | None
    protected: bool
    broken: str | None
    trial: str | None
    unreviewed: int


class LiveEndpoints(BaseModel):
    object: str = "list"
    data: list[LiveEndpoint]


class ReleaseBundle(BaseModel):
    """Everything a release is made of."""

    digest: str
    prompt: dict[str, Any] | None
    upstream: str
    parameters: dict[str, Any]
    tools: list[dict[str, Any]]
    response_format: dict[str, Any] | None
    policy: str | None


@router.post("/apply", openapi_extra={"requestBody": {"content": {"application/yaml": {}}, "required": True}})
async def apply_manifest(request: Request, who: Editor, running: Running) -> Applied:
    """Bring a YAML manifest into force, whole or not at all, as `sluice apply` does."""
    raw = await request.body()
    if len(raw) > MAX_MANIFEST_BYTES:
        raise TooLarge(f"A manifest has at most {MAX_MANIFEST_BYTES // 1024} KiB.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"A manifest is UTF-8: {error}.", code="invalid_manifest") from error
    manifest = parse(text, "The request body")
    installation, by = running.installation, Actor(who.owner or who.name, who.key_id)
    governs = "admin" in who.roles
    changes = await running.act(
        who, _applied, lambda connection: apply(connection, manifest, installation, by, governs=governs)
    )
    return Applied(data=[AppliedChange(**asdict(change)) for change in changes])


def _applied(changes: list[Change]) -> Act:
    detail = {"changes": [f"{change.kind} {change.name} {change.outcome}" for change in changes]}
    return Act("releases.apply", "manifest", "", detail)


@router.get("/endpoints")
async def list_endpoints(who: Viewer, running: Running) -> LiveEndpoints:
    """Every endpoint, its live release, and what is tried beside it."""
    broken = running.refresher.snapshots.current.broken

    def read(connection: Connection) -> list[LiveEndpoint]:
        held = serving.load(connection)
        red = Counter(breaking.endpoint for breaking in rollouts.breakings_of(connection, unreviewed=True))
        return [_live(row, held, broken.get(row.name), red[row.name]) for row in held.endpoints]

    return LiveEndpoints(data=await running.read(read))


def _live(row: EndpointRow, held: Serving, broken: str | None, unreviewed: int) -> LiveEndpoint:
    release = held.releases[row.release] if row.release is not None else None
    prompt = release.prompt if release is not None else None
    trial = held.trials.get(row.name)
    return LiveEndpoint(
        name=row.name,
        description=row.description,
        release=row.release,
        prompt=f"{prompt.name}@{prompt.number}" if prompt is not None else None,
        upstream=release.upstream if release is not None else None,
        parameters=release.parameters if release is not None else {},
        updated=row.updated,
        cache_ttl=row.cache_ttl,
        protected=row.gate is not None,
        broken=broken,
        trial=trial.id if trial is not None else None,
        unreviewed=unreviewed,
    )


@router.post("/releases", status_code=201)
async def make_release(parts: Parts, who: Editor, running: Running) -> ReleaseBundle:
    """A release of its parts, new or known: the same parts are the same release. It serves nowhere yet."""
    installation, by = running.installation, who.owner or who.name
    release: Release = await running.act(
        who,
        lambda made: Act("releases.create", f"release:{made.digest}"),
        lambda connection: make(connection, None, parts, installation, by),
    )
    return _bundle(release)


@router.get("/releases/{digest}")
async def get_release(digest: str, who: Viewer, running: Running) -> ReleaseBundle:
    """One release, by the digest that calls carry in `x-sluice-release`."""
    release = await running.read(lambda connection: catalogue.find_release(connection, digest))
    if release is None:
        raise NotFound(f"There is no release {digest[:80]!r}.", param="digest", code="unknown_release")
    return _bundle(release)


def _bundle(release: Release) -> ReleaseBundle:
    return ReleaseBundle(
        digest=release.digest,
        prompt=asdict(release.prompt) if release.prompt is not None else None,
        upstream=release.upstream,
        parameters=release.parameters,
        tools=list(release.tools),
        response_format=release.response_format,
        policy=release.policy,
    )
