"""How a release comes to be: from its parts, or from the live one with some of them changed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from gateway.errors import BadRequest
from gateway.parameters import Parameters
from gateway.prompts import registry
from gateway.prompts.names import split_reference
from gateway.prompts.render import CompiledPrompt
from gateway.releases.digest import sealed
from gateway.releases.golive import Installation, endpoint_row
from gateway.releases.policies import kept
from gateway.store import catalogue
from gateway.types import Json, PromptVersion, Release


class Change(BaseModel):
    """What is to be different; what is not named stays. `prompt` is name@number, or name@label; `policy` the digest of
    a guard policy that was declared, or the name of one that is shipped; null: none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str | None = None
    upstream: str | None = None
    parameters: Parameters | None = None
    tools: list[Json] | None = None
    response_format: Json | None = None
    policy: str | None = None


def build(
    connection: Connection,
    endpoint: str,
    digest: str | None,
    change: Change | None,
    installation: Installation,
    author: str,
) -> str:
    """The digest of a release that there is then: the one that is named, or the live one of the endpoint changed."""
    if (digest is None) == (change is None):
        raise BadRequest("Name a release, or what to change of the live one.", param="release", code="invalid_value")
    if digest is not None:
        return digest
    assert change is not None
    live = endpoint_row(connection, endpoint).release
    base = catalogue.find_release(connection, live) if live is not None else None
    return make(connection, base, change, installation, author).digest


def make(
    connection: Connection, base: Release | None, change: Change, installation: Installation, author: str
) -> Release:
    """A release, new or known. Raises `BadRequest` naming the part that does not fit."""
    named = change.model_fields_set
    upstream = change.upstream or (base.upstream if base is not None else None)
    if upstream is None:
        message = "upstream: nothing is live there yet that this could change: name the upstream too."
        raise BadRequest(message, param="upstream", code="upstream_missing")
    if upstream not in installation.identities:
        known = ", ".join(sorted(installation.identities)) or "none"
        message = f"upstream: no upstream {upstream!r} is configured; there are: {known}."
        raise BadRequest(message, param="upstream", code="unknown_upstream")
    parameters = change.parameters if change.parameters is not None else (base.parameters if base is not None else {})
    policy = base.policy if base is not None else None
    if "policy" in named:
        policy = kept(connection, change.policy, author) if change.policy is not None else None
    release = Release(
        digest="",
        prompt=_prompt(connection, change.prompt) if "prompt" in named else (base.prompt if base is not None else None),
        upstream=upstream,
        parameters=parameters,
        tools=tuple(change.tools) if change.tools is not None else (base.tools if base is not None else ()),
        response_format=_kept(change.response_format, "response_format" in named, base),
        policy=policy,
    )
    release = sealed(release)
    catalogue.add_release(connection, release, author)
    return release


def _kept(given: Json | None, named: bool, base: Release | None) -> Json | None:
    return given if named or base is None else base.response_format


def _prompt(connection: Connection, reference: str | None) -> PromptVersion | None:
    if reference is None:
        return None
    named = split_reference(reference)
    if named is None:
        message = f"prompt: {reference[:80]!r} is no reference; write name@number or name@label."
        raise BadRequest(message, param="prompt", code="invalid_value")
    version = registry.get(connection, *named)
    CompiledPrompt.compile(version)
    return version
