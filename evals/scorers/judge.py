"""What a model thinks of an answer, by a rubric: right or wrong, or a grade, with a reason."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments
from evals.scorers.judging import Judging


class ByJudge(Judging):
    """`judge` is one of the suite's `judges`, whose rubric says when an answer is right, or what its grades are for. It
    is shown the question, the documents, what is expected and the answer. Its grade is a score from 0, the lowest of
    its scale, to 1. An answer of the judge that cannot be read is a score of None. A gate takes it for proof only where
    the judge was calibrated (`sluice eval judge`)."""

    about: ClassVar[str] = "1 where a judge says yes by its rubric, 0 where it says no; or its grade, from 0 to 1"
    kind: Literal["judge"] = "judge"

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        return await instruments.judge(self.judge, repeat).verdict(sample, output.text)
