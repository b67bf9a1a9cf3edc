"""What evals read of the environment: where the gateway is, and keys. The one module of the library that does."""

from __future__ import annotations

import os

from evals.errors import BadInput

URL, KEY = "SLUICE_URL", "SLUICE_KEY"
RAY = "RAY_ADDRESS"
DEFAULT_URL = "http://127.0.0.1:8080"


def value(name: str) -> str | None:
    """None where it is not set, or empty."""
    return os.environ.get(name, "").strip() or None


def key(name: str) -> str:
    """Raises `BadInput` where there is none."""
    found = value(name)
    if found is None:
        raise BadInput(f"The variable {name} holds no key: set it.")
    return found


def gateway_url(given: str | None) -> str:
    """`given`, or what SLUICE_URL says, or where a gateway listens by default; without a slash at its end."""
    return (given or value(URL) or DEFAULT_URL).rstrip("/")
