"""A conversation: the target is asked turn by turn, by a user who follows a script, or whom a model plays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec.structs import replace
from pydantic import Field, PrivateAttr, model_validator

from evals.parts import Part
from evals.sample import Json, Output, Sample, ToolCall, Usage, text_of
from evals.targets.base import Asking, Target, TargetSpec
from evals.targets.nested import Nested, spec_of

PLAY = (
    "You play a user who talks to an assistant. Stay in your part: {persona}\n"
    "Write only what the user says next. When the user has what they came for, or gives up, write {end} and nothing"
    " else."
)
END = "[END]"


class User(Part):
    """Who talks to the target after the sample's own messages: `says` is what, turn by turn; or `model` is a target
    that plays `persona`, in which `{expected}` and the sample's metadata by name may stand."""

    says: tuple[str, ...] = ()
    model: Nested | None = None
    persona: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.says) == (self.model is not None):
            raise ValueError("a user either says what stands here, or is played by a model")
        return self


class ConversationSpec(TargetSpec):
    """`target` is asked at most `turns` times. The answer is the last one; the trajectory has them all, with what the
    user said between. What the user cost counts too."""

    sees_all: ClassVar[bool] = True
    about: ClassVar[str] = "a target asked turn by turn, by a scripted or simulated user"
    kind: Literal["conversation"] = "conversation"
    target: Nested
    user: User
    turns: Annotated[int, Field(ge=1, le=50)] = 5

    _asked: TargetSpec | None = PrivateAttr(None)
    _player: TargetSpec | None = PrivateAttr(None)

    def placed(self, folder: Path) -> Self:
        placed = self.model_copy()
        placed._asked = spec_of(self.target).placed(folder)
        if self.user.model is not None:
            placed._player = spec_of(self.user.model).placed(folder)
        return placed

    @property
    def identity(self) -> Mapping[str, Any]:
        asked, player = self._nested
        return {**super().identity, "target": asked.identity, "played_by": player.identity if player else None}

    @property
    def family(self) -> str | None:
        return self._nested[0].family

    def open(self, folder: Path) -> Target:
        asked, player = self._nested
        return Conversation(asked.open(folder), player.open(folder) if player else None, self.user, self.turns)

    @property
    def _nested(self) -> tuple[TargetSpec, TargetSpec | None]:
        """Who is asked, and who plays the user."""
        if self._asked is not None:
            return self._asked, self._player
        return spec_of(self.target), spec_of(self.user.model) if self.user.model is not None else None


class Conversation:
    def __init__(self, target: Target, player: Target | None, user: User, turns: int) -> None:
        self._target, self._player, self._user, self._turns = target, player, user, turns

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        said: list[Json] = []
        calls: list[ToolCall] = []
        usage, seconds = Usage(cost=0), 0.0
        turn = 0
        while True:
            output = await self._target.ask(replace(sample, messages=(*sample.messages, *said)), asking)
            usage, seconds = usage + output.usage, seconds + output.seconds
            said += output.messages
            calls += output.tool_calls
            turn += 1
            if turn == self._turns:
                break
            words, took = await self._says(turn, sample, said, asking)
            usage += took
            if words is None:
                break
            said.append({"role": "user", "content": words})
        return replace(output, messages=tuple(said), tool_calls=tuple(calls), usage=usage, seconds=seconds)

    async def close(self) -> None:
        for target in (self._target, self._player):
            if target is not None:
                await target.close()

    async def _says(self, turn: int, sample: Sample, said: list[Json], asking: Asking) -> tuple[str | None, Usage]:
        """None where the user has nothing more to say."""
        if self._player is None:
            says = self._user.says
            return (says[turn - 1] if turn <= len(says) else None), Usage(cost=0)
        seen = [
            _turned(message) for message in (*sample.messages, *said) if message.get("role") in ("user", "assistant")
        ]
        part: Json = {"role": "system", "content": PLAY.format(persona=_filled(self._user.persona, sample), end=END)}
        output = await self._player.ask(Sample(sample.id, (part, *seen)), asking)
        words = output.text.strip()
        return (None if not words or END in words else words), output.usage


def _turned(message: Json) -> Json:
    """As the one who plays the user sees it: what the target says is said to them."""
    role = "assistant" if message["role"] == "user" else "user"
    return {"role": role, "content": text_of(message)}


def _filled(persona: str, sample: Sample) -> str:
    known = {**{name: str(value) for name, value in sample.metadata.items()}, "expected": str(sample.expected)}
    for name, value in known.items():
        persona = persona.replace(f"{{{name}}}", value)
    return persona
