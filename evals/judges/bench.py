"""A judge at work: what it makes of one answer."""

from __future__ import annotations

from dataclasses import dataclass

from evals.judges import claims, pairs, panel, relevance
from evals.judges.asking import Verdict, asked, read
from evals.judges.hearing import Ask, hear
from evals.judges.pairs import Pair
from evals.judges.scale import Scale
from evals.sample import Sample, Score


@dataclass(frozen=True, slots=True)
class Bench:
    """A judge for one repeat of a sample, of one model or a panel of several. What it says is from 0 to 1, or None,
    with the reason, where it cannot be read."""

    rubric: str
    scale: Scale
    members: tuple[Ask, ...]

    async def verdict(self, sample: Sample, answer: str) -> Score:
        """By the rubric."""
        return await self._verdict(asked(self.rubric, sample, answer, self.scale))

    async def relevant(self, sample: Sample, answer: str) -> Score:
        """1 where the answer addresses the question, else 0."""
        return await self._verdict(asked(relevance.rubric(self.rubric), relevance.bare(sample), answer))

    async def supported(self, sample: Sample, answer: str) -> Score:
        """The share of the answer's claims that the sample's documents support."""

        async def judge(member: Ask) -> Score:
            return await claims.supported(member, self.rubric, sample, answer)

        return await panel.vote(self.members, judge, grades=True)

    async def preferred(self, pair: Pair) -> Score:
        """1 where the answer is better than the other, 0 where it is worse, else 0.5."""

        async def judge(member: Ask) -> Score:
            return await pairs.preferred(member, self.rubric, pair)

        return await panel.vote(self.members, judge, grades=False)

    async def _verdict(self, question: Sample) -> Score:

        async def judge(member: Ask) -> Score:
            heard = await hear(member, question, self._read)
            if heard.said is None:
                return Score(None, heard.why, usage=heard.usage)
            return Score(heard.said.value, heard.said.reason, usage=heard.usage)

        return await panel.vote(self.members, judge, grades=self.scale != "yes-no")

    def _read(self, text: str) -> Verdict:
        return read(text, self.scale)
