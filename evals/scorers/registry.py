"""The scorers there are, by kind: ours, and those that installed packages add under `sluicegate.scorers`.

A plug-in's entry point names a subclass of `Scorer`; its name is the kind. One that carries the name of one of ours is
not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points

from evals.errors import BadInput
from evals.scorers.base import Scorer

GROUP = "sluicegate.scorers"

BUILT_IN: Mapping[str, str] = {
    "contains": "evals.scorers.contains:Contains",
    "exact": "evals.scorers.exact:Exact",
}


def find(kind: str) -> type[Scorer]:
    """Raises `BadInput` for a kind that there is not, and for a plug-in that is no scorer."""
    if kind in BUILT_IN:
        module, name = BUILT_IN[kind].split(":")
        found: type[Scorer] = getattr(import_module(module), name)
        return found
    for point in entry_points(group=GROUP, name=kind):
        loaded = point.load()
        if not (isinstance(loaded, type) and issubclass(loaded, Scorer)):
            raise BadInput(f"The plug-in {point.value} is not a subclass of evals.scorers.base.Scorer.")
        return loaded
    raise BadInput(f"there is no scorer {kind[:80]!r}; there are {', '.join(kinds())}.")


def kinds() -> list[str]:
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))})
