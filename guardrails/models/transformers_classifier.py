"""Sequence classifiers of others, by transformers: the one module of the guards' models that knows it.

Nothing is downloaded: a model is on this disk or it is not there. Only weights in safetensors are read, and no code
that comes with a model is run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from guardrails.errors import Missing, NotRun
from guardrails.guard import Models, Window
from guardrails.models.batcher import Batcher, Scores
from guardrails.models.cutting import Piece
from guardrails.models.local import WAITING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEME = "transformers:"
"""What the names of these models begin with, for `Models.score`."""
BATCH = 16
LEAST = 8
"""Tokens of a text that a window has room for at least."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`source` is a folder, or a name on the hub of which `revision` is on this disk. `window` tokens are read at once,
    its marks included, and fewer where the model reads no more; `overlap` of them are read again in the next window."""

    source: str
    revision: str | None
    window: int
    overlap: int
    device: str

    @property
    def called(self) -> str:
        """What verdicts call it: of a folder its own name, which is all that a client may know of the disk."""
        return self.source if self.revision else Path(self.source).name


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of a checkpoint the scores of these labels. `name` is what stands for it where models are asked by name."""

    checkpoint: Checkpoint
    labels: tuple[str, ...]

    @property
    def name(self) -> str:
        return SCHEME + msgspec.json.encode(self).decode()

    @classmethod
    def of(cls, name: str) -> Wanted:
        return msgspec.json.decode(name.removeprefix(SCHEME), type=cls)


class Classifier:
    """A model that is ready, and the thread it runs on. Raises `NotRun`, with the next step, where it cannot be had."""

    def __init__(self, checkpoint: Checkpoint, waiting: int) -> None:
        self._tokenizer, self._model, self._device = _loaded(checkpoint)
        self.labels = [str(label) for _, label in sorted(self._model.config.id2label.items())]
        self.exclusive = len(self.labels) > 1 and self._model.config.problem_type != "multi_label_classification"
        most = self._tokenizer.model_max_length
        self._window = min(checkpoint.window, most, getattr(self._model.config, "max_position_embeddings", most))
        room = self._window - self._tokenizer.num_special_tokens_to_add()
        if room < LEAST:
            raise NotRun(f"{checkpoint.called} reads no more than {self._window} tokens at once", "missing")
        self._overlap = min(checkpoint.overlap, room // 2)
        self._encoding = Lock()
        """Its tokenizer keeps how long a window is."""
        self.batches = Batcher(checkpoint.called, self._run, BATCH, waiting)

    def cut(self, text: str) -> list[Piece]:
        """Its windows; together they cover all of it."""
        readable = text if text.isascii() else text.encode("utf-8", "replace").decode()
        with self._encoding:
            found = self._tokenizer(
                readable,
                truncation=True,
                max_length=self._window,
                stride=self._overlap,
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
            )
        pieces, before = [], 0
        for number, (ids, offsets) in enumerate(zip(found["input_ids"], found["offset_mapping"], strict=True)):
            ends = [end for start, end in offsets if end > start]
            starts = [start for start, end in offsets if end > start]
            first = min(before, starts[0]) if number and starts else 0
            before = ends[-1] if ends else before
            pieces.append(Piece(tuple(ids), len(ids), first, before))
        pieces[-1] = Piece(pieces[-1].ids, pieces[-1].second, pieces[-1].start, len(text))
        return pieces

    def picked(self, labels: Sequence[str], scores: Scores) -> Scores:
        """The probability that any of the labels holds, and then that of each: of labels that exclude each other their
        sum, of others the highest."""
        each = [scores[self.labels.index(label)] for label in labels]
        return (min(1.0, sum(each)) if self.exclusive else max(each), *each)

    def _run(self, pieces: Sequence[Piece]) -> Sequence[Scores]:
        import torch

        longest = max(len(piece.ids) for piece in pieces)
        ids = torch.full((len(pieces), longest), self._tokenizer.pad_token_id or 0)
        mask = torch.zeros_like(ids)
        for row, piece in enumerate(pieces):
            ids[row, : len(piece.ids)] = torch.tensor(piece.ids)
            mask[row, : len(piece.ids)] = 1
        with torch.inference_mode():
            logits = self._model(input_ids=ids.to(self._device), attention_mask=mask.to(self._device)).logits.float()
        if not torch.isfinite(logits).all():
            raise NotRun("the model gave something that is no number")
        probabilities = torch.softmax(logits, 1) if self.exclusive else torch.sigmoid(logits)
        return [tuple(row) for row in probabilities.cpu().tolist()]


class WithClassifiers:
    """Implements `guardrails.guard.Models` by another one, and by classifiers that are asked for by the name of what is
    `Wanted`. They run in this process, are loaded when they are first asked, and shared by all who want the same
    checkpoint. One that could not be loaded is not tried again, unless it was for want of memory. `waiting` windows may
    wait for each."""

    def __init__(self, models: Models, waiting: int = WAITING) -> None:
        self._models, self._waiting = models, waiting
        self._loaded: dict[Checkpoint, Classifier | NotRun] = {}
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="guard-loading")
        """Apart, so that nobody whose classifier is ready waits for another one to be loaded."""
        self._preparing = ThreadPoolExecutor(2, thread_name_prefix="guard-classifiers")

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        if not model.startswith(SCHEME):
            return await self._models.score(model, rows)
        if not rows:
            return []
        wanted = Wanted.of(model)
        classifier = await self._ready(wanted)
        cut = await _done(self._preparing, lambda: [classifier.cut(text) for (text,) in rows])
        scores = await asyncio.wrap_future(classifier.batches.submit([piece for row in cut for piece in row]))
        rest = iter(scores)
        return [
            tuple(Window(piece.start, piece.end, classifier.picked(wanted.labels, next(rest))) for piece in row)
            for row in cut
        ]

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return await self._models.embed(texts)

    @property
    def loaded(self) -> tuple[Checkpoint, ...]:
        """Those that are ready."""
        return tuple(one for one, found in dict(self._loaded).items() if isinstance(found, Classifier))

    def close(self) -> None:
        """Of the classifiers; the other models are not its own."""
        for threads in (self._loading, self._preparing):
            threads.shutdown(wait=True, cancel_futures=True)
        for found in self._loaded.values():
            if isinstance(found, Classifier):
                found.batches.close()

    async def _ready(self, wanted: Wanted) -> Classifier:
        checkpoint = wanted.checkpoint
        found = self._loaded.get(checkpoint)
        if found is None:
            found = await _done(self._loading, lambda: self._load(checkpoint))
        if isinstance(found, NotRun):
            raise NotRun(found.message, found.cause)
        for label in wanted.labels:
            if label not in found.labels:
                there = ", ".join(found.labels[:20])
                raise NotRun(f"{checkpoint.called} has no label {label}; it has {there}", "missing")
        return found

    def _load(self, checkpoint: Checkpoint) -> Classifier | NotRun:
        """On the one thread that loads."""
        if checkpoint not in self._loaded:
            try:
                self._loaded[checkpoint] = Classifier(checkpoint, self._waiting)
            except NotRun as error:
                self._loaded[checkpoint] = error
            except MemoryError as error:
                raise NotRun(f"there was not enough memory to load {checkpoint.called}") from error
        return self._loaded[checkpoint]


async def _done(threads: ThreadPoolExecutor, work: Callable[[], Made]) -> Made:
    """What comes of work on one of these threads. Raises `NotRun` where they have ended."""
    try:
        begun = threads.submit(work)
    except RuntimeError as error:
        raise NotRun("the models were closed") from error
    return await asyncio.wrap_future(begun)


def _loaded(checkpoint: Checkpoint) -> tuple[Any, Any, Any]:
    """A tokenizer, a model and the device that it is on."""
    source, pinned = checkpoint.source, {"revision": checkpoint.revision} if checkpoint.revision else {}
    try:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
        from transformers.utils import logging
    except ImportError as error:
        raise NotRun(Missing.extra("transformers", "torch").message.rstrip("."), "missing") from error
    logging.disable_progress_bar()
    device = _device(torch, checkpoint.device)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True, **pinned)
        model, told = AutoModelForSequenceClassification.from_pretrained(
            source, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **pinned
        )
    except MemoryError:
        raise
    except OSError as error:
        raise NotRun(f"{checkpoint.called} is not on this disk: {_fetched(checkpoint)}", "missing") from error
    except Exception as error:
        why = (str(error) or type(error).__name__).splitlines()[0][:300]
        raise NotRun(f"{checkpoint.called} cannot be loaded as a classifier: {why}", "missing") from error
    if told["missing_keys"] or told["mismatched_keys"]:
        raise NotRun(f"{checkpoint.called} is no trained classifier: it has no weights for the head", "missing")
    if not getattr(tokenizer, "is_fast", False):
        raise NotRun(
            f"{checkpoint.called} has no fast tokenizer, which says what characters a token stands for", "missing"
        )
    return tokenizer, model.eval().to(device), device


def _device(torch: Any, wanted: str) -> Any:
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(1, device=wanted).device
    except (RuntimeError, AssertionError) as error:
        raise NotRun(f"there is no device {wanted} here", "missing") from error


def _fetched(checkpoint: Checkpoint) -> str:
    """The next step, for one that is not there."""
    if checkpoint.revision is None:
        return "put its config, tokenizer and model.safetensors there"
    return f"hf download {checkpoint.source} --revision {checkpoint.revision}"
