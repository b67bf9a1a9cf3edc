"""What an experiment found: its figures, and what of it is not as promised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """`broken` names each promise that was not kept; none is the good case."""

    name: str
    figures: dict[str, Any]
    broken: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return not self.broken
