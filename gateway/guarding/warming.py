"""Guards made ready before a call needs them: models loaded, tables read, heads fitted to examples.

Whatever it is that a guard does first, it does it here, on a text that nobody sent. One that cannot judge is told of in
the log then, and not only by the verdicts of calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from guardrails.engine import Engine
from guardrails.errors import NotRun
from guardrails.guard import Finder, Guard, Models
from guardrails.passage import STAGES, Passage, Stage, Surroundings, ToolCall
from guardrails.policy import Policy

log = logging.getLogger(__name__)

SAMPLE = "Good morning. Where can I see how far the parcel with the three books that I ordered has come today?"
AROUND = Surroundings(question=SAMPLE, documents=(SAMPLE,), calls=(ToolCall("look", SAMPLE),))
PATIENCE = 30.0
"""Seconds a guard may take to become ready."""
HOLD = 5.0
"""Seconds that what comes into force waits for its guards; they go on becoming ready after that."""


class Warming:
    """One per process; belongs to its event loop."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._begun: dict[str, asyncio.Task[None]] = {}

    async def ready(self, engines: Mapping[str, Engine]) -> None:
        """Have the guards of these policies, by digest, become ready, and wait for those that have not been here since
        the last time, for `HOLD` seconds at most. Never raises."""
        for digest in self._begun.keys() - engines.keys():
            self._begun.pop(digest).cancel()
        new = [digest for digest in engines if digest not in self._begun]
        for digest in new:
            self._begun[digest] = asyncio.create_task(self._warm(digest, engines[digest].policy))
        if new:
            await asyncio.wait([self._begun[digest] for digest in new], timeout=HOLD)

    async def close(self) -> None:
        for task in self._begun.values():
            task.cancel()
        await asyncio.gather(*self._begun.values(), return_exceptions=True)

    async def _warm(self, digest: str, policy: Policy) -> None:
        for name, why in (await unable(policy, self._models)).items():
            log.warning("the guard %s of the policy %s cannot judge: %s", name, digest[:12], why)


async def unable(policy: Policy, models: Models) -> dict[str, str]:
    """Have each guard of a policy judge a harmless text. By their names those that could not, and why."""
    asked = [(guard, stage) for stage in STAGES for guard in policy.at(stage)]
    faults = await asyncio.gather(*(_fault(guard, stage, models) for guard, stage in asked))
    return {guard.called: why for (guard, _), why in zip(asked, faults, strict=True) if why is not None}


async def _fault(guard: Guard, stage: Stage, models: Models) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE):
            if isinstance(guard, Finder):
                await asyncio.to_thread(guard.spans, SAMPLE, AROUND)  # what it reads first may take a while
            else:
                await guard.judge(Passage(SAMPLE, stage), AROUND, models)
    except NotRun as error:
        return error.message if error.due else None
    except TimeoutError:
        return f"it was not ready after {PATIENCE:g} s"
    except MemoryError:
        return "there was not enough memory"
    except Exception:
        log.exception("defect in the guard %s", guard.called)
        return "it failed; the log says how"
    return None
