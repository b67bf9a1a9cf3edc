"""Kinds by name: each in a module of its own, which is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def load(table: Mapping[str, str], kind: str) -> Any:
    """What stands at `module:name` for the kind. The tables are this library's own."""
    module, name = table[kind].split(":")
    return getattr(import_module(module), name)
