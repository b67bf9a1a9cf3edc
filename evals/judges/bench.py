"""A judge at work: what it makes of one answer."""

from __future__ import annotations

from dataclasses import dataclass

from evals.judges import pairs
from evals.judges.asking import Verdict, asked, read
from evals.judges.hearing import Ask, hear
from evals.judges.pairs import Pair
from evals.judges.scale import Scale
from evals.sample import Sample, Score


@dataclass(frozen=True, slots=True)
class Bench:
    """A judge for one repeat of a sample. What it says is from 0 to 1, or None, with the reason, where it cannot be
    read."""

    rubric: str
    scale: Scale
    ask: Ask

    async def verdict(self, sample: Sample, answer: str) -> Score:
        """By the rubric."""
        heard = await hear(self.ask, asked(self.rubric, sample, answer, self.scale), self._read)
        if heard.said is None:
            return Score(None, heard.why, usage=heard.usage)
        return Score(heard.said.value, heard.said.reason, usage=heard.usage)

    async def preferred(self, pair: Pair) -> Score:
        """1 where the answer is better than the other, 0 where it is worse, else 0.5."""
        return await pairs.preferred(self.ask, self.rubric, pair)

    def _read(self, text: str) -> Verdict:
        return read(text, self.scale)
