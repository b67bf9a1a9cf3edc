"""A judge: a model, or a panel of several, with instructions; versioned by its digest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr, model_validator

from evals.digest import sha256
from evals.errors import BadInput
from evals.judges import claims, pairs, relevance
from evals.judges.asking import form
from evals.judges.scale import Scale
from evals.parts import Part
from evals.sample import Json
from evals.targets import registry
from evals.targets.base import TargetSpec


def _known(value: Json) -> Json:
    try:
        registry.find(str(value.get("kind"))).model_validate(value)
    except BadInput as error:
        raise ValueError(error.message) from error
    return value


Model = Annotated[Json, AfterValidator(_known)]


class Judge(Part):
    """`target` is asked with `rubric` as its instructions; or each of the `targets` of a panel, of which the majority
    counts, or the mean of their grades. `asks` says what for: a `verdict` on an answer; which of a `pair` of answers is
    better; how many of its `claims` the documents support; its `relevance` to the question. For the last two a rubric
    may be left out. `scale` of a verdict is `yes-no`, or whole grades from `low`, the worst, to `high`, the best:
    `{low: 1, high: 5}`. `calibration` is a file of what people said of answers (JSON Lines; docs/evals-judges.md):
    without one, and below its `least` sensitivity and specificity, or agreement on grades, a judge advises, and can
    prove nothing."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["target"]}, {"required": ["targets"]}]})

    target: Model | None = None
    targets: Annotated[tuple[Model, ...], Field(max_length=15)] = ()
    rubric: str = ""
    asks: Literal["verdict", "pair", "claims", "relevance"] = "verdict"
    scale: Scale = "yes-no"
    calibration: str | None = None
    least: float = Field(0.8, ge=0.5, le=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.target is None) == (not self.targets):
            raise ValueError("name a target, or the targets of a panel, and not both")
        if not self.rubric and self.asks in ("verdict", "pair"):
            raise ValueError("write a rubric: what it is to judge by")
        averages = self.grades or self.asks == "claims"
        if self.targets and (len(self.targets) < 3 or (len(self.targets) % 2 == 0 and not averages)):
            raise ValueError("a panel has three targets or more, and an odd number, unless it gives grades")
        if any(one in self.targets[:at] for at, one in enumerate(self.targets)):
            raise ValueError("a target has one vote: one of them is there twice")
        if self.asks != "verdict" and self.grades:
            raise ValueError(f"a judge that asks for {self.asks} has no scale: leave it out")
        return self

    _placed: tuple[TargetSpec, ...] | None = PrivateAttr(None)
    _epoch: int = PrivateAttr(0)

    def placed(self, folder: Path) -> Self:
        """With what its targets name in the suite's folder. Raises `BadInput`."""
        placed = self.model_copy()
        placed._placed = tuple(spec.placed(folder) for spec in self.specs)
        return placed

    def since(self, epoch: int) -> Self:
        """As it is since it was found to have moved for the `epoch`th time."""
        made = self.model_copy()
        made._epoch = epoch
        return made

    @property
    def epoch(self) -> int:
        return self._epoch

    @property
    def specs(self) -> tuple[TargetSpec, ...]:
        """One, or those of a panel."""
        if self._placed is not None:
            return self._placed
        given = self.targets if self.target is None else (self.target,)
        return tuple(registry.find(one["kind"]).model_validate(one) for one in given)

    def family(self, judged: str | None) -> str | None:
        """Of its models, as far as it is known: the family of what is judged, where one of a panel is of it too; else
        all of theirs."""
        known = sorted({spec.family for spec in self.specs if spec.family is not None})
        return judged if judged in known else "+".join(known) or None

    @property
    def grades(self) -> bool:
        """Whether it gives whole grades."""
        return self.scale != "yes-no"

    @property
    def corrects(self) -> bool:
        """Whether it says yes or no, and so what it finds can be corrected for how often it errs."""
        return self.asks in ("verdict", "relevance") and not self.grades

    @property
    def form(self) -> str:
        """All that it is told besides its rubric."""
        forms = {"pair": pairs.FORM, "claims": claims.FORM, "relevance": f"{relevance.RUBRIC}\n\n{form('yes-no')}"}
        return forms.get(self.asks) or form(self.scale)

    @property
    def digest(self) -> str:
        """64 hex digits for all that its judgement depends on."""
        targets = [dict(spec.identity) for spec in self.specs]
        identity: dict[str, Any] = {"targets": targets, "rubric": self.rubric, "form": self.form}
        return sha256(identity)
