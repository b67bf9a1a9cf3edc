"""Whether the number in an answer is near enough to the expected one."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments, right
from evals.scorers.numbers import number, numbers

Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Numeric(Comparing):
    """`take` says whether the `last` number of the answer counts or the `first`; with `after: "Answer:"` of what comes
    after the last such text. It is right where it differs by at most `absolute`, or by at most the part `relative` of
    the expected number. Units and the sign % are left out of account. `decimal` is the mark before decimals."""

    about: ClassVar[str] = "1 where the answer's number is within the tolerance of the expected one, else 0"
    kind: Literal["numeric"] = "numeric"
    absolute: Tolerance = 0.0
    relative: Tolerance = 1e-9
    take: Literal["last", "first"] = "last"
    after: Annotated[str, Field(min_length=1)] | None = None
    decimal: Literal[".", ","] = "."

    def applies(self, sample: Sample) -> bool:
        return _expected(self.wanted(sample), self.decimal) is not None

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        wanted = self.wanted(sample)
        if wanted is None:
            return self.nothing()
        expected = _expected(wanted, self.decimal)
        if expected is None:
            return Score(None, f"what is expected, {str(wanted)[:80]!r}, is no number")
        text = output.text if self.after is None else output.text.rpartition(self.after)[2]
        found = numbers(text, self.decimal)
        if not found:
            return right(False, "there is no number in the answer")
        said = found[-1] if self.take == "last" else found[0]
        near = abs(said - expected) <= max(self.absolute, self.relative * abs(expected))
        return right(near, "" if near else f"{said:g} is not {expected:g}", answer=repr(said))


def _expected(value: Any, decimal: str) -> float | None:
    if isinstance(value, str):
        return number(value, decimal)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
