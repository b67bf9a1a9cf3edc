"""The plan of an evaluation: what is to be shown, settled and sealed before anything is run.

Which run is in which folder is no part of its digest, nor is what was measured elsewhere: those come later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from evals import parts
from evals.digest import sha256
from evals.errors import BadInput
from evals.evidence import Metric
from evals.parts import Part
from evals.strict_yaml import Document
from evals.suite import Name
from evals.suite import read as read_suite

Priority = Literal["must", "should", "told"]
"""What follows where something is not met: a return to a phase, a condition, or nothing, as it is only looked at."""
HOLDOUT = "holdout"
DIGEST = re.compile(r"^[0-9a-f]{64}$")

RunName = Annotated[Name, Field(description="A run, by its name under `runs`.")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Weights = Annotated[Mapping[Metric, Number], Field(min_length=1, max_length=20)]


class RunOf(Part):
    """A run of a `suite`, which is a path relative to the plan or a digest. Its `folder` is relative to the plan too;
    the command can name another. With `gate` it has to have passed one."""

    suite: str
    folder: str | None = None
    gate: bool = False


class Check(Part):
    """What all that is checked has."""

    about: Annotated[str, Field(description="Why it is asked, for people.")] = ""
    priority: Annotated[
        Priority,
        Field(description="What is not met leads back to a phase where it must be, is a condition where it should be."),
    ] = "must"
    condition: Annotated[str, Field(description="What is to be done where it should be met and is not.")] = ""


class Technical(Check):
    """A KPI of a `metric` of the suite, or of `seconds`, `cost` (micro-USD) or `failed`. One thing is asked, and meant
    as in a gate: `at_least`, `at_most`, a `margin` by which it may be worse than the baseline (with `relative`, a share
    of it), or `superiority`. With `quantile` it is that share of items that `at_most` and `margin` are about. It takes
    `min_items`; a share of them may be `contaminated`. The `name` is the metric where none is given, and the `run` is
    the holdout."""

    metric: Metric
    name: Name | None = None
    run: RunName = HOLDOUT
    at_least: Number | None = None
    at_most: Number | None = None
    margin: Annotated[Number, Field(ge=0)] | None = None
    superiority: bool = False
    relative: bool = False
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None
    min_items: Annotated[int, Field(ge=2, le=100_000)] = 30
    contaminated: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _one(self) -> Technical:
        asked = sum(value is not None for value in (self.at_least, self.at_most, self.margin)) + self.superiority
        if asked != 1:
            raise ValueError("ask one of at_least, at_most, margin and superiority: another is a KPI of its own")
        if self.relative and self.margin is None:
            raise ValueError("relative says what the margin is a share of: name a margin")
        if self.quantile is not None and (self.relative or (self.at_most is None and self.margin is None)):
            raise ValueError("a quantile takes at_most, or a margin that is not relative")
        return self

    @property
    def called(self) -> str:
        return self.name or self.metric


class Business(Check):
    """A KPI in the `unit` of whoever pays, `at_least` or `at_most` so much.

    It is worked out from a run: of each item the metrics in `sum` by their weights, on average; or where there is
    `per`, all of it by all of that, as `sum: {cost: 0.000001}, per: {answer: 1}` is USD per right answer. The result is
    taken `times` so many, and what it is besides is `plus`. Or it is `measured` elsewhere, under a name in the file of
    measurements. It takes `min_items`."""

    name: Annotated[Name, Field(description="What it is called.")]
    unit: str = ""
    run: RunName = HOLDOUT
    at_least: Number | None = None
    at_most: Number | None = None
    sum: Weights | None = None
    per: Weights | None = None
    times: Number = 1.0
    plus: Number = 0.0
    measured: Name | None = None
    min_items: Annotated[int, Field(ge=2, le=100_000)] = 30

    @model_validator(mode="after")
    def _one(self) -> Business:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("ask one of at_least and at_most")
        if (self.sum is None) == (self.measured is None):
            raise ValueError("say where it comes from, sum or measured: one of them")
        if self.measured is not None and (self.per is not None or self.times != 1 or self.plus != 0):
            raise ValueError("what is measured is taken as it is: per, times and plus go with sum")
        if self.times == 0:
            raise ValueError("times 0 is always 0")
        return self

    @property
    def called(self) -> str:
        return self.name


class Gap(Check):
    """How much better a `metric` is on what was `seen` in development (trained on, tuned on) than on what was `unseen`:
    `at_most` so much. Both name runs. With `paired` they are of the same items, by id, as of questions and the same
    ones in other words."""

    metric: Metric
    seen: Name
    unseen: Name = HOLDOUT
    at_most: Annotated[Number, Field(ge=0)]
    paired: bool = False

    @property
    def called(self) -> str:
        return f"{self.metric}: {self.seen} less {self.unseen}"


class Folds(Check):
    """A `metric` in cross-validation: `runs` names one for each fold, of what was trained on the rest. Their mean is
    `at_least` or `at_most` so much; with `margin`, not worse by more than the baselines of the same folds. `test_share`
    of the data was held out each time, one part of as many as there are runs where none is given."""

    metric: Metric
    runs: Annotated[tuple[Name, ...], Field(min_length=2, max_length=100)]
    at_least: Number | None = None
    at_most: Number | None = None
    margin: Annotated[Number, Field(ge=0)] | None = None
    test_share: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Folds:
        if sum(value is not None for value in (self.at_least, self.at_most, self.margin)) != 1:
            raise ValueError("ask one of at_least, at_most and margin")
        if len(set(self.runs)) < len(self.runs):
            raise ValueError("a fold is named twice")
        return self

    @property
    def called(self) -> str:
        return f"{self.metric} in {len(self.runs)} folds"


class Disparity(Check):
    """How much worse a `metric` may be in any value of a `slice` than in all other items of the `run`: `at_most` so
    much."""

    metric: Metric
    slice: Name
    run: RunName = HOLDOUT
    at_most: Annotated[Number, Field(ge=0)]

    @property
    def called(self) -> str:
        return f"{self.metric} by {self.slice}"


class PlanFile(Part):
    """A plan as people write it: `evaluation` is its name, `question` what the business wants to know, `about` more of
    it, and `owners` answer for it. `runs` says under which names suites are run; KPIs are of the run `holdout` where
    they name none. `technical` and `business` KPIs stand side by side; `generalisation` gaps, `folds` and `bias` come
    beside them. `alpha` is the error of each, and what is older than `max_age` counts no more. `measurements` is a file
    of what was measured elsewhere, relative to the plan."""

    evaluation: Name
    question: Annotated[str, Field(min_length=1, max_length=2000)]
    about: str = ""
    owners: tuple[str, ...] = ()
    runs: Annotated[Mapping[Name, RunOf], Field(min_length=1, max_length=200)]
    technical: Annotated[tuple[Technical, ...], Field(min_length=1, max_length=50)]
    business: Annotated[tuple[Business, ...], Field(min_length=1, max_length=50)]
    generalisation: Annotated[tuple[Gap, ...], Field(max_length=20)] = ()
    folds: Annotated[tuple[Folds, ...], Field(max_length=20)] = ()
    bias: Annotated[tuple[Disparity, ...], Field(max_length=20)] = ()
    measurements: str | None = None
    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    max_age: str = "30d"

    @field_validator("max_age")
    @classmethod
    def _lasting(cls, value: str) -> str:
        if re.fullmatch(r"[1-9]\d{0,5}[smhdw]", value, re.ASCII) is None:
            raise ValueError("write a number and s, m, h, d or w, as 30d")
        return value


@dataclass(frozen=True, slots=True)
class Plan:
    """Read. `suites` are the digests of the suites of its runs, by the runs' names."""

    path: Path
    file: PlanFile
    suites: Mapping[str, str]
    digest: str

    @property
    def folder(self) -> Path:
        return self.path.parent

    def folder_of(self, run: str) -> Path:
        """Raises `BadInput` where the plan names none."""
        named = self.file.runs[run].folder
        if named is None:
            raise BadInput(f"give its folder: --run {run}=FOLDER.", file=str(self.path), place=f"runs.{run}")
        return self.folder / named


def read(path: Path) -> Plan:
    """Raises `BadInput` with the file, the line and the key of what is wrong."""
    document = parts.load(path)
    file = parts.parse(PlanFile, document, path)
    for place, name in _named(file):
        if name not in file.runs:
            raise _at(f"there is no run {name!r} under runs.", document, path, *place)
    for section in ("technical", "business", "generalisation", "folds", "bias"):
        _all_apart(getattr(file, section), section, document, path)
    suites = {name: _suite(name, run, document, path) for name, run in file.runs.items()}
    return Plan(path, file, suites, _digest(file, suites))


def _digest(file: PlanFile, suites: Mapping[str, str]) -> str:
    """Of what is asked, whatever it is said in, and of the suites as they are."""
    asked: dict[str, Any] = file.model_dump(mode="json", exclude_defaults=True, exclude={"measurements"})
    for name, run in asked["runs"].items():
        run.pop("folder", None)
        run["suite"] = suites[name]
    return sha256(asked)


def _named(file: PlanFile) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """All runs that something is about, with the place that names them."""
    for section in ("technical", "business", "bias"):
        for number, check in enumerate(getattr(file, section)):
            if getattr(check, "measured", None) is None:
                yield (section, number, *(("run",) if "run" in check.model_fields_set else ())), check.run
    for number, gap in enumerate(file.generalisation):
        yield ("generalisation", number, "seen"), gap.seen
        yield ("generalisation", number, "unseen"), gap.unseen
    for number, folds in enumerate(file.folds):
        yield from (((("folds", number, "runs", at)), name) for at, name in enumerate(folds.runs))


def _all_apart(checks: tuple[Any, ...], section: str, document: Document, path: Path) -> None:
    seen: set[str] = set()
    for number, check in enumerate(checks):
        if check.called in seen:
            message = f"{check.called!r} is there twice"
            more = ": give one of them a name" if section == "technical" else ""
            raise _at(f"{message}{more}.", document, path, section, number)
        seen.add(check.called)


def _suite(name: str, run: RunOf, document: Document, path: Path) -> str:
    if DIGEST.match(run.suite):
        return run.suite
    try:
        return read_suite(path.parent / run.suite).digest
    except BadInput as error:
        raise _at(str(error), document, path, "runs", name, "suite") from error


def _at(message: str, document: Document, path: Path, *place: str | int) -> BadInput:
    return BadInput(message, file=str(path), line=document.line(place), place=".".join(str(step) for step in place))
