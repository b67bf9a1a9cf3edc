"""What a run has to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evals.judges.judge import Judge
from evals.sample import Sample
from evals.scorers.base import Scorer
from evals.suite import Limits
from evals.targets.base import Asking, TargetSpec


@dataclass(frozen=True, slots=True)
class Unit:
    """One ask of one sample of one arm, by the arm's name."""

    arm: str
    sample: Sample
    asking: Asking


@dataclass(frozen=True, slots=True)
class Work:
    """All that asking and scoring depend on: the targets by arm, and what a suite says. It can be sent elsewhere."""

    targets: Mapping[str, TargetSpec]
    scorers: tuple[Scorer, ...]
    judges: Mapping[str, Judge]
    folder: Path
    limits: Limits
