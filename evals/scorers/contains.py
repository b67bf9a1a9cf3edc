"""Whether an answer holds what it must, and nothing that it must not."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments, plain, right

Text = Annotated[str, Field(min_length=1)]


class Contains(Comparing):
    """The texts of `expected`, or `texts`: with `match: all` each of them has to be there, with `any` one. `forbidden`
    are the ones that must not be. Case is left out of account, unless `ignore_case` is false."""

    about: ClassVar[str] = "1 where the answer holds the expected text and no forbidden one, else 0"
    kind: Literal["contains"] = "contains"
    texts: tuple[Text, ...] = ()
    forbidden: tuple[Text, ...] = ()
    match: Literal["all", "any"] = "all"
    ignore_case: bool = True

    def applies(self, sample: Sample) -> bool:
        return bool(self.texts or self.forbidden) or super().applies(sample)

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        wanted = list(self.texts) or self.references(sample)
        if not wanted and not self.forbidden:
            return self.nothing()
        said = self._bare(output.text)
        wrong = [text for text in self.forbidden if self._bare(text) in said]
        if wrong:
            return right(False, f"it says {wrong[0]!r}")
        lacking = [text for text in wanted if self._bare(text) not in said]
        enough = len(lacking) < len(wanted) if self.match == "any" and wanted else not lacking
        return right(enough, "" if enough else f"it does not say {lacking[0]!r}")

    def _bare(self, text: str) -> str:
        return plain(text).casefold() if self.ignore_case else plain(text)
