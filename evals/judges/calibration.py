"""How good a judge is: held against answers that people have labelled. What comes of it is its card."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from evals.errors import BadInput, TargetFailed
from evals.judges.bench import Bench
from evals.judges.card import Card, Said, card, read_card, written
from evals.judges.judge import Judge
from evals.judges.labels import Held, Labelled, labels
from evals.judges.pairs import Pair
from evals.runs.answers import Answers
from evals.runs.budget import Budget
from evals.runs.sitting import Sitting
from evals.sample import Score
from evals.suite import Limits


def calibrate(judge: Judge, folder: Path, limits: Limits, answers: Answers) -> Card:
    """Asks the judge about every labelled answer, and writes its card; where it has moved since the last one, nothing
    that it said before counts. Raises `BadInput`, `BudgetSpent`."""
    path = labels_of(judge, folder)
    held = labels(path, judge)
    before = read_card(path, judge)
    judge = judge.since(0 if before is None else before.epoch + (before.moved is not None))
    said = asyncio.run(judgements(judge, held, folder, limits, answers))
    return written(card(judge, path, held, said), path)


def labels_of(judge: Judge, folder: Path) -> Path:
    """Raises `BadInput`."""
    if judge.calibration is None:
        raise BadInput("The judge names no file of labels: write calibration: FILE.jsonl.")
    return folder / judge.calibration


async def judgements(judge: Judge, held: Sequence[Held], folder: Path, limits: Limits, answers: Answers) -> list[Said]:
    """Of each answer, in order, what the judge makes of it. Raises `BadInput`, `BudgetSpent`."""
    sitting = Sitting(judge, folder, limits, Budget(limits.micro_usd), answers)
    bench = sitting.bench(0)
    turns = asyncio.Semaphore(limits.concurrency)

    async def ask(one: Held) -> Said:
        async with turns:
            try:
                return await _judged(judge, bench, one.answer)
            except TargetFailed as error:
                return error

    try:
        return await asyncio.gather(*map(ask, held))
    finally:
        await sitting.close()


async def _judged(judge: Judge, bench: Bench, one: Labelled) -> Score:
    if judge.asks == "pair":
        assert one.other is not None
        return await bench.preferred(Pair(one.sample, one.output, one.other))
    asks = {"verdict": bench.verdict, "claims": bench.supported, "relevance": bench.relevant}
    return await asks[judge.asks](one.sample, one.output)
