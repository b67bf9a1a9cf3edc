"""Whether an answer stands on the documents that it was given, sentence by sentence."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments, Scorer
from evals.scorers.grounding import ByMeaning, ByWords, Grounder, documents_of, sentences_of

SHOWN = 5


class Grounded(Scorer):
    """The part of the answer's sentences that the documents, the sample's and those that tools returned, bear out: `by`
    `words` that they share with one document, or by `meaning`, which asks embeddings; from `least` support on.

    Both find what was made up of nothing. Neither reads: a document's words put together wrongly pass."""

    about: ClassVar[str] = "part of the answer's sentences that the documents bear out, from 0 to 1"
    kind: Literal["grounded"] = "grounded"
    by: Literal["words", "meaning"] = "words"
    least: Annotated[float, Field(gt=0, le=1)] = 0.6

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        documents = documents_of(sample, output)
        if not documents:
            return Score(None, "there are no documents")
        sentences = sentences_of(output.text)
        if not sentences:
            return Score(None, "the answer says nothing that could stand on documents")
        grounder: Grounder = ByWords() if self.by == "words" else ByMeaning(instruments)
        support = await grounder.support(sentences, documents)
        loose = [one for one, found in zip(sentences, support, strict=True) if found < self.least]
        value = 1 - len(loose) / len(sentences)
        reason = f"not borne out: {loose[0][:200]!r}" if loose else ""
        return Score(value, reason, details={"sentences": len(sentences), "loose": loose[:SHOWN]})
