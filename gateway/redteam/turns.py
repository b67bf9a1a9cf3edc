"""A target that is asked turn by turn where a sample has several turns of the user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from msgspec.structs import replace
from pydantic import SerializeAsAny

from evals.sample import Json, Output, Sample, ToolCall, Usage
from evals.targets.base import Asking, Target, TargetSpec

KEPT = ("role", "content", "tool_calls")
"""What of an answer is said again in the next turn."""


class TurnsSpec(TargetSpec):
    """`asked` answers each turn. Of messages of the user that follow each other, the next is said once the one before
    was answered; a content filter ends the conversation. The text is that of the last answer, the messages are all."""

    about: ClassVar[str] = "a target asked turn by turn, where a sample has several"
    kind: Literal["turns"] = "turns"
    asked: SerializeAsAny[TargetSpec]

    @property
    def identity(self) -> Mapping[str, Any]:
        return {**self.asked.identity, "turns": True}

    @property
    def family(self) -> str | None:
        return self.asked.family

    def open(self, folder: Path) -> Target:
        return Turns(self.asked.open(folder))


class Turns:
    def __init__(self, target: Target) -> None:
        self._target = target

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        history: list[Json] = []
        said: list[Json] = []
        calls: list[ToolCall] = []
        guards: list[Json] = []
        usage, seconds, output = Usage(cost=0), 0.0, Output()
        for message, following in zip(sample.messages, (*sample.messages[1:], None), strict=True):
            history.append(message)
            if following is not None and not _next_turn(message, following):
                continue
            output = await self._target.ask(replace(sample, messages=tuple(history)), asking)
            usage, seconds = usage + output.usage, seconds + output.seconds
            said += output.messages
            calls += output.tool_calls
            guards += output.guards
            if output.finish == "content_filter":
                break
            history += _again(output)
        return replace(
            output,
            messages=tuple(said),
            tool_calls=tuple(calls),
            guards=tuple(guards),
            usage=usage,
            seconds=seconds,
        )

    async def close(self) -> None:
        await self._target.close()


def _next_turn(message: Json, following: Json) -> bool:
    return bool(message.get("role") == "user" and following.get("role") == "user")


def _again(output: Output) -> list[Json]:
    """An answer as the next request has it, with a result for each call in it: tools are never run."""
    answers = [{name: one[name] for name in KEPT if name in one} for one in output.messages]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "done"} for call in output.tool_calls]
    return [*({"content": None, **one} for one in answers), *results]
