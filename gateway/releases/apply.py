"""Bring a manifest into the store: prompt versions and releases are added where they are new, endpoints repointed.

Everything happens in one transaction or not at all. What is already there is left alone: applying a manifest twice
changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from gateway.allowances import Scope
from gateway.errors import BadRequest, Forbidden, NotFound
from gateway.prompts import registry
from gateway.prompts.partials import including_last
from gateway.prompts.registry import Origin
from gateway.releases import golive
from gateway.releases.conduct import Actor, propose
from gateway.releases.digest import sealed
from gateway.releases.golive import Installation
from gateway.releases.manifest import EndpointManifest, Manifest
from gateway.releases.plan import Plan
from gateway.releases.policies import guard_policy, named_at, parsed
from gateway.releases.protection import put_gate
from gateway.store import allowances, catalogue, policies, rollouts
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


def apply(
    connection: Connection, manifest: Manifest, installation: Installation, by: Actor, *, governs: bool = True
) -> list[Change]:
    """Raises `BadRequest` naming the place in the manifest, and `Forbidden` for one that changes gates or limits where
    the caller does not govern: those are for administrators. The caller owns the transaction."""
    changes: list[Change] = []
    declared: dict[str, PromptVersion] = {}
    guarding = {name: parsed(body, f"policies.{name}") for name, body in manifest.policies.items()}
    for name, policy in guarding.items():
        added = policies.add(connection, policy.digest, policy.as_json(), by.name, name)
        changes.append(Change("policy", name, "created" if added else "unchanged", policy.digest))
    for name in including_last(manifest.prompts):
        saved = registry.save(connection, name, manifest.prompts[name], Origin(by.name))
        declared[name] = saved.version
        outcome = "created" if saved.created else "unchanged"
        changes.append(Change("prompt", f"{name}@{saved.version.number}", outcome, saved.version.digest))
    known = {row.name: row for row in catalogue.load(connection).endpoints}
    for name, endpoint in manifest.endpoints.items():
        release = _release(connection, name, endpoint, declared, installation.identities)
        guard = guard_policy(endpoint.policy, guarding, f"endpoints.{name}.policy")
        if guard is not None:
            policies.add(connection, guard.digest, guard.as_json(), by.name, endpoint.policy)
            live = known[name].release if name in known else None
            release = replace(release, policy=named_at(connection, live, guard))
        release = sealed(release)
        if name in installation.identities:
            message = f"endpoints.{name}: an upstream has this name already; both are asked for in `model`."
            raise BadRequest(message, param=f"endpoints.{name}", code="invalid_manifest")
        catalogue.add_release(connection, release, by.name)
        made = _endpoint(connection, installation, name, endpoint, known.get(name), release.digest, by)
        changes += made
        if not governs and any(change.kind == "gate" for change in made):
            raise _forbidden(f"endpoints.{name}.gate")
        if endpoint.limits is not None:
            scope = Scope("endpoint", name)
            changed = allowances.put(connection, endpoint.limits.allowance(scope), by.name)
            if changed and not governs:
                raise _forbidden(f"endpoints.{name}.limits")
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
    before = known.gate if known is not None else None
    if known is None or (known.description, known.cache_ttl) != (declared.description, ttl):
        catalogue.put_endpoint(connection, name, by.name, declared.description, ttl, before)
    changes = []
    if "gate" in declared.model_fields_set and before != gate:
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


def _forbidden(place: str) -> Forbidden:
    message = f"{place}: gates and limits are set by administrators; leave it out, or ask one."
    return Forbidden(message, param=place)


def _proposed(connection: Connection, endpoint: str, release: str) -> bool:
    """Whether a rollout of it is open already."""
    return any(one.release == release for one in rollouts.list_all(connection, endpoint, "open"))


def _release(
    connection: Connection,
    name: str,
    endpoint: EndpointManifest,
    declared: Mapping[str, PromptVersion],
    upstreams: Collection[str],
) -> Release:
    if endpoint.upstream not in upstreams:
        known = ", ".join(sorted(upstreams)) or "none"
        message = f"endpoints.{name}.upstream: no upstream {endpoint.upstream!r} is configured; there are: {known}."
        raise BadRequest(message, param=f"endpoints.{name}.upstream", code="invalid_manifest")
    version = None
    if endpoint.prompt is not None:
        version = declared.get(endpoint.prompt) or _version(connection, name, endpoint.prompt)
    return Release(
        digest="",
        prompt=version,
        upstream=endpoint.upstream,
        parameters=dict(endpoint.parameters),
        tools=tuple(endpoint.tools),
        response_format=endpoint.response_format,
    )


def _version(connection: Connection, endpoint: str, reference: str) -> PromptVersion:
    """`name@3` is the third version; `name`, where this manifest does not declare it, the one `main` is at."""
    name, _, number = reference.partition("@")
    try:
        return registry.get(connection, name, number or None)
    except NotFound as error:
        message = f"endpoints.{endpoint}.prompt: there is no prompt {reference!r}; declare it under `prompts`."
        raise BadRequest(message, param=f"endpoints.{endpoint}.prompt", code="invalid_manifest") from error
