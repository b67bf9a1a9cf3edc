"""Scores that are known already: what a conversation said before, and what two guards ask of one model, is judged once.

Of a text only its SHA-256 is kept. Whoever measures how long a guard takes can tell that the very same text was judged
a short time ago, and no more.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Generic, TypeVar

from guardrails.errors import NotRun, Overloaded
from guardrails.guard import Models, Window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 32 * 2**20
"""Bytes that are kept, about: the scores of a hundred thousand short texts, or the vectors of fifteen thousand."""
ENTRY = 250
"""Bytes that an entry takes beside what it holds: its key, and its place in the order."""
WINDOW, SCORE = 120, 32
"""Bytes of a window, and of each of its scores."""

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """What was last used, up to `most` bytes. `size` says how many one value takes."""

    def __init__(self, most: int, size: Callable[[Value], int]) -> None:
        self._most, self._size = most, size
        self._values: OrderedDict[bytes, Value] = OrderedDict()
        self.bytes = 0

    def get(self, key: bytes) -> Value | None:
        found = self._values.get(key)
        if found is not None:
            self._values.move_to_end(key)
        return found

    def put(self, key: bytes, value: Value) -> None:
        """What alone would take a quarter of the room is not kept."""
        size = self._size(value)
        if size > self._most // 4:
            return
        before = self._values.pop(key, None)
        self.bytes += size - (self._size(before) if before is not None else 0)
        self._values[key] = value
        while self.bytes > self._most:
            _, oldest = self._values.popitem(last=False)
            self.bytes -= self._size(oldest)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(eq=False)
class Question(Generic[Value]):
    """What is being asked, and how many wait for it. With the last of them it goes."""

    keys: Sequence[bytes]
    task: asyncio.Task[Mapping[bytes, Value]]
    waiting: int = 0


Ask = Callable[[Sequence[int]], Awaitable[Sequence[Value]]]
"""Asks about the rows at these places."""


class Shared(Generic[Value]):
    """Answers by key: known, being asked for by somebody else, or asked for now."""

    def __init__(self, most: int, size: Callable[[Value], int]) -> None:
        self.kept = Kept[Value](most, size)
        self._asked: dict[bytes, Question[Value]] = {}
        self.hits = self.misses = 0

    async def all(self, keys: Sequence[bytes], ask: Ask[Value]) -> list[Value]:
        """One for each key, in order. Raises what `ask` does; what went wrong for somebody else, who asked about other
        rows as well, is asked again."""
        found: dict[bytes, Value] = {}
        missing: dict[bytes, int] = {}
        joined: dict[Question[Value], list[bytes]] = {}
        places: dict[bytes, int] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, place)
        for key, place in places.items():
            if (known := self.kept.get(key)) is not None:
                found[key] = known
            elif (asked := self._asked.get(key)) is not None:
                joined.setdefault(asked, []).append(key)
            else:
                missing[key] = place
        self.misses += len(missing)
        self.hits += len(keys) - len(missing)
        own = self._begin(missing, ask) if missing else None
        await self._collect(found, own, joined)
        if again := [key for key in places if key not in found]:
            answers = await ask([places[key] for key in again])
            found |= dict(zip(again, answers, strict=True))
        return [found[key] for key in keys]

    async def _collect(
        self, found: dict[bytes, Value], own: Question[Value] | None, joined: Mapping[Question[Value], list[bytes]]
    ) -> None:
        """Adds to `found` what comes of questions."""
        questions = [*([own] if own is not None else []), *joined]
        for question in questions:
            question.waiting += 1
        try:
            for question in questions:
                try:
                    answers = await asyncio.shield(question.task)
                except NotRun as error:
                    if question is own or isinstance(error, Overloaded):
                        raise
                    continue
                found |= answers if question is own else {key: answers[key] for key in joined[question]}
        finally:
            for question in questions:
                self._leave(question)

    def _begin(self, missing: Mapping[bytes, int], ask: Ask[Value]) -> Question[Value]:
        keys = list(missing)

        async def asking() -> Mapping[bytes, Value]:
            try:
                answers = await ask(list(missing.values()))
            finally:
                self._forget(question)
            for key, answer in zip(keys, answers, strict=True):
                self.kept.put(key, answer)
            return dict(zip(keys, answers, strict=True))

        question = Question(keys, asyncio.ensure_future(asking()))
        for key in keys:
            self._asked[key] = question
        return question

    def _leave(self, question: Question[Value]) -> None:
        question.waiting -= 1
        if not question.waiting and not question.task.done():
            self._forget(question)  # at once, so that nobody joins what is being cancelled
            question.task.cancel()

    def _forget(self, question: Question[Value]) -> None:
        for key in question.keys:
            if self._asked.get(key) is question:
                del self._asked[key]


class CachedModels:
    """Implements `guardrails.guard.Models` by another one, which it asks only about what is not known: neither from
    before, nor being asked about by somebody else. Belongs to one event loop at a time."""

    def __init__(self, models: Models, most: int = MOST) -> None:
        self._models = models
        self._scores = Shared[tuple[Window, ...]](most // 2, _size)
        self._vectors = Shared["NDArray[np.float32]"](most // 2, lambda vector: ENTRY + vector.nbytes)

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        async def ask(places: Sequence[int]) -> Sequence[tuple[Window, ...]]:
            return await self._models.score(model, [rows[place] for place in places])

        return await self._scores.all([digest(model, *row) for row in rows], ask)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        async def ask(places: Sequence[int]) -> Sequence[NDArray[np.float32]]:
            found = await self._models.embed([texts[place] for place in places])
            return [vector.copy() for vector in found]  # a row alone would keep all of them

        if not texts:
            return await self._models.embed(texts)
        return np.array(await self._vectors.all([digest(text) for text in texts], ask), np.float32)

    @property
    def hits(self) -> int:
        """Texts that needed no model: their answer was known, or being asked for."""
        return self._scores.hits + self._vectors.hits

    @property
    def misses(self) -> int:
        return self._scores.misses + self._vectors.misses

    @property
    def bytes(self) -> int:
        """What is kept takes so many, about."""
        return self._scores.kept.bytes + self._vectors.kept.bytes

    def gauges(self) -> dict[str, tuple[str, float]]:
        """By name the meaning and the value, for metrics."""
        return {
            "guard_cache_hits": ("Texts for guards' models whose answer was known, or being asked for.", self.hits),
            "guard_cache_misses": ("Texts that guards' models were asked about.", self.misses),
            "guard_cache_bytes": ("Bytes of the answers of guards' models that are kept, about.", self.bytes),
        }


def digest(*parts: str) -> bytes:
    """32 bytes, and others for other parts: each is led by its length."""
    found = sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        found.update(len(content).to_bytes(8, "big"))
        found.update(content)
    return found.digest()


def _size(windows: tuple[Window, ...]) -> int:
    return ENTRY + sum(WINDOW + SCORE * len(window.scores) for window in windows)
