"""A judge: a model with instructions, versioned by its digest."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from evals.digest import sha256
from evals.errors import BadInput
from evals.judges import pairs
from evals.judges.asking import form
from evals.judges.scale import Scale
from evals.parts import Part
from evals.sample import Json
from evals.targets import registry
from evals.targets.base import TargetSpec


class Judge(Part):
    """`target` is asked with `rubric` as its instructions. `asks` says what for: a `verdict` on an answer, or which of
    a `pair` of answers is better. `scale` of a verdict is `yes-no`, or whole grades from `low`, the worst, to `high`,
    the best: `{low: 1, high: 5}`. `calibration` is a file of what people said of answers (JSON Lines;
    docs/evals-judges.md): without one, and below its `least` sensitivity and specificity, or agreement on grades, a
    judge advises, and can prove nothing."""

    target: Json
    rubric: str
    asks: Literal["verdict", "pair"] = "verdict"
    scale: Scale = "yes-no"
    calibration: str | None = None
    least: float = Field(0.8, ge=0.5, le=1)

    @field_validator("target")
    @classmethod
    def _known(cls, value: Json) -> Json:
        try:
            registry.find(str(value.get("kind"))).model_validate(value)
        except BadInput as error:
            raise ValueError(error.message) from error
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.asks != "verdict" and self.grades:
            raise ValueError(f"a judge that asks for a {self.asks} has no scale: leave it out")
        return self

    _placed: TargetSpec | None = PrivateAttr(None)

    def placed(self, folder: Path) -> Self:
        """With what its target names in the suite's folder. Raises `BadInput`."""
        placed = self.model_copy()
        placed._placed = self.spec.placed(folder)
        return placed

    @property
    def spec(self) -> TargetSpec:
        if self._placed is not None:
            return self._placed
        return registry.find(self.target["kind"]).model_validate(self.target)

    @property
    def grades(self) -> bool:
        """Whether it gives whole grades."""
        return self.scale != "yes-no"

    @property
    def corrects(self) -> bool:
        """Whether it says yes or no, and so what it finds can be corrected for how often it errs."""
        return self.asks == "verdict" and not self.grades

    @property
    def form(self) -> str:
        """All that it is told besides its rubric."""
        return pairs.FORM if self.asks == "pair" else form(self.scale)

    @property
    def digest(self) -> str:
        """64 hex digits for all that its judgement depends on."""
        identity: dict[str, Any] = {"target": self.spec.identity, "rubric": self.rubric, "form": self.form}
        return sha256(identity)
