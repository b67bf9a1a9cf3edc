"""How many words an answer shares with the expected one."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments
from evals.scorers.words import f1, words


class WordF1(Comparing):
    """Of several expected texts, the nearest counts. Articles count as words, unlike in SQuAD's own script, which
    knows English alone."""

    about: ClassVar[str] = "F1 of the words shared with the expected text, from 0 to 1 (Rajpurkar et al. 2016)"
    kind: Literal["f1"] = "f1"

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        references = self.references(sample)
        if not references:
            return self.nothing()
        answer = words(output.text)
        return Score(max(f1(answer, words(reference)) for reference in references))
