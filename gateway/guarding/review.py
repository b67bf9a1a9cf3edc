"""Which calls a person is to look at, for what guards did with them or nearly did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from guardrails.verdict import Verdict

Mark = Literal["near", "flag", "ask", "fallback", "block"]
MARKS: tuple[Mark, ...] = get_args(Mark)
"""From the mildest to the strictest. What was redacted goes on, and is not looked at."""
NEAR = 0.8
"""A score of at least this share of its threshold, and below it, is near: one in five short is where a guard is most
often wrong, and the share is as strict with a low threshold as with a high one."""


def near(verdict: Verdict) -> bool:
    """Whether little was missing for the guard to act."""
    return verdict.score is not None and NEAR * verdict.threshold <= verdict.score < verdict.threshold


def mark(verdicts: Iterable[Verdict]) -> Mark | None:
    """The most that guards did with a call, or in a dry run would have done; None where nobody needs to look at it."""
    found = (_mark(verdict) for verdict in verdicts)
    return max((one for one in found if one is not None), key=MARKS.index, default=None)


def _mark(verdict: Verdict) -> Mark | None:
    done = verdict.would or verdict.action
    if done == "allow" or done == "redact":
        return "near" if near(verdict) else None
    return done
