"""What a judge's verdict is: yes or no, or a grade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from evals.parts import Part

Grade = Annotated[int, Field(ge=-1000, le=1000)]


class Grades(Part):
    """Whole numbers from `low`, the worst, to `high`, the best."""

    low: Grade
    high: Grade

    @model_validator(mode="after")
    def _several(self) -> Self:
        if self.low >= self.high:
            raise ValueError("high is above low")
        return self

    def value(self, grade: float) -> float:
        """As a score, from 0 to 1. Raises `ValueError` for what is not on the scale."""
        if not self.low <= grade <= self.high:
            raise ValueError(f"{grade:g} is not from {self.low} to {self.high}")
        return (grade - self.low) / (self.high - self.low)


def _form(value: Any) -> str:
    return "grades" if isinstance(value, Mapping | Grades) else "word"


Scale = Annotated[Annotated[Literal["yes-no"], Tag("word")] | Annotated[Grades, Tag("grades")], Discriminator(_form)]
