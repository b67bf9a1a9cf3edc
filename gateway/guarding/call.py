"""A call under the guards of its release: let in, or not; and its replies."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import ContentFiltered
from gateway.guarding.passages import Placed, passages, put_back, surroundings, unheard, unread
from gateway.guarding.reply import GuardedReply
from gateway.prompts.render import CompiledPrompt
from gateway.types import Operation
from gateway.wire.surface import Call
from guardrails.engine import BLOCKED, ENDING, Engine
from guardrails.passage import STAGES, Passage
from guardrails.verdict import Verdict


class GuardedCall:
    """Of one visit. `verdicts` are those on the request."""

    def __init__(self, engine: Engine, call: Call, operation: Operation, tenant: str | None) -> None:
        self._engine, self._call, self._operation, self._tenant = engine, call, operation, tenant
        self.verdicts: list[Verdict] = []
        policy = engine.policy
        self._hears = bool(policy.at("output", tenant) or policy.at("tool_calls", tenant))
        self._around = surroundings(call, operation, tenant, policy.context)

    async def admit(self, prompt: CompiledPrompt | None) -> str | None:
        """Judge the request, and take out of it what is to be. Gives the upstream that is to answer in place of the
        release's, where a guard says so. Raises `ContentFiltered`, which names the guard and not what it saw."""
        found = passages(self._call, self._operation, prompt, self._engine.policy.context)
        missed = unread(self._call, self._operation)
        if missed is not None:
            found = [Placed(Passage("", "input", "user", missed), (missed,))]
        if others := unheard(self._call, self._operation):
            self.verdicts += self._engine.missed("input", others, "only text is read", self._tenant, due=False).verdicts
        fallback, before, after = None, list[Placed](), list[Passage]()
        for stage in STAGES[:2]:
            placed = [one for one in found if one.passage.stage == stage]
            here = [one.passage for one in placed]
            if not here:
                continue
            if missed is None:
                report = await self._engine.check(stage, here, self._around)
            else:
                report = self._engine.missed(stage, here, "it came as tokens", self._tenant)
            self.verdicts += report.verdicts
            if report.ends and report.action != "fallback":
                raise ContentFiltered(report.message or BLOCKED, param=_field(report.verdicts))
            before += placed
            after += report.passages
            if report.action == "fallback":
                fallback = self._engine.policy.fallback
        put_back(self._call, prompt, before, after)
        return fallback

    def reply(self) -> GuardedReply | None:
        """For the reply of one attempt; None where no guard judges what a model says."""
        hears = self._hears and self._operation != "embeddings"
        return GuardedReply(self._engine, self._around) if hears else None


def _field(verdicts: Sequence[Verdict]) -> str | None:
    """The field of the request that was stopped, as errors name it: messages[2].content."""
    stopped = next((verdict for verdict in verdicts if verdict.action in ENDING), None)
    if stopped is None:
        return None
    first, *steps = stopped.source.split(".")
    return first + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps)
