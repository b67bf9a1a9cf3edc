"""What guardrails read of the environment: the scoring server's token, the folder of own models, and the secrets that
guards of others need. The one module of the library that does."""

from __future__ import annotations

import os
from pathlib import Path

TOKEN = "SLUICE_GUARD_TOKEN"  # noqa: S105 - its name
MODELS = "SLUICE_GUARD_MODELS"
FOR_GUARDS = "GUARD_"
"""What the names of variables begin with that a policy may name."""


def token() -> str | None:
    """None where it is not set, or empty."""
    return os.environ.get(TOKEN, "").strip() or None


def own_models() -> Path | None:
    """The folder of models that are not shipped; None where it is not set, or empty."""
    folder = os.environ.get(MODELS, "").strip()
    return Path(folder) if folder else None


def for_guards(name: str) -> str | None:
    """A variable that a policy names; None where it is not set, empty, or not there for guards."""
    return os.environ.get(name, "").strip() or None if name.startswith(FOR_GUARDS) else None
