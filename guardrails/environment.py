"""What guardrails read of the environment: the scoring server's token. The one module of the library that does."""

from __future__ import annotations

import os

TOKEN = "SLUICE_GUARD_TOKEN"  # noqa: S105 - its name


def token() -> str | None:
    """None where it is not set, or empty."""
    return os.environ.get(TOKEN, "").strip() or None
