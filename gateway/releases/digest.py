"""Content addresses: the SHA-256 of a canonical JSON text, after RFC 8785 (sorted keys, no spaces, UTF-8)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.prompts.draft import PromptDraft
from gateway.types import Release


def canonical(value: Any) -> bytes:
    """Equal JSON values give equal bytes, whatever the order of their keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


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


def sha256(value: Any) -> str:
    """64 hex digits for a JSON value."""
    return hashlib.sha256(canonical(value)).hexdigest()
