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
from gateway.releases.digest import prompt_digest, release_digest
from gateway.releases.manifest import EndpointManifest, Manifest
from gateway.store import allowances, catalogue
from gateway.types import PromptVersion, Release


@dataclass(frozen=True, slots=True)
class Change:
    """One thing a manifest declared, and what became of it: `created` or `unchanged`. Limits have no digest: they are
    no part of a release."""

    kind: str
    name: str
    outcome: str
    digest: str | None


def apply(connection: Connection, manifest: Manifest, upstreams: Collection[str], author: str) -> list[Change]:
    """Raises `BadRequest` naming the place in the manifest. The caller owns the transaction."""
    held = catalogue.load(connection)
    changes: list[Change] = []
    declared: dict[str, PromptVersion] = {}
    for name, prompt in manifest.prompts.items():
        schema = prompt.schema_of_variables()
        digest = prompt_digest(prompt.messages, schema)
        known = any(version.digest == digest and version.name == name for version in held.prompts)
        version = catalogue.add_prompt(connection, name, prompt.messages, schema, digest, author)
        CompiledPrompt.compile(version)
        declared[name] = version
        outcome = "unchanged" if known else "created"
        changes.append(Change("prompt", f"{name}@{version.number}", outcome, digest))
    held = catalogue.load(connection)
    live = {known.name: (known.release, known.description, known.cache_ttl) for known in held.endpoints}
    for name, endpoint in manifest.endpoints.items():
        release = _release(name, endpoint, [*declared.values(), *reversed(held.prompts)], upstreams)
        if name in upstreams:
            message = f"endpoints.{name}: an upstream has this name already; both are asked for in `model`."
            raise BadRequest(message, param=f"endpoints.{name}")
        catalogue.add_release(connection, release, author)
        ttl = endpoint.cache.seconds if endpoint.cache is not None else None
        if live.get(name) == (release.digest, endpoint.description, ttl):
            changes.append(Change("endpoint", name, "unchanged", release.digest))
        else:
            catalogue.set_live(connection, name, release.digest, author, "apply", endpoint.description, ttl)
            changes.append(Change("endpoint", name, "created", release.digest))
        if endpoint.limits is not None:
            scope = Scope("endpoint", name)
            changed = allowances.put(connection, endpoint.limits.allowance(scope), author)
            changes.append(Change("limits", str(scope), "created" if changed else "unchanged", None))
    return changes


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
