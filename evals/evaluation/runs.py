"""The runs that an evaluation is of, read from their logs; and of each metric what may be counted with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.errors import BadInput
from evals.evaluation.plan import Plan
from evals.evidence import ALWAYS_LOWER, EvalEvidence, digest_of
from evals.gate import Requirement
from evals.measures import Values
from evals.runs.evidence import of_logs
from evals.runs.log import Header, read_header
from evals.sample import Json
from evals.validity import notes, why_invalid
from evals.verdict import read_verdict


@dataclass(frozen=True, slots=True)
class Ran:
    """`gate` is what `gate.json` in its folder holds."""

    name: str
    folder: Path
    header: Header
    evidence: EvalEvidence
    gate: Json | None

    def lower(self, metric: str) -> bool:
        """Whether less is better."""
        return metric in ALWAYS_LOWER or any(one.lower for one in self.header.metrics if one.name == metric)

    @property
    def fingerprint(self) -> str:
        """As `gate.json` has it under `evidence`."""
        return digest_of(self.evidence.model_dump(mode="json", exclude_none=True))


@dataclass(frozen=True, slots=True)
class Standard:
    """By what all is judged: `alpha` is the error of a bound, and `now` Unix time."""

    alpha: float
    max_age: str
    now: float


def read(plan: Plan, given: Mapping[str, Path]) -> dict[str, Ran]:
    """`given` are folders by the names of runs, in place of the plan's. Raises `BadInput` where a run is not there, or
    is of another suite than was planned."""
    for name in given:
        if name not in plan.file.runs:
            raise BadInput(f"{plan.path} has no run {name!r}; it has {', '.join(plan.file.runs)}.")
    return {name: _read(name, given.get(name) or plan.folder_of(name), plan.suites[name]) for name in plan.file.runs}


def requirement(ran: Ran, metric: str, standard: Standard, **asked: Any) -> Requirement:
    """For what is no requirement itself, one that nothing is below."""
    held = {
        "metric": metric,
        "suite": ran.evidence.suite,
        "direction": "lower" if ran.lower(metric) else "higher",
        "max_age": standard.max_age,
        **(asked or {"at_least": -1e15}),
    }
    return Requirement.model_validate(held)


def why_not(ran: Ran, metric: str, standard: Standard, *, known: bool = False, compares: bool = False) -> str | None:
    """Why nothing can be said of a metric of a run, as a gate would say it. `known` is a run of items that the
    candidate may know."""
    evidence = ran.evidence.model_copy(update={"contamination": None}) if known else ran.evidence
    asked = {"margin": 0.0} if compares else {}
    return why_invalid(requirement(ran, metric, standard, **asked), evidence, standard.now)


def remarks(ran: Ran, metric: str, standard: Standard) -> list[str]:
    return notes(requirement(ran, metric, standard), ran.evidence)


def values(ran: Ran, metric: str, standard: Standard, *, compares: bool = False) -> Values:
    """Of each item, which all have the metric; see `why_not`."""
    return Values.of(requirement(ran, metric, standard, **({"margin": 0.0} if compares else {})), ran.evidence)


def _read(name: str, folder: Path, suite: str) -> Ran:
    candidate = folder / "candidate" if (folder / "candidate").is_dir() else folder
    baseline = folder / "baseline"
    header = read_header(candidate)
    if header.suite_digest != suite:
        ran, planned = header.suite_digest[:12], suite[:12]
        raise BadInput(f"{folder} is a run of the suite {ran}, and the plan's {name} is of {planned}: run it anew.")
    try:
        evidence = of_logs(candidate, baseline if (baseline / "run.json").is_file() else None)
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise BadInput(f"{folder} holds nothing that can be judged: {said}.") from error
    return Ran(name, folder, header, evidence, read_verdict(folder / "gate.json"))
