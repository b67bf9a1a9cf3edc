"""How near an answer is in meaning to the expected one, by embeddings."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments, right


class Similarity(Comparing):
    """Of several expected texts, the nearest counts. With `least`, 1 from so near on, else 0.

    Embeddings tell subjects apart better than truths: *it is safe* and *it is not safe* are near each other. They look
    at the first 256 word pieces of a text or so, and know English best."""

    about: ClassVar[str] = "cosine similarity of the answer's embedding with the expected text's, from 0 to 1"
    kind: Literal["similarity"] = "similarity"
    least: Annotated[float, Field(gt=0, le=1)] | None = None

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        references = self.references(sample)
        if not references:
            return self.nothing()
        if not output.text.strip():
            return right(False, "the answer is empty")
        vectors = await instruments.embed([output.text, *references])
        near = min(1.0, max(0.0, float((vectors[1:] @ vectors[0]).max())))
        if self.least is None:
            return Score(near)
        return right(near >= self.least, f"similarity {near:.3f}")
