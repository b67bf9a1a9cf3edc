"""Scores of one answer, as a suite's line would have it scored."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from evals.judges.bench import Bench
from evals.sample import Output, Sample, Score
from evals.scorers import registry
from evals.scorers.base import Scorer

ASKED = Sample("s1", ({"role": "user", "content": "What is the capital of France?"},))


class Letters:
    """`Instruments` without a model: the direction of a text is how often it has each letter."""

    async def embed(self, texts: Sequence[str]) -> Any:
        counts = np.array(
            [[text.casefold().count(chr(97 + at)) for at in range(26)] for text in texts], dtype=np.float32
        )
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)

    def judge(self, name: str, repeat: int) -> Bench:
        raise AssertionError("no judge is asked here")

    async def rival(self, sample: Sample) -> Output:
        raise AssertionError("there is one arm")


def scorer(kind: str, folder: Path | None = None, **options: Any) -> Scorer:
    """As an executor elsewhere gets it."""
    made = registry.find(kind).model_validate({"kind": kind, **options})
    found: Scorer = pickle.loads(pickle.dumps(made if folder is None else made.placed(folder)))
    return found


def score(kind: str, said: str | Output, expected: Any = None, sample: Sample = ASKED, **options: Any) -> Score:
    return scored(scorer(kind, **options), said, replace(sample, expected=expected))


def scored(by: Scorer, said: str | Output, sample: Sample = ASKED) -> Score:
    output = said if isinstance(said, Output) else Output(said)
    return asyncio.run(by.score(sample, output, Letters(), 0))
