"""Models for guards that ask none, or only for embeddings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from guardrails.errors import NotRun
from guardrails.guard import Window

WIDTH = 256


class NoModels:
    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        raise NotRun(f"there is no model {model}")

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise NotRun("there is no model for embeddings")


class Hashing(NoModels):
    """Embeds by the words and the pieces of words that a text has."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        out = np.zeros((len(texts), WIDTH), np.float32)
        for number, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                for piece in (word, word[:4]):
                    out[number, crc32(piece.encode(errors="replace")) % WIDTH] += 1
            out[number, 0] += 0.01  # a text of no word has a direction too
        return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True), np.float32)
