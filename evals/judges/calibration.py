"""How good a judge is: held against answers that people have labelled. What comes of it is a card beside the labels,
for this judge alone: a changed rubric or model is another judge, and has no card."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import orjson

from evals.digest import sha256
from evals.errors import BadInput, TargetFailed
from evals.judges.asking import asked, read
from evals.judges.judge import Judge
from evals.runs.answers import Answers
from evals.runs.asker import Line
from evals.runs.budget import Budget
from evals.sample import Sample
from evals.statistics import agreement
from evals.statistics.intervals import Interval
from evals.suite import Limits
from evals.targets.base import Asking


class Labelled(msgspec.Struct, frozen=True):
    """A line of a file of labels: a question, the answer somebody gave, and whether people call it right."""

    input: str
    output: str
    right: bool
    expected: Any = None
    documents: tuple[str, ...] = ()


class Share(msgspec.Struct, frozen=True):
    """With an exact interval of 95 %."""

    value: Annotated[float, msgspec.Meta(ge=-1, le=1)] | None
    low: float
    high: float


class Card(msgspec.Struct, frozen=True):
    """`counts` is what evidence tells of a judge. `unread` answers of the judge said neither yes nor no, and `failed`
    never came: they are in no count."""

    judge: str
    labels: str
    counts: dict[str, int]
    sensitivity: Share
    specificity: Share
    kappa: Share
    unread: int
    failed: int
    made: float


def labels(path: Path) -> list[Labelled]:
    """Raises `BadInput` with the line."""
    return list(_labels(path))


def card_of(path: Path) -> Path:
    """Where the card of a file of labels is."""
    return path.with_name(path.name + ".card.json")


def known(judge: Judge, folder: Path) -> dict[str, Any] | None:
    """The card of this very judge, as JSON; None where it was not calibrated as it is now. Raises `BadInput`."""
    if judge.calibration is None:
        return None
    path = card_of(folder / judge.calibration)
    try:
        card: dict[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, orjson.JSONDecodeError) as error:
        raise BadInput(f"the card of a judge cannot be read: {error}.", file=str(path)) from error
    return (
        card
        if card.get("judge") == judge.digest and card.get("labels") == _digest(folder / judge.calibration)
        else None
    )


def calibrate(judge: Judge, folder: Path, limits: Limits, answers: Answers) -> Card:
    """Asks the judge about every labelled answer, and writes its card. Raises `BadInput`, `BudgetSpent`."""
    if judge.calibration is None:
        raise BadInput("The judge names no file of labels: write calibration: FILE.jsonl.")
    path = folder / judge.calibration
    card = asyncio.run(_calibrate(judge, path, folder, limits, answers))
    card_of(path).write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n")
    return card


async def _calibrate(judge: Judge, path: Path, folder: Path, limits: Limits, answers: Answers) -> Card:
    line = Line(judge.spec, folder, limits, Budget(limits.micro_usd), answers)
    held = labels(path)
    turns = asyncio.Semaphore(limits.concurrency)

    async def ask(number: int, one: Labelled) -> float | Exception | None:
        question = Sample(str(number), ({"role": "user", "content": one.input},), one.expected, one.documents)
        async with turns:
            try:
                return read(await line.ask(asked(judge.rubric, question, one.output), Asking(0, 0))).value
            except TargetFailed as error:
                return error

    try:
        said = await asyncio.gather(*(ask(number, one) for number, one in enumerate(held)))
    finally:
        await line.close()
    return _card(judge, path, held, said)


def _card(judge: Judge, path: Path, held: list[Labelled], said: list[float | Exception | None]) -> Card:
    counts = dict.fromkeys(("true_right", "false_wrong", "true_wrong", "false_right"), 0)
    for one, value in zip(held, said, strict=True):
        if isinstance(value, float):
            agrees = bool(value) == one.right
            counts[("true_" if agrees else "false_") + ("right" if value else "wrong")] += 1
    table = agreement.Table(**counts)
    return Card(
        judge=judge.digest,
        labels=_digest(path),
        counts=counts,
        sensitivity=_share(agreement.sensitivity(table)),
        specificity=_share(agreement.specificity(table)),
        kappa=_share(agreement.kappa(table)) if table.n else Share(None, -1.0, 1.0),
        unread=sum(value is None for value in said),
        failed=sum(isinstance(value, Exception) for value in said),
        made=time.time(),
    )


def _share(found: Interval) -> Share:
    return Share(None if found.estimate != found.estimate else found.estimate, found.low, found.high)


def _labels(path: Path) -> Iterator[Labelled]:
    decoder = msgspec.json.Decoder(Labelled)
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        yield decoder.decode(line)
                    except msgspec.DecodeError as error:
                        raise BadInput(f"no labelled answer: {error}.", file=str(path), line=number) from error
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error


def _digest(path: Path) -> str:
    return sha256([msgspec.to_builtins(one) for one in labels(path)])
