"""chrF of one answer, by sacreBLEU."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from evals.errors import Missing
from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments, plain


class ChrF(Comparing):
    """Counts characters, and so serves languages that write words together or bend them. With `words: 2` it is
    chrF++. `ignore_case` leaves case out of account."""

    about: ClassVar[str] = "F-score of shared character n-grams, from 0 to 1 (Popović 2015, 2017)"
    kind: Literal["chrf"] = "chrf"
    words: Literal[0, 1, 2] = 0
    ignore_case: bool = False

    def placed(self, folder: Path) -> Self:
        """Raises `Missing` before anything is asked."""
        self._made()
        return self

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        references = self.references(sample)
        if not references:
            return self.nothing()
        return Score(min(1.0, self._metric.sentence_score(plain(output.text), references).score / 100))

    @cached_property
    def _metric(self) -> Any:
        return self._made()

    def _made(self) -> Any:
        try:
            from sacrebleu.metrics import CHRF
        except ImportError as error:
            raise Missing.extra("sacrebleu", "evals") from error
        return CHRF(word_order=self.words, lowercase=self.ignore_case)
