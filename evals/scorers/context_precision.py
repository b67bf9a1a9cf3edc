"""How much of what was looked up is to the point, and whether it stands first."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments
from evals.scorers.retrieval import Found, Retrieving


class ContextPrecision(Retrieving):
    __doc__ = f"""{Retrieving.__doc__}

    With `ranked` (the default) the mean, over the documents to the point, of the precision up to each: what stands
    first counts most, as in Ragas' context precision. Without, the part of all documents that is to the point."""

    about: ClassVar[str] = "part of what was looked up that is to the point, from 0 to 1 (average precision)"
    kind: Literal["context_precision"] = "context_precision"
    ranked: bool = True

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        found = self.found(sample, output)
        if not isinstance(found, Found):
            return found
        hits = found.hits
        if not any(hits):
            return Score(0.0, "nothing to the point was looked up")
        if not self.ranked:
            return Score(sum(hits) / len(hits))
        return Score(sum(sum(hits[: at + 1]) / (at + 1) for at, hit in enumerate(hits) if hit) / sum(hits))
