"""Whether an answer is to the point, by a judge."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments
from evals.scorers.judging import Judging


class AnswerRelevance(Judging):
    """`judge` is one of the suite's `judges`, with `asks: relevance`. It is shown the question and the answer alone:
    whether the answer is true does not count here."""

    about: ClassVar[str] = (
        "1 where a judge finds that the answer addresses the question (Saad-Falcon et al. 2023), else 0"
    )
    asks: ClassVar[str] = "relevance"
    kind: Literal["answer_relevance"] = "answer_relevance"

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        return await instruments.judge(self.judge, repeat).relevant(sample, output.text)
