"""A suite: what is asked, how answers are scored, and how often. Content-addressed, so that evidence says on what it
stands.

What a suite is asked *of* is not part of its digest: a candidate and its baseline are asked the same suite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from evals import parts
from evals.datasets import registry as datasets
from evals.datasets.base import Dataset, load
from evals.digest import sha256
from evals.errors import BadInput, Missing
from evals.evidence import ALWAYS_LOWER
from evals.judges.judge import Judge
from evals.parts import Part
from evals.sample import Json
from evals.scorers import registry as scorers
from evals.scorers.base import Comparing, Scorer
from evals.strict_yaml import Document
from evals.targets import registry as targets
from evals.targets.base import TargetSpec

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]


class Limits(Part):
    """How hard a target is asked: `concurrency` asks at once, and at most `requests_per_minute`. `seconds` is what one
    ask may take, tried at most `attempts` times; `budget`, as 5usd, is what a whole run with its judges may cost."""

    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 8
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    budget: Annotated[str, Field(pattern=r"^\d+(\.\d{1,6})?usd$")] | None = None

    @property
    def micro_usd(self) -> int | None:
        return None if self.budget is None else round(float(self.budget.removesuffix("usd")) * 1_000_000)


class Against(Part):
    """What a candidate may have learnt the suite from: `sets` are files of training data, documents or examples. The
    prompt of a release is always looked at. Findings that a person `cleared` stand in a file of their own
    (`evals.contamination`). Paths are relative to the suite."""

    sets: tuple[str, ...] = ()
    cleared: str | None = None


class SuiteFile(Part):
    """A suite as people write it: `suite` is its name, and `about` says what it is for. `dataset` is a path, or
    `{kind, …}`; `target` and each of `scorers` are `{kind, …}`, or the kind alone. `judges` are models that score, by
    name. `slices` are columns of the dataset whose values are looked at by themselves, or a mapping from names for them
    to columns. Each sample is asked `repeats` times, with seeds that follow from `seed`. `limits` say how hard a target
    is asked, and `contamination` where a candidate may have learnt the suite from."""

    suite: Name
    about: str = ""
    dataset: str | Json
    target: str | Json | None = None
    scorers: Annotated[list[str | Json], Field(min_length=1, max_length=50)]
    judges: Mapping[Name, Judge] = {}
    slices: Annotated[tuple[Name, ...] | Mapping[Name, str], Field(max_length=20)] = ()
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    limits: Limits = Limits()
    contamination: Against = Against()

    @property
    def columns(self) -> Mapping[str, str]:
        """Those of `slices`, by name."""
        return self.slices if isinstance(self.slices, Mapping) else {name: name for name in self.slices}


@dataclass(frozen=True, slots=True)
class Suite:
    """Read, its dataset loaded. `digest` names everything that a score depends on but the target."""

    name: str
    about: str
    folder: Path
    dataset: Dataset
    target: TargetSpec | None
    scorers: tuple[Scorer, ...]
    judges: Mapping[str, Judge]
    slices: tuple[str, ...]
    repeats: int
    seed: int
    limits: Limits
    contamination: Against
    digest: str

    def scorer(self, metric: str) -> Scorer | None:
        return next((scorer for scorer in self.scorers if scorer.metric == metric), None)


def read(path: Path) -> Suite:
    """Raises `BadInput` with the file, the line and the key of what is wrong."""
    document = parts.load(path)
    file = parts.parse(SuiteFile, document, path)
    found = _scorers(file, document, path)
    for number, scorer in enumerate(found):
        if (fault := _judge_of(scorer, file.judges)) is not None:
            raise _at(fault, document, path, "scorers", number)
    judges = _judges(file, document, path)
    dataset = _dataset(file, document, path)
    for number, scorer in enumerate(found):
        if not any(map(scorer.applies, dataset.samples)):
            raise _at(_scores_none(scorer), document, path, "scorers", number)
    target = None if file.target is None else target_of(file.target, document, path)
    return Suite(
        file.suite,
        file.about,
        path.parent,
        dataset,
        target,
        found,
        judges,
        tuple(file.columns),
        file.repeats,
        file.seed,
        file.limits,
        file.contamination,
        _digest(file, dataset, found, judges),
    )


def target_of(given: str | Json, document: Document, path: Path) -> TargetSpec:
    found: TargetSpec = _part(targets.find, given, document, path, "target")
    try:
        return found.placed(path.parent)
    except BadInput as error:
        raise _at(error.message, document, path, "target") from error


def _judges(file: SuiteFile, document: Document, path: Path) -> dict[str, Judge]:
    placed = {}
    for name, judge in file.judges.items():
        try:
            placed[name] = judge.placed(path.parent)
        except BadInput as error:
            raise _at(error.message, document, path, "judges", name) from error
    return placed


def _dataset(file: SuiteFile, document: Document, path: Path) -> Dataset:
    """Faults of a row are told with the line of the suite that names the dataset, and the row's own place."""
    try:
        given = datasets.of_path(file.dataset) if isinstance(file.dataset, str) else file.dataset
        found = load(_part(datasets.find, given, document, path, "dataset"), path.parent, file.columns)
    except Missing:
        raise
    except BadInput as error:
        raise error if error.file is not None else _at(error.message, document, path, "dataset") from error
    for number, (name, column) in enumerate(file.columns.items()):
        if not any(name in sample.slices for sample in found.samples):
            step = name if isinstance(file.slices, Mapping) else number
            raise _at(f"no row of the dataset has anything in the column {column!r}.", document, path, "slices", step)
    return found


def _scorers(file: SuiteFile, document: Document, path: Path) -> tuple[Scorer, ...]:
    found: list[Scorer] = []
    for number, given in enumerate(file.scorers):
        scorer = _placed(_part(scorers.find, given, document, path, "scorers", number), document, path, number)
        if scorer.metric in ALWAYS_LOWER and scorer.kind != scorer.metric:
            message = f"{scorer.metric!r} is measured of every run: give the scorer another name."
            raise _at(message, document, path, "scorers", number)
        if any(other.metric == scorer.metric for other in found):
            message = f"two scorers yield {scorer.metric!r}: give one of them another name."
            raise _at(message, document, path, "scorers", number)
        found.append(scorer)
    return tuple(found)


def _judge_of(scorer: Scorer, judges: Mapping[str, Judge]) -> str | None:
    """What is wrong with the judge that it asks."""
    name = scorer.judge_name
    if name is None:
        return None
    if name not in judges:
        return f"there is no judge {name!r} under judges."
    if judges[name].asks != scorer.asks:
        return f"{scorer.kind} takes a judge that asks for {scorer.asks}: write `asks: {scorer.asks}` in {name!r}."
    return None


def _scores_none(scorer: Scorer) -> str:
    key = scorer.key if isinstance(scorer, Comparing) else None
    under = f" under {key!r}" if key is not None else ""
    return f"{scorer.metric} scores nothing: no sample of the dataset expects anything{under} that it can compare with."


def _placed(scorer: Scorer, document: Document, path: Path, number: int) -> Scorer:
    try:
        return scorer.placed(path.parent)
    except BadInput as error:
        raise _at(error.message, document, path, "scorers", number) from error


def _part(find: Any, given: str | Json, document: Document, path: Path, *place: str | int) -> Any:
    """The value at `place`, whose `kind` says what it is."""
    value = {"kind": given} if isinstance(given, str) else given
    kind = value.get("kind")
    if not isinstance(kind, str):
        raise _at("it does not say of which kind it is: write `kind: …`.", document, path, *place)
    try:
        cls = find(kind)
    except BadInput as error:
        raise _at(error.message, document, path, *place) from error
    return parts.checked(cls, value, document, path, place)


def _digest(file: SuiteFile, dataset: Dataset, found: tuple[Scorer, ...], judges: Mapping[str, Judge]) -> str:
    return sha256(
        {
            "dataset": dataset.digest,
            "scorers": [dict(scorer.identity) for scorer in sorted(found, key=lambda one: one.metric)],
            "judges": {name: judge.digest for name, judge in sorted(judges.items())},
            "slices": sorted(file.columns),
            "repeats": file.repeats,
            "seed": file.seed,
        }
    )


def _at(message: str, document: Document, path: Path, *place: str | int) -> BadInput:
    return BadInput(message, file=str(path), line=document.line(place), place=".".join(str(step) for step in place))
