"""BLEU of one answer, by sacreBLEU."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from evals.errors import Missing
from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments, plain


class Bleu(Comparing):
    """For each answer, with exponential smoothing and no more n-grams than it has: what sacreBLEU calls sentence BLEU.
    The mean over samples is not the corpus BLEU of papers. `tokenize` is one of sacreBLEU's tokenizers: `13a` is for
    languages with spaces, `zh` for Chinese, `char` for any. `ignore_case` leaves case out of account."""

    about: ClassVar[str] = "sentence BLEU against the expected texts, from 0 to 1 (Papineni et al. 2002; Post 2018)"
    kind: Literal["bleu"] = "bleu"
    tokenize: Literal["13a", "intl", "zh", "char", "none"] = "13a"
    ignore_case: bool = False

    def placed(self, folder: Path) -> Self:
        """Raises `Missing` before anything is asked."""
        self._made()
        return self

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        references = self.references(sample)
        if not references:
            return self.nothing()
        found = self._metric.sentence_score(plain(output.text), references)
        return Score(min(1.0, found.score / 100), details={"brevity_penalty": found.bp})

    @cached_property
    def _metric(self) -> Any:
        return self._made()

    def _made(self) -> Any:
        try:
            from sacrebleu.metrics import BLEU
        except ImportError as error:
            raise Missing.extra("sacrebleu", "evals") from error
        return BLEU(tokenize=self.tokenize, lowercase=self.ignore_case, effective_order=True)
