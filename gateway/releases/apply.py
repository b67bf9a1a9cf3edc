"""Bring a manifest into the store: prompt versions and releases are added where they are new, endpoints repointed.

Everything happens in one transaction or not at all. What is already there is left alone: applying a manifest twice
changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.allowances import Scope
from gateway.errors import BadRequest
from gateway.prompts.render import CompiledPrompt
from gateway.releases import golive
from gateway.releases.conduct import Actor, propose
from gateway.releases.digest import prompt_digest, release_digest
from gateway.releases.golive import Installation
from gateway.releases.manifest import EndpointManifest, Manifest
from gateway.releases.plan import Plan
from gateway.releases.protection import put_gate
from gateway.store import allowances, catalogue, rollouts
from gateway.store.catalogue import EndpointRow
from gateway.types import PromptVersion, Release


@dataclass(frozen=True, slots=True)
class Change:
    """One thing a manifest declared, and what became of it: `created`, `unchanged`, or, where an endpoint is protected,
    `proposed`: a rollout, or a change of its gate, that takes more than this to come into force. Limits have no digest:
    they are no part of a release."""

    kind: str
    name: str
    outcome: str
    digest: str | None


def apply(connection: Connection, manifest: Manifest, installation: Installation, by: Actor) -> list[Change]:
    """Raises `BadRequest` naming the place in the manifest. The caller owns the transaction."""
    held = catalogue.load(connection)
    changes: list[Change] = []
    declared: dict[str, PromptVersion] = {}
    for name, prompt in manifest.prompts.items():
        digest = prompt_digest(prompt.messages, prompt.variables)
        known = any(version.digest == digest and version.name == name for version in held.prompts)
        version = catalogue.add_prompt(connection, name, prompt.messages, prompt.variables, digest, by.name)
        CompiledPrompt.compile(version)
        declared[name] = version
        outcome = "unchanged" if known else "created"
        changes.append(Change("prompt", f"{name}@{version.number}", outcome, digest))
    held = catalogue.load(connection)
    known = {row.name: row for row in held.endpoints}
    for name, endpoint in manifest.endpoints.items():
        release = _release(name, endpoint, [*declared.values(), *reversed(held.prompts)], installation.identities)
        if name in installation.identities:
            message = f"endpoints.{name}: an upstream has this name already; both are asked for in `model`."
            raise BadRequest(message, param=f"endpoints.{name}")
        catalogue.add_release(connection, release, by.name)
        changes += _endpoint(connection, installation, name, endpoint, known.get(name), release.digest, by)
        if endpoint.limits is not None:
            scope = Scope("endpoint", name)
            changed = allowances.put(connection, endpoint.limits.allowance(scope), by.name)
            changes.append(Change("limits", str(scope), "created" if changed else "unchanged", None))
    return changes


def _endpoint(
    connection: Connection,
    installation: Installation,
    name: str,
    declared: EndpointManifest,
    known: EndpointRow | None,
    release: str,
    by: Actor,
) -> list[Change]:
    """An endpoint that nothing protects serves what is declared; for one that is protected that is proposed."""
    ttl = declared.cache.seconds if declared.cache is not None else None
    gate = declared.gate.model_dump(mode="json") if declared.gate is not None else None
    before = known.gate if known is not None else gate  # a gate that is there already changes by two people only
    if known is None or (known.description, known.cache_ttl) != (declared.description, ttl):
        catalogue.put_endpoint(connection, name, by.name, declared.description, ttl, before)
    changes = []
    if known is not None and "gate" in declared.model_fields_set and known.gate != gate:
        made = put_gate(connection, installation, name, declared.gate, "apply", by)
        changes.append(Change("gate", name, "created" if made.change is None else "proposed", None))
    row = golive.endpoint_row(connection, name)
    if row.release == release:
        changed = known is None or (known.description, known.cache_ttl) != (row.description, row.cache_ttl)
        return [*changes, Change("endpoint", name, "created" if changed else "unchanged", release)]
    if row.gate is None:
        golive.put_live(connection, installation, row, release, by.name, "apply")
        return [*changes, Change("endpoint", name, "created", release)]
    if not _proposed(connection, name, release):
        propose(connection, name, release, Plan(), "apply", by)
        return [*changes, Change("endpoint", name, "proposed", release)]
    return [*changes, Change("endpoint", name, "unchanged", release)]


def _proposed(connection: Connection, endpoint: str, release: str) -> bool:
    """Whether a rollout of it is open already."""
    return any(one.release == release for one in rollouts.list_all(connection, endpoint, "open"))


def _release(
    name: str, endpoint: EndpointManifest, prompts: Iterable[PromptVersion], upstreams: Collection[str]
) -> Release:
    if endpoint.upstream not in upstreams:
        known = ", ".join(sorted(upstreams)) or "none"
        message = f"endpoints.{name}.upstream: no upstream {endpoint.upstream!r} is configured; there are: {known}."
        raise BadRequest(message, param=f"endpoints.{name}.upstream")
    version = _version(name, endpoint.prompt, prompts) if endpoint.prompt is not None else None
    unnamed = Release(
        digest="",
        prompt=version,
        upstream=endpoint.upstream,
        parameters=dict(endpoint.parameters),
        tools=tuple(endpoint.tools),
        response_format=endpoint.response_format,
        policy=endpoint.policy,
    )
    return Release(
        digest=release_digest(unnamed),
        prompt=unnamed.prompt,
        upstream=unnamed.upstream,
        parameters=unnamed.parameters,
        tools=unnamed.tools,
        response_format=unnamed.response_format,
        policy=unnamed.policy,
    )


def _version(endpoint: str, reference: str, prompts: Iterable[PromptVersion]) -> PromptVersion:
    """`name@3` is the third version; `name` the one this manifest declares, which may be an old one come back, and
    where it declares none the newest. `prompts` come in that order."""
    name, at, number = reference.partition("@")
    for version in prompts:
        if version.name == name and (not at or str(version.number) == number):
            return version
    message = f"endpoints.{endpoint}.prompt: there is no prompt {reference!r}; declare it under `prompts`."
    raise BadRequest(message, param=f"endpoints.{endpoint}.prompt")
