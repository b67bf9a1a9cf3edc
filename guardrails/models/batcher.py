"""Windows of many callers in batches, on threads of its own: what came while a batch ran goes into the next ones.

The queue is bounded in windows: what comes over and above is turned away at once, so that a crowd waits for a bounded
time and a guard's budget means something. A caller who leaves takes along what still waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice

from guardrails.errors import NotRun, Overloaded
from guardrails.models.cutting import Piece

log = logging.getLogger(__name__)

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


@dataclass(frozen=True, slots=True)
class Load:
    """What a model has done so far, and what it has before it: `waiting` windows; `batches` that were run, by how many
    windows each had; the `seconds` that took, added up over the threads."""

    waiting: int
    batches: Mapping[int, int]
    seconds: float


class Batcher:
    def __init__(self, name: str, run: Run, batch: int, most: int, threads: int = 1) -> None:
        """`batch` windows are run together at most, `most` may wait; `threads` batches run at the same time."""
        self._name, self._run, self._batch, self._most = name, run, batch, most
        self._asked: list[Asked] = []
        self._waiting = 0
        self._batches: Counter[int] = Counter()
        self._seconds = 0.0
        self._closed = False
        self._wake = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"guard-model-{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

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
            self._wake.notify_all()
        return future

    @property
    def load(self) -> Load:
        with self._wake:
            return Load(self._waiting, dict(self._batches), self._seconds)

    def close(self) -> None:
        """Ends the threads once their batches are through; who still waits is told so."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()

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
                    pool = list(islice(self._turns(), self._share()))
                    self._waiting -= len(pool)
                    return pool
                self._wake.wait()

    def _share(self) -> int:
        """How many windows a thread takes at once: no more than leave the others something to do."""
        return min(POOL, max(self._batch, -(-self._waiting // len(self._threads))))

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
        began = time.perf_counter()
        found, failed = self._ran([asked.pieces[at] for asked, at in wanted])
        with self._wake:
            self._batches[len(wanted)] += 1
            self._seconds += time.perf_counter() - began
            if failed is not None:
                for asked, _ in wanted:
                    self._settle(asked, failed)
                return
            for (asked, at), scores in zip(wanted, found, strict=True):
                asked.scores[at] = scores
                if len(asked.scores) == len(asked.pieces):
                    self._settle(asked, None)

    def _ran(self, pieces: Sequence[Piece]) -> tuple[Sequence[Scores], NotRun | None]:
        """Whatever goes wrong is told to those who wait: the thread lives on, and the next batch is run."""
        try:
            found = self._run(pieces)
        except NotRun as error:
            return (), error
        except MemoryError:
            return (), NotRun(f"there was not enough memory for the model {self._name}")
        except Exception:
            log.exception("defect in the model %s", self._name)
            return (), NotRun(f"the model {self._name} failed; the log says how")
        if len(found) != len(pieces):
            return (), NotRun(f"the model {self._name} gave scores for {len(found)} windows of {len(pieces)}")
        return found, None

    @staticmethod
    def _settle(asked: Asked, error: NotRun | None) -> None:
        """Gives the outcome, unless the caller has left in the same moment."""
        if asked.future.done() or not asked.future.set_running_or_notify_cancel():
            return
        if error is not None:
            asked.future.set_exception(error)
        else:
            asked.future.set_result([asked.scores[at] for at in range(len(asked.pieces))])
