"""How often a judge of pairs said another thing in the other order: its position bias, in a line."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from evals.runs.log import Header, read_results
from evals.runs.runner import Arm


def show(arms: Sequence[Arm], headers: Sequence[Header]) -> None:
    for arm, header in zip(arms, headers, strict=True):
        for metric in header.metrics:
            if metric.kind == "pairwise":
                _show(arm, metric.name)


def _show(arm: Arm, metric: str) -> None:
    scores = (result.scores[metric] for result in read_results(arm.folder) if metric in result.scores)
    agree = [score.details["agree"] for score in scores if "agree" in score.details]
    if not agree:
        return
    apart = agree.count(False)
    typer.echo(f"{arm.name}: {metric} disagrees with itself in the other order on {apart} of {len(agree)} answers")
