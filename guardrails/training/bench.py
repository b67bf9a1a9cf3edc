"""The figures of the prompt guard and of moderation as the guards give them: readings, windows and calibration."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from guardrails.errors import NotRun
from guardrails.guard import Guard, Models
from guardrails.guards.moderation import Moderation
from guardrails.guards.prompt_attack import PromptAttack
from guardrails.passage import ALONE, Passage
from guardrails.redteam.disguises import READABLE, SEALED
from guardrails.training.calibrating import by_source
from guardrails.training.corpora import Example, of_prompts, rows, targets
from guardrails.training.measures import Array, auroc, calibration_error, share_above, threshold_at

FRONTIER = ((0.005, 0.01, 0.05), (0.01, 0.02, 0.05), (0.02, 0.04, 0.11), (0.05, 0.1, 0.25))
"""Shares of `benign`, `benign_doc` and `benign_hard` that may be taken for attacks; the second is the target's."""
KINDS = ("benign", "benign_doc", "benign_hard")
TARGET = FRONTIER[1]
DISGUISED = 150
TIMED = 200
"""Texts that are scored in each disguise, and times that a text is scored for the time it takes."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a share from 0 to 1, or milliseconds. `count` is how many texts it is of."""

    guard: str
    measure: str
    value: float
    count: int


@dataclass(frozen=True)
class Measured:
    """Examples and what a guard gave them; 0 where it had nothing to judge."""

    examples: Sequence[Example]
    scores: Array
    label: int = 0

    def of(self, **wanted: str) -> Array:
        return self.scores[self.where(**wanted)]

    def where(self, **wanted: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.array([all(getattr(x, name) == value for name, value in wanted.items()) for x in self.examples])

    @property
    def labels(self) -> Array:
        return np.array([x.targets[self.label] for x in self.examples])


async def table(models: Models, data: Path) -> list[Row]:
    """Every figure of both guards on the held-out files in `data`, at the threshold that the guard has by itself."""
    out_of_source = of_prompts(rows(data / "prompts_dev_ood.parquet"))
    within = of_prompts(rows(data / "prompts_dev.parquet"))
    guard = PromptAttack(guard="prompt_attack")
    measured = Measured(out_of_source, await scores(guard, models, [x.text for x in out_of_source]))
    bar = guard.threshold
    return [
        *prompt_rows(measured, bar),
        *language_rows(Measured(within, await scores(guard, models, [x.text for x in within])), bar),
        *await disguise_rows(guard, models, measured, bar),
        *await moderation_rows(models, data),
        *await time_rows(guard, models),
    ]


async def scores(guard: Guard, models: Models, texts: Sequence[str]) -> Array:
    found = []
    for text in texts:
        try:
            found.append((await guard.judge(Passage(text), ALONE, models)).score)
        except NotRun as error:
            if error.due:
                raise
            found.append(0.0)
    return np.array(found)


def bar_at(measured: Measured, limits: tuple[float, ...]) -> float:
    """The lowest threshold at which no kind goes over its limit."""
    return max(threshold_at(measured.of(kind=kind), limit) for kind, limit in zip(KINDS, limits, strict=True))


def prompt_rows(measured: Measured, bar: float) -> list[Row]:
    hit = measured.labels == 1
    attacks = Measured([x for x, y in zip(measured.examples, hit, strict=True) if y], measured.scores[hit])
    out = [
        Row(
            "prompt_attack",
            f"recall, mean of sources, at {limits}",
            recall(attacks, bar_at(measured, limits)),
            int(hit.sum()),
        )
        for limits in FRONTIER
    ]
    out.append(Row("prompt_attack", "recall, mean of sources", recall(attacks, bar), int(hit.sum())))
    out += [shared("recall", "source", name, attacks, bar) for name in sorted({x.source for x in attacks.examples})]
    out += [shared("recall", "kind", name, attacks, bar) for name in sorted({x.kind for x in attacks.examples})]
    out += [shared("false positives", "kind", name, measured, bar) for name in KINDS]
    out.append(Row("prompt_attack", "AUROC", auroc(measured.scores[hit], measured.scores[~hit]), len(hit)))
    error = calibration_error(measured.scores, measured.labels, by_source(measured.examples, 0))
    out.append(Row("prompt_attack", "calibration error, sources balanced", error, len(hit)))
    out.append(Row("prompt_attack", "threshold", bar, len(hit)))
    out.append(Row("prompt_attack", f"lowest threshold within {TARGET}", bar_at(measured, TARGET), len(hit)))
    return out


def recall(attacks: Measured, bar: float) -> float:
    """The mean of the sources' recall."""
    names = {x.source for x in attacks.examples}
    return float(np.mean([share_above(attacks.of(source=name), bar) for name in names]))


def shared(what: str, by: str, name: str, measured: Measured, bar: float) -> Row:
    those = measured.of(**{by: name})
    return Row("prompt_attack", f"{what}, {by} {name}", share_above(those, bar), len(those))


def language_rows(measured: Measured, bar: float) -> list[Row]:
    """On sources that were trained on: others have attacks in hardly any language but English."""
    hit, english = measured.labels == 1, measured.where(lang="en")
    those = (
        ("recall, English", hit & english),
        ("recall, other languages", hit & ~english),
        ("false positives, English", ~hit & english),
        ("false positives, other languages", ~hit & ~english),
    )
    return [
        Row("prompt_attack", f"{name} (dev)", share_above(measured.scores[where], bar), int(where.sum()))
        for name, where in those
    ]


async def disguise_rows(guard: Guard, models: Models, measured: Measured, bar: float) -> list[Row]:
    """What a disguise alone adds to false positives, and what it hides of attacks that are found without one."""
    chance = random.Random(7)  # noqa: S311 - drawn, not hidden
    out = []
    short = [at for at, x in enumerate(measured.examples) if len(x.text) <= 400]
    for label, what in ((0, "false positives added"), (1, "recall lost")):
        those = chance.sample([at for at in short if measured.labels[at] == label], DISGUISED)
        plain = share_above(measured.scores[those], bar)
        for name, disguise in {**READABLE, **SEALED}.items():
            texts = [disguise(measured.examples[at].text, chance) for at in those]
            found = share_above(await scores(guard, models, texts), bar)
            out.append(Row("prompt_attack", f"{what}, {name}", (found - plain) * (1 - 2 * label), DISGUISED))
    return out


async def moderation_rows(models: Models, data: Path) -> list[Row]:
    read = rows(data / "moderation_dev.parquet")
    examples = [Example(str(x["text"]), targets(flagged=float(bool(x["label"]))), "", str(x["source"])) for x in read]
    found = await scores(Moderation(guard="moderation"), models, [x.text for x in examples])
    measured = Measured(examples, found, label=1)
    hit = measured.labels == 1
    weights = np.ones(len(found))
    return [
        Row("moderation", "AUROC", auroc(found[hit], found[~hit]), len(found)),
        Row("moderation", "calibration error", calibration_error(found, measured.labels, weights), len(found)),
    ]


async def time_rows(guard: Guard, models: Models) -> list[Row]:
    """The median of the time from text to finding, waiting and readings included."""
    sentence = "The committee met on Tuesday and agreed on the budget for the next year, with two votes against. "
    out = []
    for tokens, times in ((128, 6), (512, 25)):
        taken = []
        for _ in range(TIMED // 4):
            started = time.perf_counter()
            await guard.judge(Passage(sentence * times), ALONE, models)
            taken.append((time.perf_counter() - started) * 1000)
        out.append(Row("prompt_attack", f"milliseconds, p50, {tokens} tokens", float(np.median(taken)), len(taken)))
    return out


def lines(found: Sequence[Row]) -> list[str]:
    return [f"{row.guard:14} {row.measure:60} {row.value:8.3f} {row.count:6}" for row in found]
