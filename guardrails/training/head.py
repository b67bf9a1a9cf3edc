"""The last step of the recipe of `groundedness`: two logistic regressions, over what was counted alone, and over that
and the model's logit.

    python -m guardrails.training.head --data DIR --out guardrails/grounding/head.json

They are fitted on rows that the model was not trained on, the classes of each source weighing the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from guardrails.grounding.claims import claim
from guardrails.grounding.judging import MODEL, logit
from guardrails.grounding.sentences import Sentence, sentences
from guardrails.grounding.support import SIGNS, Checked, Head, Source, checked, signs
from guardrails.guard import Models
from guardrails.models.local import LocalModels
from guardrails.models.manifest import FILE, Artefact, Origin, digest
from guardrails.training.corpora import rows

Array = NDArray[np.float64]

RIDGE = 1.0
"""Of the weights of numbers that were brought to unit variance."""
STEPS = 30
LIKE = {"wice": 4.0, "factcheck-gpt": 4.0}
"""How much more those sources weigh whose claims and contexts are like those that the guard meets: claims of people and
models, pages as they are found."""
MOST = 300
"""Rows of a class of a source that are asked the model for."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence of a row, with everything but the model's word for it. `wrong` is 1 where it is not borne out."""

    row: int
    source: str
    sentence: Sentence
    claim: str
    evidence: str
    checked: Checked
    wrong: float


def sampled(read: Sequence[dict[str, object]], most: int) -> list[dict[str, object]]:
    """At most so many rows of each class of each source; by their digest, so always the same ones."""
    groups: dict[tuple[str, bool], list[dict[str, object]]] = defaultdict(list)
    for row in sorted(read, key=lambda row: sha256(f"{row['context']}{row['response']}".encode()).digest()):
        groups[str(row["source"]), bool(row["y"])].append(row)
    return [row for group in groups.values() for row in group[:most]]


def units(read: Sequence[dict[str, object]]) -> list[Unit]:
    found = []
    for at, row in enumerate(read):
        source = Source.of([str(row["context"])], str(row["question"]))
        question, text, spans = str(row["question"]), str(row["response"]), list(row["spans"])  # type: ignore[call-overload]
        for one in sentences(text) or [Sentence(0, len(text), text)]:
            put = claim(question, one.text)
            evidence = source.context.evidence(put)
            wrong = any(start < one.end and end > one.start for start, end in spans) if spans else bool(row["y"])
            counted = checked(question, one.text, put, evidence, source)
            found.append(Unit(at, str(row["source"]), one, put, evidence, counted, float(wrong)))
    return found


async def logits(models: Models, given: Sequence[Unit]) -> list[float]:
    found: list[float] = []
    for start in range(0, len(given), 256):
        part = given[start : start + 256]
        told = await models.score(MODEL, [(unit.claim, unit.evidence) for unit in part])
        found += [logit(max(window.scores[0] for window in windows)) for windows in told]
    return found


def matrix(given: Sequence[Unit], told: Sequence[float]) -> Array:
    return np.array([signs(one, unit.checked.numbers) for unit, one in zip(given, told, strict=True)])


def weights(given: Sequence[Unit]) -> Array:
    """The classes of a source weigh the same."""
    counts = Counter((unit.source, unit.wrong) for unit in given)
    each = np.array([LIKE.get(unit.source, 1.0) / counts[unit.source, unit.wrong] for unit in given])
    return np.asarray(each * len(given) / each.sum())


def fitted(values: Array, wrong: Array, weight: Array) -> Head:
    """By Newton's method, on numbers brought to unit variance; the weights are given for the numbers as they are."""
    middle, width = values.mean(0), values.std(0) + 1e-6
    held = np.hstack([(values - middle) / width, np.ones((len(values), 1))])
    ridge = np.append(np.full(values.shape[1], RIDGE), 0.0)
    found = np.zeros(held.shape[1])
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(-np.clip(held @ found, -30, 30)))
        slope = held.T @ (weight * (share - wrong)) + ridge * found
        curve = (held * (weight * share * (1 - share))[:, None]).T @ held + np.diag(ridge + 1e-9)
        found -= np.linalg.solve(curve, slope)
    plain = found[:-1] / width
    return Head(tuple(float(one) for one in plain), float(found[-1] - plain @ middle))


def scores(head: Head, given: Sequence[Unit], told: Sequence[float]) -> Array:
    return np.array([head.ungrounded(one, unit.checked.numbers) for unit, one in zip(given, told, strict=True)])


def written(words: Head, model: Head) -> str:
    """What `guardrails.grounding.support.head` reads."""
    return json.dumps({kind: _named(head) for kind, head in (("words", words), ("model", model))}, indent=2) + "\n"


def _named(head: Head) -> dict[str, object]:
    named = {name: round(one, 4) for name, one in zip(SIGNS, head.weights, strict=True)}
    return {"weights": named, "bias": round(head.bias, 4)}


def described(out: Path, data: Path) -> Artefact:
    """The manifest of what was written, which goes beside it."""
    fitted_on = (f"groundedness_{part}.parquet" for part in ("dev", "dev_ood"))
    return Artefact(
        name="grounding",
        licence="CC-BY-SA-4.0",
        files={out.name: digest(out.read_bytes())},
        origin=Origin(
            base="none: a logistic regression over counted signs and a model's logit",
            data={name: digest((data / name).read_bytes()) for name in fitted_on},
            recipe={"module": "guardrails.training.head"},
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    read = [row for part in ("dev", "dev_ood") for row in rows(given.data / f"groundedness_{part}.parquet")]
    models = LocalModels()
    asked = units(sampled(read, MOST))
    told = asyncio.run(logits(models, asked))
    models.close()
    every = units(read)
    words, model = (
        fitted(matrix(those, said), np.array([unit.wrong for unit in those]), weights(those))
        for those, said in ((every, [0.0] * len(every)), (asked, told))
    )
    given.out.write_text(written(words, model), "utf-8")
    given.out.with_name(FILE).write_text(described(given.out, given.data).model_dump_json(indent=1) + "\n", "utf-8")
    sys.stdout.write(f"{given.out}\n")


if __name__ == "__main__":
    main()
