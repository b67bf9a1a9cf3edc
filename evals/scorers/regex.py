"""Whether a pattern is found in an answer."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints, TypeAdapter, ValidationError, field_validator
from pydantic_core import SchemaError

from evals.sample import Output, Sample, Score
from evals.scorers.base import Instruments, Scorer, right


class Regex(Scorer):
    """`pattern` may be anywhere in the answer: anchor it with `^` and `$`, and let `(?i)` ignore case. With
    `absent: true` it must not be there.

    Patterns are those of Rust's regular expressions, which take time in proportion to the answer, whatever the pattern
    and the answer: they have neither look-around nor references back."""

    about: ClassVar[str] = "1 where the pattern is found in the answer, else 0"
    kind: Literal["regex"] = "regex"
    pattern: str
    absent: bool = False

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            _compiled(value)
        except SchemaError as error:
            said = str(error).strip().splitlines()[-1].removeprefix("error: ")
            raise ValueError(f"is no regular expression (of Rust's kind): {said}") from error
        return value

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        try:
            self._adapter.validate_python(output.text)
        except ValidationError:
            return right(self.absent, "" if self.absent else "the pattern is not there")
        return right(not self.absent, "the pattern is there" if self.absent else "")

    @cached_property
    def _adapter(self) -> TypeAdapter[str]:
        return _compiled(self.pattern)


def _compiled(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
