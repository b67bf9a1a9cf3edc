"""How long an answer took."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments, Scorer


class Latency(Scorer):
    """`of: seconds` from the question to the end of the answer, `first_token` to its first token where it was streamed.
    An answer that a cache gave has none."""

    about: ClassVar[str] = "seconds that an answer took: less is better"
    lower: ClassVar[bool] = True
    kind: Literal["latency"] = "latency"
    of: Literal["seconds", "first_token"] = "seconds"

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        if output.reused:
            return Score(None, "a cache gave the answer")
        took = output.seconds if self.of == "seconds" else output.first_token
        return Score(took) if took is not None else Score(None, "the answer was not streamed")
