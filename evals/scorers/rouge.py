"""ROUGE of one answer, by Google's rouge-score."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from evals.errors import Missing
from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments, plain
from evals.scorers.words import words

MOST_WORDS = 5_000


class Rouge(Comparing):
    """`of` is the kind: shared words, pairs of words, or the longest common subsequence, of the whole (`rougeL`) or
    line by line (`rougeLsum`). `measure` says what of it. Of several expected texts, the nearest counts.

    Words are those of every script, the first 5,000 of a text. With `stem: true` they are English
    ones, without their endings, as in the papers on English summaries."""

    about: ClassVar[str] = "overlap of words with the expected text, from 0 to 1 (Lin 2004)"
    kind: Literal["rouge"] = "rouge"
    of: Literal["rouge1", "rouge2", "rougeL", "rougeLsum"] = "rougeL"
    measure: Literal["f1", "precision", "recall"] = "f1"
    stem: bool = False

    def placed(self, folder: Path) -> Self:
        """Raises `Missing` before anything is asked."""
        self._made()
        return self

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        references = self.references(sample)
        if not references:
            return self.nothing()
        found = self._scorer.score_multi(references, plain(output.text))[self.of]
        return Score(float(getattr(found, "fmeasure" if self.measure == "f1" else self.measure)))

    @cached_property
    def _scorer(self) -> Any:
        return self._made()

    def _made(self) -> Any:
        try:
            from rouge_score.rouge_scorer import RougeScorer
            from rouge_score.tokenizers import DefaultTokenizer
        except ImportError as error:
            raise Missing.extra("rouge-score", "evals") from error
        return RougeScorer([self.of], tokenizer=_First(DefaultTokenizer(True).tokenize if self.stem else words))


class _First:
    """A tokenizer of rouge-score's. Its own knows a to z alone; and common subsequences of two long texts take as long
    as the product of their lengths."""

    def __init__(self, split: Callable[[str], list[str]]) -> None:
        self._split = split

    def tokenize(self, text: str) -> list[str]:
        return self._split(text)[:MOST_WORDS]
