"""A judge at work: what it makes of one answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from evals.judges.asking import Unread, asked, read
from evals.judges.scale import Scale
from evals.sample import Output, Sample, Score

Ask = Callable[[Sample], Awaitable[Output]]
"""Asks a judge's model, and gives the answer that was paid for where it was asked the same before. Raises
`TargetFailed`, `BudgetSpent`."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A judge for one repeat of a sample."""

    rubric: str
    scale: Scale
    ask: Ask

    async def verdict(self, sample: Sample, answer: str) -> Score:
        """From 0 to 1; None where what the judge said cannot be read, with the reason."""
        output = await self.ask(asked(self.rubric, sample, answer, self.scale))
        try:
            found = read(output.text, self.scale)
        except Unread as error:
            return Score(None, f"{error}: {output.text[:200]!r}", usage=output.usage)
        return Score(found.value, found.reason, usage=output.usage)
