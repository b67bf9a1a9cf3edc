"""A call under the guards of its release: let in, or not; and its replies."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace

from gateway.errors import ContentFiltered, GatewayError, Unequipped, Unjudged, Unreadable
from gateway.guarding import canary
from gateway.guarding.passages import OTHERS, VARIABLES, Placed, passages, put_back, surroundings, unheard, unread
from gateway.guarding.reply import GuardedReply
from gateway.releases.resolve import LiveRelease
from gateway.types import Operation, Principal
from gateway.wire.body import dump
from gateway.wire.surface import Call
from guardrails.engine import BLOCKED, Engine, Report
from guardrails.errors import NotRun
from guardrails.passage import STAGES, Passage
from guardrails.pii.vault import Vault, taken_out
from guardrails.verdict import Verdict

MOST_TEXTS = 5000
"""Texts of one call that are judged; of a call that has more none is, which verdicts say."""


class GuardedCall:
    """Of one visit. `verdicts` are those on the request. What is hidden from the upstream is remembered here, and
    nowhere else, until the call is over."""

    def __init__(
        self, engine: Engine, release: LiveRelease, call: Call, operation: Operation, principal: Principal | None
    ) -> None:
        self._engine, self._release, self._call, self._operation = engine, release, call, operation
        self._tenant = principal.team if principal is not None else None
        self.verdicts: list[Verdict] = []
        policy = engine.policy
        self._hears = bool(policy.at("output", self._tenant) or policy.at("tool_calls", self._tenant))
        self._around = surroundings(call, operation, self._tenant, policy.context)
        self._vault = Vault(_scoped(engine.key, principal))

    async def admit(self) -> str | None:
        """Judge the request, and take out of it what is to be. Gives the upstream that is to answer in place of the
        release's, where a guard says so. Raises `ContentFiltered`, which says where and not what it saw; where it was
        not judged and has to be, `Unjudged`, `Unequipped` or `Unreadable`."""
        found = passages(self._call, self._operation, self._release, self._engine.policy.context)
        missed = unread(self._call, self._operation)
        error = NotRun("it came as tokens", "unreadable") if missed is not None else None
        if missed is not None:
            found = [Placed(Passage("", "input", "user", missed), (missed,))]
        elif len(found) > MOST_TEXTS:
            error = NotRun(f"the call has more than {MOST_TEXTS} texts", "unreadable")
            stages = dict.fromkeys(one.passage.stage for one in found)
            found = [Placed(Passage("", stage, "user", ""), ()) for stage in stages]
        if others := unheard(self._call, self._operation):
            told = self._engine.missed("input", others[:MOST_TEXTS], NotRun("only text is read", "idle"), self._tenant)
            self.verdicts += told.verdicts
        fallback = None
        for stage in STAGES[:2]:
            here = [one.passage for one in found if one.passage.stage == stage]
            if not here:
                continue
            if error is None:
                report = await self._engine.check(stage, here, self._around)
            else:
                report = self._engine.missed(stage, here, error, self._tenant)
            self.verdicts += report.verdicts
            if report.ends and report.action != "fallback":
                raise _refusal(report)
            if report.action == "fallback":
                fallback = self._engine.policy.fallback
        self._take_out(found)
        self._place_canary()
        return fallback

    @property
    def gives_back(self) -> bool:
        """Whether its reply may have values in it that the upstream never saw."""
        return self._vault.given

    def reply(self) -> GuardedReply | None:
        """For the reply of one attempt; None where no guard judges what a model says, and nothing is given back."""
        hears = (self._hears or self.gives_back) and self._operation != "embeddings"
        return GuardedReply(self._engine, self._around, self._vault) if hears else None

    def _take_out(self, found: Sequence[Placed]) -> None:
        """Of both stages at once, in the order of the call, so that placeholders stay the same while a conversation
        grows, and providers know its beginning again."""
        if not any(verdict.action == "redact" for verdict in self.verdicts):
            return
        if any(span.by == "vault" for verdict in self.verdicts for span in verdict.spans):
            self._vault.avoid(dump(self._call.body).decode())
        given = [one.passage for one in found]
        put_back(self._call, self._release.prompt, found, taken_out(given, self.verdicts, self._vault))
        policy = self._engine.policy  # what is said is judged on what was given to whoever says it
        self._around = surroundings(self._call, self._operation, self._tenant, policy.context)

    def _place_canary(self) -> None:
        if self._operation != "chat" or not canary.wanted(self._engine.policy, self._tenant):
            return
        token = canary.token(self._engine.key, self._release.release.digest)
        body = canary.placed(self._call.body, token)
        if body is not None:
            self._call.body = body
            self._around = replace(self._around, canaries=(token,))


def _scoped(key: bytes, principal: Principal | None) -> bytes:
    """That of one project, or of a key that has none: hashes of others tell it nothing."""
    scope = "" if principal is None else f"project {principal.project}" if principal.project else principal.key_id
    return hmac.digest(key, b"redaction\0" + scope.encode(), "sha256")


def _refusal(report: Report) -> GatewayError:
    """Of a request that is not let in. Where a guard could not judge, whether asking again may help is what counts."""
    assert report.by is not None
    message, field = report.message or BLOCKED, _field(report.by)
    match report.by.cause:
        case None:
            return ContentFiltered(message, param=field)
        case "unreadable":
            return Unreadable(message, param=field)
        case "missing":
            return Unequipped(message, param=field, code=Unjudged.default_code)
        case _:
            return Unjudged(message, param=field, retry_after=1.0)


def _field(stopped: Verdict) -> str | None:
    """The field of the request that was stopped, as errors name it: messages[2].content. Of what stands in a field that
    we do not know, what that is in; None where that is the whole request."""
    steps = stopped.source.split(".")
    if OTHERS in steps and not stopped.source.startswith(VARIABLES):
        steps = steps[: steps.index(OTHERS)]
    return "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps).removeprefix(".") or None
