"""The table of `groundedness`: what the guard gets right, by source, on rows that nothing was trained on.

python -m guardrails.training.groundedness_table --data DIR
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from guardrails.grounding.judging import where
from guardrails.grounding.support import Head, head, together
from guardrails.guard import Models
from guardrails.guards.groundedness import Groundedness
from guardrails.models.local import LocalModels
from guardrails.passage import Passage, Surroundings
from guardrails.training.corpora import rows
from guardrails.training.head import MOST, Array, Unit, fitted, logits, matrix, sampled, scores, units, weights
from guardrails.training.measures import auroc, calibration_error

SPANNED = ("corrupted", "xquad-derived")
"""The sources whose wrong parts are marked."""
Rows = Sequence[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Row:
    measure: str
    part: str
    source: str
    value: float


@dataclass(frozen=True)
class Part:
    """A file of the data, what was counted for it and what the model says of it."""

    name: str
    read: Rows
    given: Sequence[Unit]
    told: Sequence[float]

    @classmethod
    async def of(cls, name: str, data: Path, models: Models | None = None, most: int = MOST) -> Part:
        read = rows(data / f"groundedness_{name}.parquet")
        read = read if models is None else sampled(read, most)
        given = units(read)
        return cls(name, read, given, await logits(models, given) if models else [0.0] * len(given))

    def by_row(self, of_units: Array) -> Array:
        held: list[list[float]] = [[] for _ in self.read]
        for unit, score in zip(self.given, of_units, strict=True):
            held[unit.row].append(float(score))
        return np.array([together(scores) for scores in held])


def answers(part: Part, head: Head, threshold: float) -> list[Row]:
    """Balanced accuracy and AUROC by source and as the mean of them; the calibration error with sources and classes
    weighing the same."""
    said = part.by_row(scores(head, part.given, part.told))
    wrong = np.array([float(bool(row["y"])) for row in part.read])
    sources = np.array([str(row["source"]) for row in part.read])
    found, weight = [], np.zeros(len(said))
    for source in sorted(set(sources)):
        bad, good = said[(sources == source) & (wrong == 1)], said[(sources == source) & (wrong == 0)]
        found.append(Row("balanced accuracy", part.name, source, _balanced(bad, good, threshold)))
        found.append(Row("AUROC", part.name, source, auroc(bad, good)))
        for value in (0.0, 1.0):
            here = (sources == source) & (wrong == value)
            weight[here] = 1 / here.sum()
    for measure in ("balanced accuracy", "AUROC"):
        mean = float(np.mean([row.value for row in found if row.measure == measure]))
        found.append(Row(measure, part.name, "mean of sources", mean))
    found.append(Row("ECE", part.name, "all", calibration_error(said, wrong, weight)))
    return found


def _balanced(bad: Array, good: Array, threshold: float) -> float:
    return float(((bad >= threshold).mean() + (good < threshold).mean()) / 2)


def left_out(part: Part, other: Part, threshold: float) -> list[Row]:
    """For each source of `part` its figures with a head that was fitted on the other sources of both parts."""
    found = []
    for source in sorted({unit.source for unit in part.given}):
        pairs = [(u, t) for p in (part, other) for u, t in zip(p.given, p.told, strict=True) if u.source != source]
        rest = [unit for unit, _ in pairs]
        wrong = np.array([unit.wrong for unit in rest])
        made = fitted(matrix(rest, [told for _, told in pairs]), wrong, weights(rest))
        found += [
            Row(f"{row.measure}, head without it", row.part, source, row.value)
            for row in answers(part, made, threshold)
            if row.source == source
        ]
    return found


def spans(part: Part, head: Head, threshold: float) -> list[Row]:
    """F1 of the characters that are said to be wrong, over all rows of the sources that mark them, right ones too."""
    said = scores(head, part.given, part.told)
    held: dict[int, set[int]] = defaultdict(set)
    for unit, score in zip(part.given, said, strict=True):
        if score >= threshold:
            for span in where(unit.sentence, unit.checked, float(score)):
                held[unit.row] |= set(range(span.start, span.end))
    found = []
    for sources in (*((source,) for source in SPANNED), SPANNED):
        both = marked = claimed = 0
        for at, row in enumerate(part.read):
            if row["source"] in sources:
                gold = {one for start, end in row["spans"] for one in range(start, end)}  # type: ignore[attr-defined]
                both, marked, claimed = both + len(gold & held[at]), marked + len(gold), claimed + len(held[at])
        found.append(Row("span F1", part.name, " + ".join(sources), 2 * both / max(1, marked + claimed)))
    return found


async def latency(models: Models, ask: bool, times: int = 30) -> list[Row]:
    """Milliseconds of the guard, at the median, for a context of about 512 tokens and an answer of four sentences."""
    topic = "The {} bridge over the river was built in {} by {} and is {} metres long, with {} arches of grey stone."
    names = ("Old", "New", "Long", "Stone", "Iron", "High", "Low", "East", "West", "North", "South", "Green", "Blue")
    said = [topic.format(n, 1800 + 7 * i, f"{n}er Brothers", 90 + i, 3 + i) for i, n in enumerate(names)]
    text = " ".join(one.replace("stone", "brick") for one in said[:4])
    around = Surroundings(documents=(" ".join(said + said[:4]),))
    guard, took = Groundedness(guard="groundedness", ask_model=ask), []
    for _ in range(times):
        began = time.perf_counter()
        await guard.judge(Passage(text, "output", "assistant"), around, models)
        took.append((time.perf_counter() - began) * 1000)
    return [Row("milliseconds, p50", "", "512 tokens, 4 sentences", float(np.median(took)))]


async def table(data: Path, models: Models, ask: bool, threshold: float = 0.5) -> list[Row]:
    """By words and literals alone where the model is not to be asked."""
    asked = models if ask else None
    dev, ood = await Part.of("dev", data, asked), await Part.of("dev_ood", data, asked)
    fit = head("model" if ask else "words")
    found = answers(ood, fit, threshold) + left_out(ood, dev, threshold)
    return found + answers(dev, fit, threshold) + spans(dev, fit, threshold) + await latency(models, ask)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", action="store_true", help="ask the model, too")
    given = parser.parse_args()
    models = LocalModels()
    for row in asyncio.run(table(given.data, models, given.model)):
        sys.stdout.write(json.dumps(asdict(row)) + "\n")
    models.close()


if __name__ == "__main__":
    main()
