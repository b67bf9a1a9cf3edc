"""A judge at work: what it makes of one answer."""

from __future__ import annotations

from dataclasses import dataclass

from evals.judges.asking import Verdict, asked, read
from evals.judges.hearing import Ask, hear
from evals.judges.scale import Scale
from evals.sample import Sample, Score


@dataclass(frozen=True, slots=True)
class Bench:
    """A judge for one repeat of a sample."""

    rubric: str
    scale: Scale
    ask: Ask

    async def verdict(self, sample: Sample, answer: str) -> Score:
        """From 0 to 1; None where what the judge said cannot be read, with the reason."""
        heard = await hear(self.ask, asked(self.rubric, sample, answer, self.scale), self._read)
        if heard.said is None:
            return Score(None, heard.why, usage=heard.usage)
        return Score(heard.said.value, heard.said.reason, usage=heard.usage)

    def _read(self, text: str) -> Verdict:
        return read(text, self.scale)
