"""What an answer cost."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments, Scorer


class Cost(Scorer):
    """All calls that went into the answer. Where prices are not known it has none; nor where a cache gave it."""

    about: ClassVar[str] = "micro-USD that an answer cost: less is better"
    lower: ClassVar[bool] = True
    kind: Literal["cost"] = "cost"

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        if output.reused:
            return Score(None, "a cache gave the answer")
        cost = output.usage.cost
        return Score(float(cost)) if cost is not None else Score(None, "its price is not known")
