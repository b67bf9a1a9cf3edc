"""Models that say what a table says: by claim, the probability that it is supported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guardrails.errors import NotRun
from guardrails.guard import Window


@dataclass
class Told:
    """What is not in the table is as `otherwise` says. `asked` are the rows it was asked, in order."""

    table: Mapping[str, float] = field(default_factory=dict)
    otherwise: float = 0.95
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        assert model == "groundedness"
        self.asked += rows
        return [(Window(0, len(row[-1]), (self.table.get(row[0], self.otherwise),)),) for row in rows]


class Broken:
    """Has no model."""

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        raise NotRun(f"there is no model {model}")
