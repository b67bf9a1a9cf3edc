"""Content addresses: the SHA-256 of a canonical JSON text, after RFC 8785 (sorted keys, no spaces, UTF-8)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from gateway.types import Json, Release


def canonical(value: Any) -> bytes:
    """Equal JSON values give equal bytes, whatever the order of their keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def prompt_digest(messages: Sequence[Json], variables: Json) -> str:
    """64 hex digits for a prompt version: its messages and the schema of its variables."""
    return _sha256({"messages": list(messages), "variables": variables})


def release_digest(release: Release) -> str:
    """64 hex digits for everything in a release but its digest."""
    return _sha256(
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


def _sha256(value: Json) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()
