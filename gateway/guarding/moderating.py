"""Texts that clients ask to have moderated, judged by the shipped guard on this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.errors import GatewayError, Unavailable, Unequipped
from gateway.wire.moderations import GUARD, Input, score
from guardrails.engine import Engine
from guardrails.errors import NotRun
from guardrails.guard import Models, Window
from guardrails.passage import Passage
from guardrails.policy import Policy
from guardrails.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """The windows of each input, none of those without a word in them; and a verdict for each of the others, with its
    share of the time. Where there is an `error` nothing was judged, which the verdicts say."""

    read: Sequence[tuple[Window, ...]]
    verdicts: Sequence[Verdict]
    error: GatewayError | None = None


class Moderator:
    """One per process; belongs to its event loop. `models` are those that the guards of calls ask too."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._engine = Engine(Policy(input=(GUARD,)), models)
        self._turn = asyncio.Lock()
        """One input is read at a time, of all requests: the guards of calls wait for no more than that."""

    async def judge(self, inputs: Sequence[Input]) -> Judged:
        """Never raises over what an input holds. What was not judged never counts as harmless: the error is
        `Unavailable` where it may be judged later, and `Unequipped` where something is missing for that."""
        began = time.perf_counter()
        told = [one for one in inputs if not one.empty]
        try:
            async with asyncio.timeout(GUARD.budget):
                found = [await self._read(one) for one in told]
        except TimeoutError:
            return self._missed(told, NotRun(f"it took longer than {GUARD.budget:g} s", "slow"))
        except MemoryError:
            return self._missed(told, NotRun("there was not enough memory", "busy"))
        except NotRun as error:
            return self._missed(told, error)
        passages = [Passage(one.text, source=one.source) for one in told]
        verdicts = [
            self._engine.verdict(GUARD, passage, Finding(score(windows)), began)
            for passage, windows in zip(passages, found, strict=True)
        ]
        verdicts = [replace(one, milliseconds=one.milliseconds / len(verdicts)) for one in verdicts]
        rest = iter(found)
        return Judged([() if one.empty else next(rest) for one in inputs], verdicts)

    async def _read(self, one: Input) -> tuple[Window, ...]:
        async with self._turn:
            (windows,) = await self._models.score(GUARD.models[0], [(one.text,)])
        return windows

    def _missed(self, inputs: Sequence[Input], error: NotRun) -> Judged:
        passages = [Passage("", source=one.source) for one in inputs]
        return Judged([], self._engine.missed("input", passages, error).verdicts, _refusal(error))


def _refusal(error: NotRun) -> Unavailable:
    message = f"Nothing was moderated: {error.message}."
    if error.cause == "missing":
        return Unequipped(f"{message} Whoever runs the gateway can mend that.", code="moderation_unavailable")
    code = "overloaded" if error.cause in ("busy", "slow") else "moderation_unavailable"
    return Unavailable(f"{message} Try again later.", code=code, retry_after=1.0)
