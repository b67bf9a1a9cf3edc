"""The models of this process: loaded when they are first asked, verified, shared, run on threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from guardrails.errors import NotRun
from guardrails.guard import Window
from guardrails.models.batcher import Batcher, Load, Scores
from guardrails.models.cutting import Cutter, Piece
from guardrails.models.manifest import Manifest, identity, read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from guardrails.models.session import Session

WAITING = 4096
"""Windows that may wait for a model: about a quarter of a minute of one core."""
SHORTEST_PIN = 12
"""Characters of a digest that name a model of one's own."""
EMBEDS = "prompts"
"""The shipped model whose embeddings are given."""


def shipped() -> Path:
    """The folder of the models that the package brings."""
    return Path(str(files("guardrails.models"))) / "weights"


class Loaded:
    """A model that is ready, and the threads it runs on."""

    def __init__(self, folder: Path, pin: str | None, waiting: int, threads: int) -> None:
        from guardrails.models.session import EMBEDDING, Session  # numpy, and the runtime: only where a model is asked

        self.digest = identity(folder)
        self.manifest, content = read(folder, pin or self.digest)
        self.cutter = Cutter(self.manifest, content)
        session = Session(self.manifest, content)
        name, batch = self.manifest.name, self.manifest.batch
        self.scores = Batcher(name, _scorer(self.manifest, session), batch, waiting, threads)
        self.vectors = Batcher(f"{name}-{EMBEDDING}", _embedder(session), batch, waiting, threads)

    def close(self) -> None:
        self.scores.close()
        self.vectors.close()


def _scorer(manifest: Manifest, session: Session) -> Callable[[Sequence[Piece]], Sequence[Scores]]:
    from guardrails.models.session import calibrated

    def scored(pieces: Sequence[Piece]) -> Sequence[Scores]:
        return [tuple(row) for row in calibrated(manifest, session.run(pieces)).tolist()]

    return scored


def _embedder(session: Session) -> Callable[[Sequence[Piece]], Sequence[Scores]]:
    return lambda pieces: [tuple(row) for row in session.embed(pieces).tolist()]


class LocalModels:
    """Implements `guardrails.guard.Models`.

    `name` is of a shipped model; `name@digest` of one in the folder `own`, which has a subfolder of that name for each:
    its digest is the beginning of the SHA-256 of its manifest, 12 characters at least. A model that could not be loaded
    is not tried again, unless it was for want of memory: its reason stands until the process, or whoever owns this,
    starts anew. `embeds` is the model whose embeddings are given. Each model runs on `threads` of its own."""

    def __init__(
        self, own: Path | None = None, *, waiting: int = WAITING, embeds: str = EMBEDS, threads: int = 1
    ) -> None:
        self.embeds = embeds
        self._own, self._waiting, self._threads = own, waiting, threads
        self._loaded: dict[str, Loaded | NotRun] = {}
        self._lock = Lock()
        self._encoders = ThreadPoolExecutor(max(2, threads), thread_name_prefix="guard-tokens")

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        if not rows:
            return []
        loaded, cut = await self._cut(model, rows)
        scores = await asyncio.wrap_future(loaded.scores.submit([piece for row in cut for piece in row]))
        rest = iter(scores)
        return [tuple(Window(piece.start, piece.end, next(rest)) for piece in row) for row in cut]

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if not texts:
            return np.zeros((0, 0), np.float32)
        loaded, cut = await self._cut(self.embeds, [(text,) for text in texts])
        vectors = await asyncio.wrap_future(loaded.vectors.submit([first for first, *_ in cut]))
        return np.array(vectors, np.float32)

    async def _cut(self, model: str, rows: Sequence[tuple[str, ...]]) -> tuple[Loaded, list[list[Piece]]]:
        """On a thread of its own: a long text takes its time."""
        try:
            preparing = self._encoders.submit(self._prepared, model, rows)
        except RuntimeError as error:
            raise NotRun("the models were closed") from error
        return await asyncio.wrap_future(preparing)

    def manifest(self, model: str) -> Manifest:
        """What a model is; loads it where need be. Raises `NotRun` where it cannot be had."""
        return self._model(model).manifest

    def digest(self, model: str) -> str:
        """The SHA-256 of its manifest, in hex; loads it where need be. Raises `NotRun` where it cannot be had."""
        return self._model(model).digest

    @property
    def loads(self) -> Mapping[tuple[str, str], Load]:
        """Of the models that are loaded: by the name, and by what is asked of it, `scores` or `embeddings`."""
        found = [(name, model) for name, model in dict(self._loaded).items() if isinstance(model, Loaded)]
        return {(name, "scores"): model.scores.load for name, model in found} | {
            (name, "embeddings"): model.vectors.load for name, model in found
        }

    def close(self) -> None:
        self._encoders.shutdown(wait=True, cancel_futures=True)
        for model in self._loaded.values():
            if isinstance(model, Loaded):
                model.close()

    def _prepared(self, model: str, rows: Sequence[tuple[str, ...]]) -> tuple[Loaded, list[list[Piece]]]:
        loaded = self._model(model)
        return loaded, [loaded.cutter.cut(row) for row in rows]

    def _model(self, name: str) -> Loaded:
        with self._lock:
            if name not in self._loaded:
                try:
                    self._loaded[name] = Loaded(*self._place(name), self._waiting, self._threads)
                except NotRun as error:
                    self._loaded[name] = error
                except MemoryError as error:
                    raise NotRun(f"there was not enough memory to load the model {name}") from error
            found = self._loaded[name]
        if isinstance(found, NotRun):
            raise NotRun(found.message, found.cause)
        return found

    def _place(self, name: str) -> tuple[Path, str | None]:
        _, _, pin = name.partition("@")
        if not pin:
            root = shipped()
        elif self._own is None:
            raise NotRun(f"there is no folder of own models that {name} could be in", "missing")
        elif len(pin) < SHORTEST_PIN:
            raise NotRun(f"the digest of {name} is too short: give {SHORTEST_PIN} characters or more", "missing")
        else:
            root = self._own
        if Path(name).name != name or name.startswith(".") or not (root / name).is_dir():
            raise NotRun(f"there is no model {name}", "missing")
        return root / name, pin or None
