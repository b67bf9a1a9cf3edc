"""Windows of many callers in batches, on a thread of its own: what came while a batch ran goes into the next ones.

The queue is bounded in windows: what comes over and above is turned away at once, so that a crowd waits for a bounded
time and a guard's budget means something. A caller who leaves takes along what still waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice

from guardrails.errors import NotRun, Overloaded
from guardrails.models.cutting import Piece

Scores = tuple[float, ...]
Run = Callable[[Sequence[Piece]], Sequence[Scores]]

POOL = 64
"""Windows that are sorted by length together: enough to fill batches of like lengths, few enough that nobody waits
long for a shorter neighbour."""


@dataclass(eq=False)
class Asked:
    """The windows of one caller and what is known of them."""

    pieces: Sequence[Piece]
    future: Future[list[Scores]]
    given: int = 0
    scores: dict[int, Scores] = field(default_factory=dict)


class Batcher:
    def __init__(self, name: str, run: Run, batch: int, most: int) -> None:
        """`batch` windows are run together at most, `most` may wait."""
        self._name, self._run, self._batch, self._most = name, run, batch, most
        self._asked: list[Asked] = []
        self._waiting = 0
        self._closed = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=f"guard-model-{name}", daemon=True)
        self._thread.start()

    def submit(self, pieces: Sequence[Piece]) -> Future[list[Scores]]:
        """The scores of each piece, in order. Raises `Overloaded` where they would be too many; an empty queue takes
        what comes, however much it is, so that a long text can be judged at all."""
        future: Future[list[Scores]] = Future()
        with self._wake:
            if self._closed:
                raise NotRun(f"the model {self._name} was closed")
            if self._waiting + len(pieces) > self._most:
                self._asked = [asked for asked in self._asked if self._wanted(asked)]
            if self._waiting and self._waiting + len(pieces) > self._most:
                raise Overloaded(f"{self._waiting} windows wait for the model {self._name} already")
            self._asked.append(Asked(pieces, future))
            self._waiting += len(pieces)
            self._wake.notify()
        return future

    def close(self) -> None:
        """Ends the thread once its batch is through; who still waits is told so."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _work(self) -> None:
        while pool := self._next():
            pool.sort(key=lambda one: len(one[0].pieces[one[1]].ids))
            rest = iter(pool)
            while batch := list(islice(rest, self._batch)):
                self._answer(batch)

    def _next(self) -> list[tuple[Asked, int]]:
        """The windows to run next, in turns: one of each caller, then another, so that a long text holds up no short
        one. Empty once closed."""
        with self._wake:
            while True:
                self._asked = [asked for asked in self._asked if self._wanted(asked)]
                if self._closed:
                    for asked in self._asked:
                        self._settle(asked, NotRun(f"the model {self._name} was closed"))
                    self._asked = []
                    return []
                if self._asked:
                    pool = list(islice(self._turns(), POOL))
                    self._waiting -= len(pool)
                    return pool
                self._wake.wait()

    def _wanted(self, asked: Asked) -> bool:
        """Whether windows of it still wait to be run, and somebody for them."""
        if asked.future.done():
            self._waiting -= len(asked.pieces) - asked.given
            return False
        return asked.given < len(asked.pieces)

    def _turns(self) -> Iterator[tuple[Asked, int]]:
        left = self._asked
        while left:
            for asked in left:
                if asked.given < len(asked.pieces):
                    asked.given += 1
                    yield asked, asked.given - 1
            left = [asked for asked in left if asked.given < len(asked.pieces)]

    def _answer(self, batch: Sequence[tuple[Asked, int]]) -> None:
        wanted = [(asked, at) for asked, at in batch if not asked.future.done()]
        if not wanted:
            return
        try:
            found = self._run([asked.pieces[at] for asked, at in wanted])
        except NotRun as error:
            for asked, _ in wanted:
                self._settle(asked, error)
            return
        for (asked, at), scores in zip(wanted, found, strict=True):
            asked.scores[at] = scores
            if len(asked.scores) == len(asked.pieces):
                self._settle(asked, None)

    @staticmethod
    def _settle(asked: Asked, error: NotRun | None) -> None:
        """Gives the outcome, unless the caller has left in the same moment."""
        if asked.future.done() or not asked.future.set_running_or_notify_cancel():
            return
        if error is not None:
            asked.future.set_exception(error)
        else:
            asked.future.set_result([asked.scores[at] for at in range(len(asked.pieces))])
