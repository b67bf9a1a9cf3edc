"""How much of an answer its documents support, by a judge."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec.structs import replace

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments
from evals.scorers.grounding import documents_of
from evals.scorers.judging import Judging


class Faithfulness(Judging):
    """`judge` is one of the suite's `judges`, with `asks: claims`. It lists the claims that the answer makes, and says
    of each whether the documents, the sample's and those that tools returned, support it: two calls. Without documents,
    and where the answer claims nothing, as one that says it does not know, there is no score."""

    about: ClassVar[str] = "share of the answer's claims that the documents support, by a judge (Es et al. 2023)"
    asks: ClassVar[str] = "claims"
    kind: Literal["faithfulness"] = "faithfulness"

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        held = replace(sample, documents=tuple(documents_of(sample, output)))
        return await instruments.judge(self.judge, repeat).supported(held, output.text)
