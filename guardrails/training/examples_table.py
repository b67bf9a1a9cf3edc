"""What examples in a policy are worth: of the errors of one source some are given as examples, and the rest are counted
again, with those of all others.

    python -m guardrails.training.examples_table --data DIR [--file prompts_dev]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from guardrails.guards.example_head import Space, corrected
from guardrails.guards.examples import MODEL, MOST_WINDOWS, embedded, odds, usual_texts
from guardrails.guards.prompt_attack import ATTACK, PromptAttack
from guardrails.models.local import LocalModels
from guardrails.training.corpora import of_prompts, rows
from guardrails.training.measures import Array

COUNTS = (1, 10, 100)
DRAWS = 4
FEWEST = 5
"""Errors that a source has beside its examples, to be counted."""
AT_ONCE = 64


@dataclass(frozen=True)
class Told:
    """Texts, as windows of all of them: `first` is where each begins. `odds` are those of a window less the
    threshold's, and `labels` and `sources` are of texts."""

    vectors: Array
    odds: Array
    first: NDArray[np.int64]
    labels: Array
    sources: NDArray[np.str_]

    def caught(self, more: Array | float = 0.0) -> NDArray[np.bool_]:
        out: NDArray[np.bool_] = np.maximum.reduceat(self.odds + more, self.first) >= 0
        return out

    def windows(self, text: int) -> list[int]:
        """Those that an example of the text is about, as `guardrails.guards.examples` chooses them."""
        end = self.first[text + 1] if text + 1 < len(self.first) else len(self.odds)
        ordered = sorted(range(int(self.first[text]), int(end)), key=lambda at: -self.odds[at])
        taken = [at for at in ordered if self.odds[at] >= 0][:MOST_WINDOWS]
        return ordered[:1] if self.labels[text] or not taken else taken


@dataclass(frozen=True)
class Drawn:
    """Shares of texts: of a source's errors that were no examples, how many are right now; of its examples, too. And
    by how much recall and false positives of all other sources moved."""

    rest: float
    own: float
    recall: float
    false: float


def drawn(told: Told, space: Space, source: str, label: float, count: int, chance: np.random.Generator) -> Drawn | None:
    """None where the source has too few errors."""
    before = told.caught()
    errors = np.flatnonzero((told.sources == source) & (told.labels == label) & (before != label))
    if len(errors) < count + FEWEST:
        return None
    chosen = chance.choice(errors, count, replace=False)
    pairs = [(window, told.labels[text]) for text in chosen for window in told.windows(int(text))]
    at = [window for window, _ in pairs]
    fit = corrected(space, told.vectors[at], [label for _, label in pairs], told.odds[at])
    now = told.caught(np.array(fit.of(told.vectors)[0]))
    others = told.sources != source
    attack, harmless = others & (told.labels == 1), others & (told.labels == 0)
    return Drawn(
        float((now == label)[np.setdiff1d(errors, chosen)].mean()),
        float((now == label)[chosen].mean()),
        float(now[attack].mean() - before[attack].mean()),
        float(now[harmless].mean() - before[harmless].mean()),
    )


def table(told: Told, space: Space) -> Iterator[str]:
    yield "examples  draws  rest  own  recall elsewhere (least, most)  false positives elsewhere (least, most)"
    groups = sorted({(str(source), float(label)) for source, label in zip(told.sources, told.labels, strict=True)})
    for count in COUNTS:
        chance = np.random.default_rng(7)
        found = [drawn(told, space, *group, count, chance) for group in groups for _ in range(DRAWS)]
        kept = [one for one in found if one is not None]
        if kept:
            values = np.array([[one.rest, one.own, one.recall, one.false] for one in kept])
            mean, least, most = values.mean(0), values.min(0), values.max(0)
            yield (
                f"{count:8d}  {len(kept):5d}  {mean[0]:.2f}  {mean[1]:.2f}  "
                f"{mean[2]:+.4f} ({least[2]:+.4f}, {most[2]:+.4f})  {mean[3]:+.4f} ({least[3]:+.4f}, {most[3]:+.4f})"
            )


async def asked(models: LocalModels, file: Path) -> tuple[Told, Space]:
    examples = of_prompts(rows(file))
    limit = odds(PromptAttack().threshold)
    pieces: list[str] = []
    said: list[float] = []
    first: list[int] = []
    for batch in parts([example.text for example in examples]):
        for text, windows in zip(batch, await models.score(MODEL, [(text,) for text in batch]), strict=True):
            first.append(len(said))
            said += [odds(window.scores[ATTACK]) - limit for window in windows]
            pieces += [text[window.start : window.end] for window in windows]
    told = Told(
        np.array(await embedded(pieces, models)),
        np.array(said),
        np.array(first),
        np.array([example.targets[ATTACK] for example in examples]),
        np.array([example.source for example in examples]),
    )
    return told, Space.of(await embedded(usual_texts(), models))


def parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), AT_ONCE):
        yield texts[start : start + AT_ONCE]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--file", default="prompts_dev")
    given = parser.parse_args()
    models = LocalModels()
    try:
        for line in table(*await asked(models, given.data / f"{given.file}.parquet")):
            sys.stdout.write(line + "\n")
    finally:
        models.close()


if __name__ == "__main__":
    asyncio.run(main())
