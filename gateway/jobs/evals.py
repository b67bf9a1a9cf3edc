"""Runs of evals: each is worked through by one process of the installation at a time.

All it knows is in the database: the rows of a run, and what came of each as soon as it did. Whichever process dies at
whichever line, another goes on with the rows that nothing came of yet. What was being asked at that moment is asked
again under the same idempotency key: once more, and not paid for twice where the state keeps replies for all.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from evals.errors import BadInput
from evals.graders.spec import Grader, parse
from gateway.errors import GatewayError
from gateway.evals.grading import work
from gateway.evals.requests import Jsonl, Sampled, source_of
from gateway.evals.shapes import summary_of
from gateway.store import evals, leases
from gateway.store.engine import Store
from gateway.store.evals import DataRow, ItemRow, RunRow
from gateway.types import Json

log = logging.getLogger(__name__)

EVERY = 0.5
BEAT = 2.0
"""Seconds between two looks at whether a run is to go on."""
LEASED = 15.0
MOST_RUNS = 4
"""At once, in a process."""
AT_ONCE = 8
"""Rows of a run under way."""
LASTING = 24 * 3600.0
"""Seconds from a run's making after which it has failed."""
BATCH = 200
"""Rows read together."""

Ask = Callable[[str, str, Json], Awaitable[Json]]
"""A chat completion: in the name of which key, under which idempotency key."""


class EvalRuns:
    """A supervised loop. Belongs to a running event loop."""

    def __init__(self, store: Store, ask: Ask) -> None:
        self._store = store
        self._ask = ask
        self._holder = f"{os.getpid()}-{os.urandom(8).hex()}"
        self._driving: dict[str, asyncio.Task[None]] = {}
        self._closing = False
        self.items = self.failures = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.tick()
            except GatewayError as error:
                self.failures += 1
                log.warning("runs of evals wait: %s", error.message)
            except Exception:
                self.failures += 1
                log.exception("defect in the runs of evals")

    async def tick(self) -> None:
        """Take up what nobody works on. Raises `Unavailable` when the database is dead."""
        if self._closing:
            return
        for run in await asyncio.to_thread(self._claim, set(self._driving)):
            task = asyncio.create_task(self._drive(run))
            self._driving[run] = task
            task.add_done_callback(partial(self._ended, run))

    def _ended(self, run: str, task: asyncio.Task[None]) -> None:
        self._driving.pop(run, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("the eval run %s waits for the database: %r", run, error)

    async def close(self) -> None:
        """What is under way is broken off, and gone on with by another process, or after the next start."""
        self._closing = True
        for task in self._driving.values():
            task.cancel()
        await asyncio.gather(*self._driving.values(), return_exceptions=True)

    def gauges(self) -> dict[str, tuple[str, float]]:
        """For `/metrics`."""
        return {
            "eval_items": ("Rows of eval runs that something came of.", self.items),
            "eval_runs_in_progress": ("Eval runs this process works on.", len(self._driving)),
            "eval_failures": ("Ticks of the eval runs that failed and will be tried again.", self.failures),
        }

    def _claim(self, mine: set[str]) -> list[str]:
        with self._store.reading() as connection:
            waiting = [run for run in evals.open_runs(connection) if run not in mine]
        claimed = []
        for run in waiting[: max(0, MOST_RUNS - len(mine))]:
            with self._store.begin() as connection:
                if leases.take(connection, run, self._holder, LEASED):
                    claimed.append(run)
        return claimed

    async def _drive(self, run: str) -> None:
        working: asyncio.Task[None] | None = None
        try:
            working = asyncio.create_task(self._work(run))
            while not working.done():
                await asyncio.wait([working], timeout=BEAT)
                if not working.done() and not await asyncio.to_thread(self._still_mine, run):
                    return
            await working
        except GatewayError as error:
            log.warning("the eval run %s waits: %s", run, error.message)
        except Exception:
            self.failures += 1
            log.exception("defect in the eval run %s", run)
            error_object = {"code": "internal_error", "message": "An internal error occurred. The server's log has it."}
            await asyncio.to_thread(self._settle, run, "failed", error_object)
        finally:
            if working is not None and not working.done():
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
            await asyncio.shield(asyncio.to_thread(self._give_back, run))

    async def _work(self, run_id: str) -> None:
        begun = await asyncio.to_thread(self._begin, run_id)
        if begun is None:
            return
        run, graders, left = begun
        source = source_of(run.source)
        try:
            async with asyncio.timeout(max(0.0, run.created + LASTING - time.time())):
                await self._through_all(run, source, graders, left)
        except TimeoutError:
            error = {"code": "run_too_long", "message": f"The run did not end within {LASTING / 3600:.0f} hours."}
            await asyncio.to_thread(self._settle, run.id, "failed", error)
            return
        await asyncio.to_thread(self._settle, run.id, "completed", None)

    async def _through_all(self, run: RunRow, source: Jsonl | Sampled, graders: list[Grader], left: list[int]) -> None:
        for start in range(0, len(left), BATCH):
            numbers = left[start : start + BATCH]
            rows = deque(await asyncio.to_thread(self._rows, run.id, numbers))
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(AT_ONCE):
                        group.create_task(self._through(run, rows, source, graders))
            except ExceptionGroup as found:
                if (waits := found.subgroup(GatewayError)) is not None:
                    raise waits.exceptions[0] from found
                raise

    async def _through(self, run: RunRow, rows: deque[DataRow], source: Jsonl | Sampled, graders: list[Grader]) -> None:
        async def ask(name: str, body: Json) -> Json:
            return await self._ask(run.key_id, name, body)

        while rows:
            item = await work(run.id, rows.popleft(), source, graders, ask)
            await asyncio.to_thread(self._put, item)
            self.items += 1

    def _begin(self, run_id: str) -> tuple[RunRow, list[Grader], list[int]] | None:
        """The run, its graders, and the rows that nothing came of yet."""
        with self._store.begin() as connection:
            run = evals.get_run(connection, run_id)
            if run is None or not evals.settle(connection, run_id, "in_progress"):
                return None
            criteria = evals.criteria_of(connection, run.eval)
            done = evals.done(connection, run_id)
        try:
            graders = [parse(one) for one in criteria]
        except BadInput as error:  # of an earlier version, which knew what this one does not
            self._settle(run_id, "failed", {"code": "invalid_grader", "message": error.message})
            return None
        return run, graders, [number for number in range(run.total) if number not in done]

    def _rows(self, run_id: str, numbers: list[int]) -> list[DataRow]:
        with self._store.reading() as connection:
            return evals.rows_of(connection, run_id, numbers)

    def _put(self, item: ItemRow) -> None:
        with self._store.begin() as connection:
            evals.put_item(connection, item)

    def _still_mine(self, run_id: str) -> bool:
        """Whether the run goes on, and here."""
        with self._store.begin() as connection:
            run = evals.get_run(connection, run_id)
            going = run is not None and run.status in evals.OPEN
            return going and leases.take(connection, run_id, self._holder, LEASED)

    def _settle(self, run_id: str, status: str, error: Json | None) -> None:
        with self._store.begin() as connection:
            run = evals.get_run(connection, run_id)
            if run is not None:
                summary = summary_of(evals.outcomes(connection, run_id), evals.criteria_of(connection, run.eval))
                evals.settle(connection, run_id, status, summary, error)

    def _give_back(self, run_id: str) -> None:
        with self._store.begin() as connection:
            leases.give_back(connection, run_id, self._holder)
