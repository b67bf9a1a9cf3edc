"""A text that is being said, under the output guards of a policy: what may be seen of it so far, and when it must stop.

Nothing is seen that a guard which could hold it up has not judged. Rules follow character by character; models judge
segment by segment, beside the stream; guards that only flag, or need the whole, judge at the end.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from guardrails.engine import BLOCKED, ENDING, Engine, unjudged
from guardrails.errors import Cause
from guardrails.guard import Finder, Guard
from guardrails.guards.schema import asked
from guardrails.passage import Passage, Surroundings
from guardrails.pii.vault import Vault
from guardrails.redact import cut, mask, merged, touching
from guardrails.stream import Follower, Found, Segments
from guardrails.verdict import ACTIONS, Action, Finding, Span, Verdict

log = logging.getLogger(__name__)

MILD: frozenset[Action] = frozenset(("allow", "flag"))
MOST_TOLD = 100
"""Spans told in one verdict, about; all of them are taken out."""
MOST_KEPT = 1_000_000
"""Characters kept for guards that judge at the end; of a longer text they judge what they have, and say so."""


class GuardedText:
    """Belongs to one event loop. `changed` is called when models have judged more of it; after `feed` the caller looks
    himself.

    `visible` is how many characters may be seen, from the beginning, as `shown` gives them: with `spans` taken out, and
    the values of `vault` back in the place of their placeholders, which no guard sees. Once `ended` says why it had to
    stop, nothing beyond `visible` is ever to be seen."""

    def __init__(
        self,
        engine: Engine,
        around: Surroundings,
        source: str,
        changed: Callable[[], None],
        vault: Vault | None = None,
    ) -> None:
        guards = engine.policy.at("output", around.tenant)
        self._engine, self._around, self._source, self._changed = engine, around, source, changed
        self._finders = [guard for guard in guards if isinstance(guard, Finder)]
        slow = [guard for guard in guards if not isinstance(guard, Finder)]
        stops = [guard for guard in slow if guard.action not in MILD or guard.fails == "closed"]
        acting = stops if not engine.policy.dry_run else []
        self._by_segment = [guard for guard in acting if not guard.at_end]
        self._late = [guard for guard in slow if guard not in self._by_segment]
        self._waits = any(guard.at_end for guard in acting)
        """Nothing is seen before the end: what could hold it up judges only then."""
        self._follower = Follower(self._finders, around)
        self._segments = Segments()
        self._vault = vault or Vault(engine.key)
        self._revealer = self._vault.revealer(as_json=asked(around.response_format) is not None)
        self._hashes: dict[int, str] = {}
        """By where it begins, what stands in the place of a span that is hashed."""
        self._judging: deque[tuple[int, asyncio.Task[list[Verdict]]]] = deque()
        """Segments in order: where each ends, and its verdicts to come."""
        self._judged = 0
        """What stands before was judged by the models that hold up."""
        self._kept: list[str] = []
        self._length = 0
        self._told: dict[str, Verdict] = {}
        self._spent = 0.0
        """Milliseconds of all rules."""
        self._stop: tuple[int, Verdict] | None = None
        """Where it has to stop, and why; models may not have judged what stands before yet."""
        self.spans: list[Span] = []

    @property
    def visible(self) -> int:
        if self._waits:
            return 0
        upto = self._follower.settled if self._stop is None else self._stop[0]
        seen = min(upto, self._judged) if self._by_segment else upto
        return seen if self._stop is not None and seen == upto else self._revealer.before(seen)

    @property
    def ended(self) -> Verdict | None:
        if self._stop is None or (not self._waits and self.visible < self._stop[0]):
            return None
        return self._stop[1]

    @property
    def held(self) -> int:
        """Characters that came and may not be seen yet; of a text that is seen only as a whole, none."""
        return 0 if self._waits else self._length - self.visible

    @property
    def message(self) -> str:
        """What the client is told where it had to stop."""
        assert self._stop is not None
        guards, ended = self._engine.policy.at("output", self._around.tenant), self._stop[1]
        said = next((guard.message for guard in guards if guard.called == ended.guard), None)
        return unjudged(ended) or said or BLOCKED

    def shown(self, piece: str, start: int) -> str:
        """What is to be seen of a piece that begins at `start`, of what is visible. Of a placeholder that a guard took
        something of, or that was not said to its end, the value is not given back."""
        end = start + len(piece)
        spans = touching(self.spans, start, end)
        given = [one for one in touching(self._revealer.spans, start, end) if self._is_given_back(one)]
        return cut(piece, start, sorted([*spans, *given], key=lambda one: one.start) if given else spans, self._put)

    def feed(self, piece: str) -> None:
        """Go on with a piece. What comes after it had to stop is nowhere kept."""
        if self._stop is None:
            self._length += len(piece)
            self._follow(self._follower.feed, piece)
            if self._waits and self._length > MOST_KEPT:
                why = f"it is longer than {MOST_KEPT} characters, and what judges it needs all of it"
                self._failed(why, "unreadable")

    async def end(self) -> None:
        """The text is over: wait for what is being judged, and have those judge that need all of it."""
        if self._stop is None:
            self._follow(self._follower.end)
            self._revealer.end()
            if self._stop is None and self._by_segment:
                self._ask(self._segments.end())
        while self._judging:
            await asyncio.wait({self._judging[0][1]})
            self._advance()
        if self._stop is None and self._late:
            await self._judge_late()
        self._waits = False

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        for _, task in self._judging:
            task.cancel()
        self._judging.clear()

    def verdicts(self) -> list[Verdict]:
        """One of each guard, whether it judged or not, in the order of the policy."""
        told = []
        for guard in self._engine.policy.at("output", self._around.tenant):
            verdict = self._told.get(guard.called)
            if verdict is None and isinstance(guard, Finder):
                verdict = self._nothing(guard)
            told.append(self._timed(guard, verdict) if verdict is not None else self._missed(guard))
        return told

    def _is_given_back(self, span: Span) -> bool:
        whole = self._stop is None or span.end <= self._stop[0]
        return whole and not touching(self.spans, span.start, span.end)

    def _put(self, span: Span) -> str:
        if span.by == "vault":
            return self._revealer.value(span)
        return self._hashes.get(span.start, mask(span)) if span.by == "hash" else mask(span)

    def _follow(self, follow: Callable[..., tuple[str, list[Found]]], *piece: str) -> None:
        began, start = time.perf_counter(), self._follower.settled
        try:
            text, found = follow(*piece)
        except Exception:
            log.exception("defect in a rule of the stage output")
            return self._failed("a rule failed; the log says how", "failed")
        self._spent += (time.perf_counter() - began) * 1000
        for one in found:
            if self._stop is None:
                self._tell(one)
        if self._stop is not None:
            text = text[: self._stop[0] - start]
        self._revealer.feed(text)
        if self._late and self._length <= MOST_KEPT:
            self._kept.append(text)
        if self._by_segment:
            self._ask(self._segments.feed(text))
            if self._stop is not None:
                self._ask(self._segments.end())

    def _failed(self, why: str, cause: Cause) -> None:
        """Nobody knows what is in the text: no more of it is seen."""
        guard = self._engine.policy.at("output", self._around.tenant)[0]
        verdict = Verdict(guard.called, "output", self._source, "block", None, guard.threshold, 0.0)
        self._take(replace(verdict, not_run=why, cause=cause), self.visible)

    def _tell(self, found: Found) -> None:
        """Have a find of a rule come to a verdict."""
        span, finder = found.span, found.finder
        passage = Passage(found.text, "output", "assistant", self._source)
        finding = Finding.of([Span(0, len(found.text), span.label, span.score)])
        verdict = self._engine.verdict(finder, passage, finding, time.perf_counter(), self._around.tenant)
        if verdict.action == "redact" and finder.by == "hash":
            span = replace(span, by="hash")
            self._hashes[span.start] = self._vault.put(span, found.text)
        self._take(replace(verdict, spans=(span,) if verdict.spans else ()), span.start)

    def _take(self, verdict: Verdict, start: int) -> None:
        """Note a verdict; where it ends the text, nothing from `start` on is seen."""
        before = self._told.get(verdict.guard)
        self._told[verdict.guard] = verdict if before is None else _both(before, verdict)
        if verdict.action == "redact":
            for span in verdict.spans:
                self._hide(span)
        elif verdict.action in ENDING and (self._stop is None or start < self._stop[0]):
            self._stop = start, verdict

    def _hide(self, span: Span) -> None:
        """In order, none reaching into another; mostly a span comes after those that are there."""
        if self.spans and span.start < self.spans[-1].end:
            self.spans = merged([*self.spans, span])
        else:
            self.spans.append(span)

    def _ask(self, segments: Sequence[tuple[int, str]]) -> None:
        for start, text in segments:
            task = asyncio.create_task(self._judge(start, text))
            task.add_done_callback(lambda _: self._on_judged())
            self._judging.append((start + len(text), task))

    async def _judge(self, start: int, text: str) -> list[Verdict]:
        passage = Passage(text, "output", "assistant", self._source)
        judging = (self._engine.judge(guard, passage, self._around) for guard in self._by_segment)
        verdicts = await asyncio.gather(*judging)
        return [replace(one, spans=tuple(_moved(span, start) for span in one.spans)) for one in verdicts]

    def _on_judged(self) -> None:
        before = self.visible
        self._advance()
        if self.visible != before or self.ended is not None:
            self._changed()

    def _advance(self) -> None:
        """Go through the segments that are judged, in order, up to the first that is not."""
        while self._judging and self._judging[0][1].done():
            end, task = self._judging.popleft()
            if task.cancelled():
                return
            for verdict in task.result():
                self._take(verdict, self._judged)
            self._judged = end
            if self._stop is not None and self._stop[0] < end:
                return self.cancel()
        return None

    async def _judge_late(self) -> None:
        passage = Passage("".join(self._kept), "output", "assistant", self._source)
        judging = (self._engine.judge(guard, passage, self._around) for guard in self._late)
        for verdict in await asyncio.gather(*judging):
            if self._length > MOST_KEPT and verdict.ran and not verdict.flagged:
                why = f"only the first {MOST_KEPT} characters were judged"
                verdict = replace(verdict, score=None, not_run=why, cause="unreadable")
            self._take(verdict, 0 if self._waits else self._length)

    def _nothing(self, guard: Finder) -> Verdict:
        """Of a rule that followed the text and found nothing."""
        why = guard.idle(self._around)
        verdict = Verdict(guard.called, "output", self._source, "allow", 0.0, guard.threshold, 0.0)
        return verdict if why is None else replace(verdict, score=None, not_run=why, cause="idle")

    def _timed(self, guard: Guard, verdict: Verdict) -> Verdict:
        """Rules judge in one go: each has its part of the time."""
        if not isinstance(guard, Finder):
            return verdict
        return replace(verdict, milliseconds=self._spent / len(self._finders))

    def _missed(self, guard: Guard) -> Verdict:
        verdict = Verdict(guard.called, "output", self._source, "allow", None, guard.threshold, 0.0)
        if self._stop is None:
            return replace(verdict, not_run="there was nothing to judge", cause="idle")
        return replace(verdict, not_run=f"{self._stop[1].guard} had ended the answer", cause="ended")


def _both(before: Verdict, after: Verdict) -> Verdict:
    """Two verdicts of one guard on two parts of a text, judged side by side: the worse, with the spans of both. A part
    in which there was nothing to judge is none the worse for it."""
    worse = max(before, after, key=_badness)
    spans = before.spans if len(before.spans) >= MOST_TOLD else before.spans + after.spans
    return replace(worse, spans=spans, milliseconds=max(before.milliseconds, after.milliseconds))


def _badness(one: Verdict) -> tuple[bool, bool, int, float]:
    return one.not_run is not None and not one.idle, not one.idle, ACTIONS.index(one.action), one.score or 0.0


def _moved(span: Span, by: int) -> Span:
    return replace(span, start=span.start + by, end=span.end + by)
