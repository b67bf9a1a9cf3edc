"""How much of what should have been looked up was."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments
from evals.scorers.retrieval import Found, Retrieving


class ContextRecall(Retrieving):
    __doc__ = Retrieving.__doc__

    about: ClassVar[str] = "part of what should have been looked up that was, from 0 to 1"
    kind: Literal["context_recall"] = "context_recall"

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        found = self.found(sample, output)
        return Score(sum(found.recalled) / len(found.recalled)) if isinstance(found, Found) else found
