"""Which suites come with the library, and where they lie."""

from __future__ import annotations

from pathlib import Path

from evals.errors import BadInput
from evals.faults import near

HOME = Path(__file__).parent


def names() -> tuple[str, ...]:
    """As `redteam/injection`."""
    return tuple(sorted(path.relative_to(HOME).with_suffix("").as_posix() for path in HOME.glob("*/*.yaml")))


def path(name: str) -> Path:
    """Of its YAML file. Raises `BadInput` for one that there is not."""
    if name not in names():
        raise BadInput(f"there is no shipped suite {name[:80]!r}; {near(name, names())}.")
    return HOME / f"{name}.yaml"
