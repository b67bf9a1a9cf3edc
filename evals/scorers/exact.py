"""Whether an answer is the expected one, to the letter."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments, plain, right


class Exact(Comparing):
    """`expected` is one value, or a list any of which is right. Space around is left out of account, and
    with `ignore_case` case too."""

    about: ClassVar[str] = "1 where the answer is the expected one to the letter, else 0"
    kind: Literal["exact"] = "exact"
    ignore_case: bool = False

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        wanted = self.references(sample)
        if not wanted:
            return self.nothing()
        said = self._bare(plain(output.text))
        return right(any(said == self._bare(one) for one in wanted), answer=output.text.strip())

    def _bare(self, text: str) -> str:
        return text.strip().casefold() if self.ignore_case else text.strip()
