"""A target that is asked turn by turn."""

from __future__ import annotations

import pytest

from evals.sample import Json, Output, Sample, ToolCall, Usage
from evals.targets.base import Asking
from evals.targets.scripted import ScriptedSpec
from gateway.redteam.turns import Turns, TurnsSpec

pytestmark = pytest.mark.anyio
ASKING = Asking(0, 0)


class Told:
    """Keeps what it is asked, and answers in turn."""

    def __init__(self, *outputs: Output) -> None:
        self.asked: list[tuple[Json, ...]] = []
        self._outputs = list(outputs)

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        self.asked.append(sample.messages)
        return self._outputs.pop(0)

    async def close(self) -> None: ...


def says(text: str, **more: object) -> Output:
    held: Json = {"usage": Usage(1, 2, 3), "seconds": 0.5, **more}
    return Output(text, ({"role": "assistant", "content": text, "refusal": None},), **held)


def user(*texts: str) -> tuple[Json, ...]:
    return tuple({"role": "user", "content": text} for text in texts)


async def test_each_turn_is_said_once_the_one_before_was_answered() -> None:
    told = Told(says("one", guards=({"guard": "a"},)), says("two", guards=({"guard": "b"},)))
    output = await Turns(told).ask(Sample("s", ({"role": "system", "content": "Be kind."}, *user("A", "B"))), ASKING)
    first, second = told.asked
    assert [one["content"] for one in first] == ["Be kind.", "A"]
    assert [one["content"] for one in second] == ["Be kind.", "A", "one", "B"]
    assert "refusal" not in second[2]
    assert (output.text, output.usage, output.seconds) == ("two", Usage(2, 4, 6), 1.0)
    assert [one["content"] for one in output.messages] == ["one", "two"]
    assert [one["guard"] for one in output.guards] == ["a", "b"]


async def test_one_question_is_one_ask() -> None:
    told = Told(says("one"))
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = (
        *user("A"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "x"},
    )
    await Turns(told).ask(Sample("s", messages), ASKING)
    assert told.asked == [messages]


async def test_a_content_filter_ends_the_conversation() -> None:
    told = Told(Output(finish="content_filter"), says("never"))
    output = await Turns(told).ask(Sample("s", user("A", "B")), ASKING)
    assert (output.finish, len(told.asked)) == ("content_filter", 1)


async def test_tools_are_never_run_and_their_calls_are_kept() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}
    first = Output("", ({"role": "assistant", "tool_calls": [call]},), tool_calls=(ToolCall("pay", {}, "c1"),))
    told = Told(first, says("done"))
    output = await Turns(told).ask(Sample("s", user("A", "B")), ASKING)
    assert told.asked[1][1:3] == (
        {"content": None, "role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    )
    assert [call.name for call in output.tool_calls] == ["pay"]


def test_it_is_its_target_asked_another_way() -> None:
    spec = ScriptedSpec()
    assert TurnsSpec(asked=spec).identity == {**spec.identity, "turns": True}
