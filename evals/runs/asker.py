"""Asks a target one sample, once for each repeat, and scores the answer: all of a run but its order and its log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from evals.embedding import Embedder
from evals.errors import EvalError, TargetFailed
from evals.evidence import LARGEST
from evals.judges.bench import Bench
from evals.runs.answers import Answers
from evals.runs.budget import Budget
from evals.runs.line import Line
from evals.runs.sitting import Sitting
from evals.runs.work import Work
from evals.sample import Output, Result, Sample, Score
from evals.scorers.base import Scorer
from evals.targets.base import Asking


class Lines:
    """To all models of a run: the arms' targets and the judges, which arms share. Raises `BadInput` where one cannot be
    opened."""

    def __init__(self, work: Work, budget: Budget, answers: Answers) -> None:
        shared = (work.folder, work.limits, budget, answers)
        self.arms = {arm: Line(spec, *shared) for arm, spec in work.targets.items()}
        self.judges = {name: Sitting(judge, *shared) for name, judge in work.judges.items()}
        self.embedder = Embedder()

    async def close(self) -> None:
        for line in self.arms.values():
            await line.close()
        for sitting in self.judges.values():
            await sitting.close()


class Asker:
    """One arm of a run."""

    def __init__(self, arm: str, scorers: Sequence[Scorer], lines: Lines) -> None:
        self._arm, self._scorers, self._lines = arm, scorers, lines

    async def result(self, sample: Sample, asking: Asking) -> Result:
        """Raises `BudgetSpent`, and `BadInput` where what a suite asks for cannot be done at all."""
        try:
            output = await self._lines.arms[self._arm].ask(sample, asking)
        except TargetFailed as error:
            return Result(sample.id, asking.repeat, None, {}, time.time(), error.message)
        lent = Lent(self._lines, self._arm, asking)
        scores = {one.metric: await _score(one, sample, output, lent) for one in self._scorers}
        return Result(sample.id, asking.repeat, output, scores, output.at or time.time())


class Lent:
    """The `Instruments` of the scorers of one result."""

    def __init__(self, lines: Lines, arm: str, asking: Asking) -> None:
        self._lines, self._arm, self.asking = lines, arm, asking

    def judge(self, name: str, repeat: int) -> Bench:
        return self._lines.judges[name].bench(repeat)

    async def rival(self, sample: Sample) -> Output:
        (other,) = (line for arm, line in self._lines.arms.items() if arm != self._arm)
        return await other.ask(sample, self.asking)

    async def embed(self, texts: Sequence[str]) -> Any:
        return await self._lines.embedder.embed(texts)


async def _score(scorer: Scorer, sample: Sample, output: Output, lent: Lent) -> Score:
    try:
        return _sound(await scorer.score(sample, output, lent, lent.asking.repeat), scorer)
    except TargetFailed as error:
        return Score(None, f"what scores it failed: {error.message}")
    except EvalError:
        raise
    except Exception as error:  # noqa: BLE001 - a plug-in's fault is a reason, and does not end a run
        return Score(None, f"{scorer.metric} raised {type(error).__name__}: {error}")


def _sound(score: Score, scorer: Scorer) -> Score:
    """As a log has it again: a scorer that is a plug-in may give anything."""
    try:
        found = msgspec.json.decode(msgspec.json.encode(score), type=Score)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        return Score(None, f"{scorer.metric} gave a score that cannot be written down: {error}")
    if found.value is not None and abs(found.value) > LARGEST:
        return Score(None, f"{scorer.metric} gave {found.value:g}, which is above {LARGEST:g}")
    return found
