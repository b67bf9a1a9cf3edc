"""Whether an answer holds what it must, and nothing that it must not."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments, Scorer, right


class Contains(Scorer):
    """The texts of `expected`, or those given here: `all` of them, or with `any` one. `forbidden` are the ones that
    must not be there."""

    about: ClassVar[str] = "1 where the answer holds the expected text and no forbidden one, else 0"
    kind: Literal["contains"] = "contains"
    texts: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    match: Literal["all", "any"] = "all"
    ignore_case: bool = True

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        said = self._plain(output.text)
        wanted = list(self.texts) or _texts(sample.expected)
        found = [text for text in wanted if self._plain(text) in said]
        enough = bool(found) if self.match == "any" and wanted else len(found) == len(wanted)
        wrong = [text for text in self.forbidden if self._plain(text) in said]
        if wrong:
            return right(False, f"it says {wrong[0]!r}")
        lacking = [text for text in wanted if text not in found]
        return right(enough, "" if enough else f"it does not say {lacking[0]!r}")

    def _plain(self, text: str) -> str:
        return text.casefold() if self.ignore_case else text


def _texts(expected: object) -> list[str]:
    if expected is None:
        return []
    return [str(one) for one in expected] if isinstance(expected, list) else [str(expected)]
