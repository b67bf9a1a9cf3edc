"""A run that is looked at before it is over, where its gate plans for that."""

from __future__ import annotations

import time
from collections.abc import Sequence

from evals.cli.verdicts import evidence_of
from evals.gate import Requirement
from evals.runs.runner import Arm, Enough
from evals.sample import Sample
from evals.suite import Suite
from evals.validity import look_sizes
from evals.verdict import decided, judge


def planned(suite: Suite, requires: Sequence[Requirement]) -> tuple[int, ...]:
    """After how many samples; none where what is required of this suite does not have the same looks."""
    counts = {one.looks for one in requires if one.suite == suite.digest}
    if len(counts) != 1 or counts == {1}:
        return ()
    return look_sizes(len(suite.dataset.samples), counts.pop())


def enough(arms: Sequence[Arm], requires: Sequence[Requirement], before: int) -> Enough:
    """`before` is how many runs of the release there were."""

    def decide(done: Sequence[Sample]) -> bool:
        evidence = evidence_of(arms)
        return len(evidence.items) == len(done) and decided(judge(requires, evidence, time.time(), before))

    return decide
