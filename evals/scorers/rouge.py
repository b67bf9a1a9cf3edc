"""ROUGE of one answer, by Google's rouge-score."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Literal

from evals.errors import Missing
from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments, plain
from evals.scorers.words import words


class Rouge(Comparing):
    """`of` is the kind: shared words, pairs of words, or the longest common subsequence, of the whole (`rougeL`) or
    line by line (`rougeLsum`). `measure` says what of it. Of several expected texts, the nearest counts.

    Words are those of every script. With `stem: true` they are English ones, without their endings, as in the papers
    on English summaries."""

    about: ClassVar[str] = "overlap of words with the expected text, from 0 to 1 (Lin 2004)"
    kind: Literal["rouge"] = "rouge"
    of: Literal["rouge1", "rouge2", "rougeL", "rougeLsum"] = "rougeL"
    measure: Literal["f1", "precision", "recall"] = "f1"
    stem: bool = False

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        references = self.references(sample)
        if not references:
            return self.nothing()
        found = self._scorer.score_multi(references, plain(output.text))[self.of]
        return Score(float(getattr(found, "fmeasure" if self.measure == "f1" else self.measure)))

    @cached_property
    def _scorer(self) -> Any:
        try:
            from rouge_score.rouge_scorer import RougeScorer
        except ImportError as error:
            raise Missing.extra("rouge-score", "evals") from error
        return RougeScorer([self.of], use_stemmer=self.stem, tokenizer=None if self.stem else _Words())


class _Words:
    """A tokenizer of rouge-score's; its own knows a to z alone."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)
