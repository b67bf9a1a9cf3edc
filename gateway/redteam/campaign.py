"""Runs a campaign, or goes on with one that was killed: planned attacks, harmless controls, then rounds of what worked.

Rounds depend on results, so each begins only once all before it is whole: a campaign that is gone on with asks the same
as one that was never broken off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from evals.runs import runner
from evals.runs.answers import AnswersFile
from evals.runs.budget import Budget
from evals.runs.executors.local import Local
from evals.runs.log import Header, read_results
from evals.runs.runner import Arm, Options, Progress
from evals.suite import Suite
from evals.targets.base import TargetSpec
from gateway.redteam.suites import ROUNDS, Campaign, by_key, seen_of
from gateway.redteam.turns import TurnsSpec

ATTACKS, CONTROLS, ADAPTIVE = "attacks", "controls", "adaptive"


@dataclass(frozen=True, slots=True)
class Ran:
    """The headers of what was run so far; `whole` where everything was, and answered."""

    headers: tuple[Header, ...]
    whole: bool


def logs(folder: Path, part: str) -> list[Path]:
    """The folders of the logs of a part, in order; those that are there."""
    if part == ADAPTIVE:
        found = [folder / part / f"round-{number}" / "candidate" for number in range(1, ROUNDS + 1)]
    else:
        found = [folder / part / "candidate"]
    return [one for one in found if (one / "run.json").is_file()]


def run(campaign: Campaign, spec: TargetSpec, folder: Path, progress: Progress | None = None) -> Ran:
    """Raises `BadInput` where the folder holds something else, or the target cannot be opened."""
    headers = []
    folder.mkdir(parents=True, exist_ok=True)
    with closing(AnswersFile(folder / "answers.db")) as answers:
        for suite, part in _parts(campaign, folder):
            arm = Arm("candidate", TurnsSpec(asked=spec), part / "candidate")
            (header,) = runner.run(suite, [arm], lambda work: Local(work, answers, Budget()), Options(progress))
            headers.append(header)
            if header.failed or header.state != "complete":
                return Ran(tuple(headers), whole=False)
    return Ran(tuple(headers), whole=True)


def _parts(campaign: Campaign, folder: Path) -> Iterator[tuple[Suite, Path]]:
    """Each is made once the one before was run."""
    yield campaign.attacks, folder / ATTACKS
    if campaign.controls.dataset.samples:
        yield campaign.controls, folder / CONTROLS
    chosen = list(campaign.chosen)
    worked = _worked(folder / ATTACKS / "candidate")
    for number in range(1, ROUNDS + 1):
        suite, more = campaign.round(number, seen_of(chosen, worked), by_key(chosen))
        if not more:
            return
        yield suite, folder / ADAPTIVE / f"round-{number}"
        chosen += more
        worked |= _worked(folder / ADAPTIVE / f"round-{number}" / "candidate")


def _worked(log: Path) -> dict[str, bool]:
    """Of each attempt in a log, whether it did."""
    scores = ((one.sample, one.scores.get("attack_success")) for one in read_results(log))
    return {name: score.value == 1 for name, score in scores if score is not None and score.value is not None}
