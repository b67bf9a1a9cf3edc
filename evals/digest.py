"""Content addresses: the SHA-256 of a canonical JSON text, after RFC 8785 (sorted keys, no spaces, UTF-8)."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def canonical(value: Any) -> bytes:
    """Equal JSON values give equal bytes, whatever the order of their keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def sha256(value: Any) -> str:
    """64 hex digits for a JSON value."""
    return hashlib.sha256(canonical(value)).hexdigest()
