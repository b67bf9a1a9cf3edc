"""Agents that run in circles, or up a bill: told from the calls a conversation made so far."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from evals.digest import sha256
from guardrails.errors import NotRun
from guardrails.guard import Guard, Models
from guardrails.passage import Passage, Stage, Surroundings, ToolCall
from guardrails.verdict import NOTHING, Finding

LONGEST_ROUND = 4
"""Calls of a round that is gone through again and again."""


class Breakers(Guard):
    """1 where a bound is passed, and the reason says which. Calls are the same where their tool and their arguments
    are, whatever the order of keys and the spaces."""

    guard: Literal["breakers"] = "breakers"
    same: int = Field(3, ge=1, le=1000, description="Times that one call may be made.")
    rounds: int = Field(2, ge=1, le=1000, description="Times in a row that two to four calls may go round.")
    idle: int = Field(4, ge=1, le=1000, description="Results in a row that may be the same.")
    calls: int = Field(50, ge=1, le=100_000, description="Calls of a conversation.")
    size: int = Field(1_000_000, ge=1, le=1_000_000_000, description="Characters of all arguments and results.")
    about: ClassVar[str] = "Loops, calls without progress, and too many or too large calls of an agent"
    stages: ClassVar[tuple[Stage, ...]] = ("tool_calls",)

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if not around.calls:
            raise NotRun("no calls were given", "idle")
        reason = self.broken(around.calls, around.results)
        return NOTHING if reason is None else Finding(1.0, reason=reason)

    def broken(self, calls: Sequence[ToolCall], results: Sequence[str]) -> str | None:
        """The first bound that is passed."""
        if len(calls) > self.calls:
            return f"{len(calls)} calls were made, and {self.calls} are allowed"
        size = sum(len(call.arguments) for call in calls) + sum(map(len, results))
        if size > self.size:
            return f"arguments and results have {size} characters, and {self.size} are allowed"
        made = [identity(call) for call in calls]
        most = Counter(made).most_common(1)[0][1]
        if most > self.same:
            return f"one call was made {most} times, and {self.same} are allowed"
        for length in range(2, LONGEST_ROUND + 1):
            if (times := gone_round(made, length)) > self.rounds:
                return f"the same {length} calls were made {times} times in a row, and {self.rounds} are allowed"
        if (still := at_the_end(results)) > self.idle:
            return f"{still} results in a row were the same, and {self.idle} are allowed"
        return None


def identity(call: ToolCall) -> str:
    """The same for calls that are."""
    try:
        return sha256([call.name, json.loads(call.arguments)])
    except (ValueError, TypeError, RecursionError):  # no JSON, or a number that is none
        return f"{call.name}({call.arguments})"


def gone_round(made: Sequence[str], length: int) -> int:
    """How many times the last `length` calls were made in a row, at the end."""
    last, times = made[-length:], 0
    while made[len(made) - (times + 1) * length : len(made) - times * length] == last:
        times += 1
        if (times + 1) * length > len(made):
            break
    return times


def at_the_end(results: Sequence[str]) -> int:
    """How many results at the end are the same as the last."""
    return next((number for number, one in enumerate(reversed(results)) if one != results[-1]), len(results))
