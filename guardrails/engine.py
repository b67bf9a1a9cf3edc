"""Judging: a policy's guards over the passages of one stage, and what comes of it.

Rules judge first, since they cost microseconds; where they end the call the models are not asked, and say so. The rest
judge side by side, each within its own budget. Whatever a guard does, there is a verdict that says whether it ran.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from guardrails.errors import Cause, NotRun
from guardrails.guard import Finder, Guard, Models
from guardrails.guards.groundedness import Groundedness, correction
from guardrails.guards.schema import Schema
from guardrails.passage import ALONE, Passage, Stage, Surroundings
from guardrails.pii.vault import Vault, taken_out
from guardrails.policy import Policy
from guardrails.verdict import Action, Finding, Span, Verdict, strictest

log = logging.getLogger(__name__)

ENDING: frozenset[Action] = frozenset(("block", "ask", "fallback"))
"""Actions after which the text goes no further."""
LASTING: tuple[Cause | None, ...] = (None, "unreadable", "missing")
"""Of what ends a call: that it was judged, and why it was not where asking again changes nothing."""
TURN = 0.005
"""Seconds that rules judge texts of one call for, until others have their turn."""
NARROWING = 2.0
"""Seconds for finding out how little of a passage has to be redacted, at most."""
BEGUN = 32
"""Judgements by models that are begun at once."""
BLOCKED = "This was blocked by the content policy."
UNJUDGED = "The content policy asks for a check that could not be made now. Try again later."
UNREADABLE = "The content policy asks for a check that cannot be made of this"


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one stage. `action` is the strictest of all verdicts', `passages` are what goes on: what was to be
    redacted is. Where the action ends the call, `message` is for the client, and `by` is the verdict that ended it: one
    that judged, where there is one."""

    action: Action
    verdicts: tuple[Verdict, ...]
    passages: tuple[Passage, ...]
    message: str | None = None
    by: Verdict | None = None

    @property
    def ends(self) -> bool:
        return self.action in ENDING


class Engine:
    """One policy, ready to judge. Holds no state; `models` are lent to it. `key` is that of hashes that stand in the
    place of what is redacted, and of canaries; without one they are others in each engine."""

    def __init__(self, policy: Policy, models: Models, key: bytes | None = None) -> None:
        self.policy = policy
        self._models = models
        self.key = key or secrets.token_bytes(32)

    async def check(self, stage: Stage, passages: Sequence[Passage], around: Surroundings = ALONE) -> Report:
        """Judge what stands at one stage. Never raises over what a passage holds, nor over a guard that fails."""
        guards = self.policy.at(stage, around.tenant)
        quick = [guard for guard in guards if isinstance(guard, Finder)]
        slow = [guard for guard in guards if not isinstance(guard, Finder)]
        verdicts = await self._one_by_one([(guard, passage) for guard in quick for passage in passages], around)
        ended = next((verdict for verdict in verdicts if verdict.action in ENDING), None)
        if ended is not None:
            verdicts += [_skipped(guard, passage, ended) for guard in slow for passage in passages]
        elif slow:
            verdicts += await self._side_by_side([(guard, passage) for guard in slow for passage in passages], around)
        return self._report(guards, passages, verdicts)

    async def _one_by_one(self, pairs: Sequence[tuple[Guard, Passage]], around: Surroundings) -> list[Verdict]:
        """With pauses in which others have their turn, where there are many."""
        verdicts, since = [], time.perf_counter()
        for guard, passage in pairs:
            verdicts.append(await self.judge(guard, passage, around))
            if time.perf_counter() - since > TURN:
                await asyncio.sleep(0)
                since = time.perf_counter()
        return verdicts

    async def _side_by_side(self, pairs: Sequence[tuple[Guard, Passage]], around: Surroundings) -> list[Verdict]:
        """Begun some at a time, so that others have their turn where there are many."""
        async with asyncio.TaskGroup() as judging:
            tasks = []
            for number, (guard, passage) in enumerate(pairs, 1):
                tasks.append(judging.create_task(self.judge(guard, passage, around)))
                if number % BEGUN == 0:
                    await asyncio.sleep(0)
        return [task.result() for task in tasks]

    def missed(self, stage: Stage, passages: Sequence[Passage], error: NotRun, tenant: str | None = None) -> Report:
        """What comes of passages that no guard can read: each guard's fail mode says."""
        guards, began = self.policy.at(stage, tenant), time.perf_counter()
        pairs = [(guard, passage) for guard in guards for passage in passages]
        return self._report(guards, passages, [self._not_run(guard, passage, began, error) for guard, passage in pairs])

    async def judge(self, guard: Guard, passage: Passage, around: Surroundings = ALONE) -> Verdict:
        """One guard's verdict on one passage, within its budget."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(guard.budget):
                finding = await guard.judge(passage, around, self._models)
        except TimeoutError:
            return self._not_run(guard, passage, began, NotRun(f"it took longer than {guard.budget:g} s", "slow"))
        except NotRun as error:
            return self._not_run(guard, passage, began, error)
        except MemoryError:
            return self._not_run(guard, passage, began, NotRun("there was not enough memory"))
        except Exception:
            log.exception("defect in the guard %s", guard.called)
            return self._not_run(guard, passage, began, NotRun("it failed; the log says how"))
        verdict = self.verdict(guard, passage, finding, began, around.tenant)
        if verdict.action != "redact" or isinstance(guard, Finder):
            return verdict
        spans = await self._narrowed(guard, passage, verdict.spans, around)
        return replace(verdict, spans=spans, milliseconds=(time.perf_counter() - began) * 1000)

    async def _narrowed(
        self, guard: Guard, passage: Passage, spans: Sequence[Span], around: Surroundings
    ) -> tuple[Span, ...]:
        """Within a time of its own: what was found is found, whatever comes of this."""
        try:
            async with asyncio.timeout(min(NARROWING, guard.budget)):
                return await guard.narrowed(passage, spans, around, self._models)
        except (NotRun, TimeoutError, MemoryError):
            return tuple(spans)
        except Exception:
            log.exception("defect in the guard %s", guard.called)
            return tuple(spans)

    async def repaired(self, text: str, source: str, around: Surroundings = ALONE) -> tuple[str, Verdict] | None:
        """A finished answer with its form repaired, to be judged in the place of what was said, and the verdict that
        tells of it; None where no guard of the policy repairs it."""
        for guard in () if self.policy.dry_run else self.policy.at("output", around.tenant):
            if isinstance(guard, Schema) and guard.repair:
                began = time.perf_counter()
                try:
                    async with asyncio.timeout(guard.budget):
                        made = await asyncio.to_thread(guard.repaired, text, around)
                except (NotRun, TimeoutError):
                    return None  # its verdict on the answer as it is will say so
                if made is not None:
                    passage = Passage(text, "output", "assistant", source)
                    whole = Finding.of([Span(0, len(text), "json")], "it was repaired")
                    verdict = self.verdict(guard, passage, whole, began, around.tenant)
                    return made, replace(verdict, action="redact", allowed_by=None)
        return None

    def correction(self, text: str, verdicts: Sequence[Verdict], tenant: str | None = None) -> str | None:
        """What a model is told that is to answer once more, in the place of the answer that the verdicts are on; None
        where no guard of the policy has it do so, or another one ends the answer."""
        asking = {
            guard.called
            for guard in self.policy.at("output", tenant)
            if isinstance(guard, Groundedness) and guard.ask_again
        }
        wrong = [one for one in verdicts if one.guard in asking and one.flagged and one.action != "allow"]
        if not wrong or any(one.action in ENDING and one.guard not in asking for one in verdicts):
            return None
        return correction(text, [span for one in wrong for span in one.spans])

    def verdict(
        self, guard: Guard, passage: Passage, finding: Finding, began: float, tenant: str | None = None
    ) -> Verdict:
        """What a finding comes to under this policy; `began` is `time.perf_counter()`."""
        flagged = finding.score >= guard.threshold
        spans = tuple(span for span in finding.spans if span.score >= guard.threshold) if flagged else finding.spans
        excused, left = self._allowed(guard, passage, spans, tenant) if flagged else (None, spans)
        would: Action = guard.action if flagged and excused is None else "allow"
        if would == "redact" and (not left or passage.stage == "tool_calls"):
            would = "block"  # nobody can say where it is; or what is left would be another call
        if would == "redact" and isinstance(guard, Finder) and guard.by != "mask":
            left = tuple(replace(span, by=guard.by) for span in left)
        return Verdict(
            guard=guard.called,
            stage=passage.stage,
            source=passage.source,
            action="allow" if self.policy.dry_run else would,
            score=finding.score,
            threshold=guard.threshold,
            milliseconds=(time.perf_counter() - began) * 1000,
            spans=left,
            reason=finding.reason,
            labels=finding.labels,
            would=would if self.policy.dry_run else None,
            allowed_by=excused,
        )

    def _not_run(self, guard: Guard, passage: Passage, began: float, error: NotRun) -> Verdict:
        stopped = error.due and guard.fails == "closed"
        would: Action = "allow" if not stopped else guard.action if guard.action in ENDING else "block"
        return Verdict(
            guard=guard.called,
            stage=passage.stage,
            source=passage.source,
            action="allow" if self.policy.dry_run else would,
            score=None,
            threshold=guard.threshold,
            milliseconds=(time.perf_counter() - began) * 1000,
            not_run=error.message,
            cause=error.cause,
            would=would if self.policy.dry_run else None,
        )

    def _allowed(
        self, guard: Guard, passage: Passage, spans: tuple[Span, ...], tenant: str | None
    ) -> tuple[str | None, tuple[Span, ...]]:
        """The reason of the rule that lets the passage through, or None; and the spans that no rule lets through."""
        left = spans
        for rule in self.policy.allow:
            if rule.guard not in (None, guard.called) or rule.tenant not in (None, tenant):
                continue
            if rule.text is None:
                whole = sha256(passage.text.encode(errors="replace")).hexdigest() == rule.sha256
            else:
                whole = passage.text.strip() == rule.text.strip()
                kept = tuple(span for span in left if passage.text[span.start : span.end] != rule.text)
                whole = whole or (bool(left) and not kept)
                left = kept
            if whole:
                return rule.reason, ()
        return None, left

    def _report(self, guards: Sequence[Guard], passages: Sequence[Passage], verdicts: Iterable[Verdict]) -> Report:
        told = tuple(verdicts)
        action = strictest(verdict.action for verdict in told)
        by_name = {guard.called: guard for guard in guards}
        gone = taken_out(passages, told, Vault(self.key))
        if action not in ENDING:
            return Report(action, told, gone)
        by = min((verdict for verdict in told if verdict.action == action), key=_rank)
        return Report(action, told, gone, unjudged(by) or by_name[by.guard].message or BLOCKED, by)


def _rank(verdict: Verdict) -> int:
    """What a client is told of several that end a call: what will not change first."""
    return LASTING.index(verdict.cause) if verdict.cause in LASTING else len(LASTING)


def unjudged(verdict: Verdict) -> str | None:
    """What a client is told where a guard ended something that it did not judge; None where it did."""
    if verdict.ran:
        return None
    return f"{UNREADABLE}: {verdict.not_run}." if verdict.cause == "unreadable" else UNJUDGED


def _skipped(guard: Guard, passage: Passage, ended: Verdict) -> Verdict:
    return Verdict(
        guard=guard.called,
        stage=passage.stage,
        source=passage.source,
        action="allow",
        score=None,
        threshold=guard.threshold,
        milliseconds=0.0,
        not_run=f"{ended.guard} had ended the call",
        cause="ended",
    )
