"""Prompts, releases and endpoints: declare them with a manifest, read what is live."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from gateway.api.deps import Operator, Running, Viewer
from gateway.errors import BadRequest, NotFound, TooLarge
from gateway.releases.apply import apply
from gateway.releases.manifest import parse
from gateway.store import catalogue

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
    """An endpoint and the release that serves it."""

    name: str
    description: str | None
    stage: str = "live"
    release: str
    prompt: str | None
    upstream: str
    parameters: dict[str, Any]
    updated: float
    cache_ttl: float | None


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
async def apply_manifest(request: Request, who: Operator, running: Running) -> Applied:
    """Bring a YAML manifest into force, whole or not at all, as `sluice apply` does."""
    raw = await request.body()
    if len(raw) > MAX_MANIFEST_BYTES:
        raise TooLarge(f"A manifest has at most {MAX_MANIFEST_BYTES // 1024} KiB.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"A manifest is UTF-8: {error}.", code="invalid_manifest") from error
    manifest = parse(text, "The request body")
    upstreams = running.settings.targets
    changes = await running.write(lambda connection: apply(connection, manifest, upstreams, who.key_id))
    return Applied(data=[AppliedChange(**asdict(change)) for change in changes])


@router.get("/endpoints")
async def list_endpoints(who: Viewer, running: Running) -> LiveEndpoints:
    """Every endpoint and its live release."""
    held = await running.read(catalogue.load)
    rows = []
    for endpoint in held.endpoints:
        release = held.releases[endpoint.release]
        rows.append(
            LiveEndpoint(
                name=endpoint.name,
                description=endpoint.description,
                release=release.digest,
                prompt=f"{release.prompt.name}@{release.prompt.number}" if release.prompt is not None else None,
                upstream=release.upstream,
                parameters=release.parameters,
                updated=endpoint.updated,
                cache_ttl=endpoint.cache_ttl,
            )
        )
    return LiveEndpoints(data=rows)


@router.get("/releases/{digest}")
async def get_release(digest: str, who: Viewer, running: Running) -> ReleaseBundle:
    """One release, by the digest that calls carry in `x-sluice-release`."""
    held = await running.read(catalogue.load)
    release = held.releases.get(digest)
    if release is None:
        raise NotFound(f"There is no release {digest[:80]!r}.", param="digest")
    return ReleaseBundle(
        digest=release.digest,
        prompt=asdict(release.prompt) if release.prompt is not None else None,
        upstream=release.upstream,
        parameters=release.parameters,
        tools=list(release.tools),
        response_format=release.response_format,
        policy=release.policy,
    )
