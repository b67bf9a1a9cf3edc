"""Whether an answer is the expected one, to the letter."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments, Scorer, right


class Exact(Scorer):
    """`expected` is one text, or a list of texts any of which is right. Space around is left out of account."""

    about: ClassVar[str] = "1 where the answer is the expected one to the letter, else 0"
    kind: Literal["exact"] = "exact"
    ignore_case: bool = False

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        wanted = sample.expected if isinstance(sample.expected, list) else [sample.expected]
        said = self._plain(output.text)
        return right(any(said == self._plain(str(one)) for one in wanted), answer=output.text.strip())

    def _plain(self, text: str) -> str:
        return text.strip().casefold() if self.ignore_case else text.strip()
