"""The content addresses of prompts and releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from evals.digest import sha256
from gateway.errors import GatewayError
from gateway.prompts.draft import PromptDraft
from gateway.types import PromptVersion, Release


def prompt_digest(draft: PromptDraft, partials: Mapping[str, str]) -> str:
    """64 hex digits for what a prompt version is made of; `partials` are the digests of what it includes, by name."""
    return sha256(draft.as_json() | ({"partials": dict(partials)} if partials else {}))


def release_digest(release: Release) -> str:
    """64 hex digits for everything in a release but its digest."""
    return sha256(
        {
            "prompt": release.prompt.digest if release.prompt is not None else None,
            "prompt_name": release.prompt.name if release.prompt is not None else None,
            "upstream": release.upstream,
            "parameters": release.parameters,
            "tools": list(release.tools),
            "response_format": release.response_format,
            "policy": release.policy,
        }
    )


def sealed(release: Release) -> Release:
    """The release under the digest of what is in it."""
    return replace(release, digest=release_digest(release))


def check_content(release: Release) -> None:
    """Raises `GatewayError` where a release is not what its digest names: somebody changed it, or a prompt that it is
    made of, where it is kept."""
    if release.prompt is not None:
        _check_version(release.prompt)
    if release_digest(release) != release.digest:
        raise GatewayError(
            f"Its release {release.digest[:12]} was changed in the database: it is not what was released."
        )


def _check_version(version: PromptVersion) -> None:
    for partial in version.partials.values():
        _check_version(partial)
    partials = {name: partial.digest for name, partial in version.partials.items()}
    try:
        genuine = prompt_digest(PromptDraft.of(version), partials) == version.digest
    except ValidationError:
        genuine = False
    if not genuine:
        message = f"The prompt {version.name}@{version.number} was changed in the database: it is not what was saved."
        raise GatewayError(message)
