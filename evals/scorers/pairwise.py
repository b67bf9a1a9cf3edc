"""Whether an answer is better than another one, by a judge that sees both."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.judges.pairs import Pair
from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments


class Pairwise(Comparing):
    """`judge` is one of the suite's `judges`, with `asks: pair`. It is asked twice, with either answer first, and not
    told whose they are. A tie is 0.5, and so it is where the two orders disagree.

    `reference` is what an answer is held against: `expected` is the sample's expected answer (of several, the first),
    as AlpacaEval does it; `other` the answer of the run's other arm to the same sample in the same repeat. A mean of
    0.5 is then as good as the other: give a gate `at_least`, as a margin between both arms counts each win twice."""

    about: ClassVar[str] = "1 where a judge prefers the answer to another one, 0 where it does not, 0.5 for a tie"
    asks: ClassVar[str] = "pair"
    kind: Literal["pairwise"] = "pairwise"
    judge: str
    reference: Literal["expected", "other"] = "expected"

    @property
    def judge_name(self) -> str | None:
        return self.judge

    @property
    def two_arms(self) -> bool:
        return self.reference == "other"

    def applies(self, sample: Sample) -> bool:
        return self.two_arms or bool(self.references(sample))

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        bench = instruments.judge(self.judge, repeat)
        if self.two_arms:
            return await bench.preferred(Pair(sample, output.text, (await instruments.rival(sample)).text))
        references = self.references(sample)
        if not references:
            return self.nothing()
        return await bench.preferred(Pair(sample, output.text, references[0], expected=True))
