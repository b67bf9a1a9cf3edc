"""Embeddings by sentence-transformers, in a thread of their own."""

from __future__ import annotations

import asyncio
import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from gateway.errors import BadRequest, ContextLength, Unequipped
from gateway.http.base import Reply
from gateway.models.loading import Loaded
from gateway.models.locate import locate, unloadable
from gateway.providers.base import Ask, WholeReply
from gateway.types import Json, Operation

if TYPE_CHECKING:
    import numpy as np
    from sentence_transformers import SentenceTransformer

INSTALL = "pip install 'sluicegate[torch]'"
BATCH = 32


@dataclass(frozen=True, slots=True)
class EmbedderConfig:
    """`device` is auto, cpu, cuda or mps."""

    model: str
    path: Path | None = None
    device: str = "auto"


class EmbedderProvider:
    """A `Provider` of embeddings. The model is loaded with the first call, or by `check`, and used by one thread."""

    operations: frozenset[Operation] = frozenset(("embeddings",))
    refuses: frozenset[str] = frozenset()

    def __init__(self, config: EmbedderConfig) -> None:
        self._config = config
        self._thread = ThreadPoolExecutor(1, "embedder")
        self._model = Loaded(lambda: _load(config))

    async def send(self, ask: Ask) -> Reply:
        model = await self._model.get()
        reply = await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, model, ask.body)
        return WholeReply(orjson.dumps(reply))

    async def check(self) -> None:
        await self._model.get()

    async def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _answer(self, model: SentenceTransformer, body: Json) -> Json:
        texts = self._texts(model, body["input"])
        lengths = [self._length(model, text, index) for index, text in enumerate(texts)]
        width = model.get_embedding_dimension() or 0
        wanted = body.get("dimensions") or width
        if wanted > width:
            message = f"'dimensions' is at most {width} for this model."
            raise BadRequest(message, param="dimensions", code="invalid_value")
        vectors = model.encode(texts, batch_size=BATCH, convert_to_numpy=True, show_progress_bar=False)
        packed = body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _written(vector, wanted, packed)}
            for index, vector in enumerate(vectors)
        ]
        tokens = sum(lengths)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": self._config.model, "usage": usage}

    def _texts(self, model: SentenceTransformer, given: Any) -> list[str]:
        """Every form of `input` as texts; tokens are the model's own."""
        if isinstance(given, str):
            return [given]
        if isinstance(given[0], str):
            return list(given)
        lists = [given] if isinstance(given[0], int) else given
        if any(not 0 <= token < len(model.tokenizer) for tokens in lists for token in tokens):
            message = "'input' holds tokens this model does not have."
            raise BadRequest(message, param="input", code="invalid_value")
        return [str(model.tokenizer.decode(tokens, skip_special_tokens=True)) for tokens in lists]

    def _length(self, model: SentenceTransformer, text: str, index: int) -> int:
        """Tokens of a text. Raises `ContextLength` rather than cut it silently."""
        length = len(model.tokenizer(text, truncation=False, verbose=False)["input_ids"])
        limit = model.get_max_seq_length() or length
        if length > limit:
            message = f"This model embeds at most {limit} tokens; input {index} has {length}."
            raise ContextLength(message, param="input")
        return length


def _load(config: EmbedderConfig) -> SentenceTransformer:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise Unequipped(f"Embeddings need torch: {INSTALL}", code="package_missing") from error
    place = locate(config.model, config.path)
    try:
        return SentenceTransformer(str(place), device=None if config.device == "auto" else config.device)
    except (OSError, ValueError, RuntimeError) as error:
        raise unloadable(place, error) from error


def _written(vector: np.ndarray[Any, Any], width: int, packed: bool) -> Any:
    """A vector cut to `width`, of length 1 again, as numbers or as base64 of little-endian float32."""
    if width < len(vector):
        vector = vector[:width]
        length = float((vector**2).sum()) ** 0.5
        vector = vector / length if length else vector
    if packed:
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return vector.tolist()
