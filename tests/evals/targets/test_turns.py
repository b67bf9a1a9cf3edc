"""Targets that are asked more than once: agents with tools, and conversations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from evals.errors import BadInput
from evals.judges.judge import Judge
from evals.sample import Output, Sample
from evals.targets.agent import AgentSpec
from evals.targets.base import Asking
from evals.targets.conversation import ConversationSpec

pytestmark = pytest.mark.anyio

ASKING = Asking(0, 7)

MODEL = """
from evals.sample import Output, ToolCall, Usage

def wants(sample):
    '''Calls what its question names, until it has a result.'''
    last = sample.messages[-1]
    if last["role"] == "tool":
        return Output("It says: " + last["content"], ({"role": "assistant", "content": "done"},), usage=Usage(1, 1, 3))
    name, _, value = sample.question.partition(" ")
    arguments = "not json" if value == "odd" else {"city": value}
    call = ToolCall(name, arguments, "1")
    return Output("", ({"role": "assistant", "tool_calls": [{"id": "1"}]},), (call,), usage=Usage(1, 1, 2))

def loops(sample):
    return Output("again", ({"role": "assistant", "content": None},), (ToolCall("weather", {"city": "x"}, "1"),))

def weather(city):
    return {"city": city, "degrees": 21}

async def breaks(city):
    raise RuntimeError("it rains in " + city)

tools = {"weather": weather, "breaks": breaks}
not_tools = [weather]

def counts(sample):
    said = [message for message in sample.messages if message["role"] == "user"]
    return f"You have said {len(said)} things, at last {said[-1]['content']}."

def plays(sample):
    '''A user who is content with the second answer.'''
    seen = [message for message in sample.messages if message["role"] == "user"]
    return Output("[END]" if len(seen) > 1 else sample.messages[0]["content"].split("part: ")[1].split("\\n")[0],
                  usage=Usage(1, 1, 4))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(MODEL)
    return tmp_path


def program(name: str) -> dict[str, Any]:
    return {"kind": "python", "call": f"program:{name}"}


async def ask(folder: Path, spec: Any, question: str, **sample: Any) -> Output:
    target = spec.placed(folder).open(folder)
    found: Output = await target.ask(Sample("a", ({"role": "user", "content": question},), **sample), ASKING)
    await target.close()
    return found


async def test_an_agent_s_tools_are_run_and_their_results_given_back(folder: Path) -> None:
    output = await ask(folder, AgentSpec(model=program("wants"), tools="program:tools"), "weather Paris")
    assert output.text == 'It says: {"city":"Paris","degrees":21}'
    assert [(call.name, call.arguments) for call in output.tool_calls] == [("weather", {"city": "Paris"})]
    assert [message["role"] for message in output.messages] == ["assistant", "tool", "assistant"]
    assert output.usage.cost == 5


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("breaks Rome", "Error: RuntimeError: it rains in Rome"),
        ("delete Rome", "Error: there is no tool 'delete'."),
        ("weather odd", "Error: the arguments are no JSON object."),
        ("canned Rome", "as written"),
    ],
)
async def test_a_model_is_told_what_came_of_its_call(folder: Path, question: str, told: str) -> None:
    spec = AgentSpec(model=program("wants"), tools="program:tools", results={"canned": "as written"})
    assert (await ask(folder, spec, question)).text == f"It says: {told}"


async def test_an_agent_ends_after_so_many_steps(folder: Path) -> None:
    output = await ask(folder, AgentSpec(model=program("loops"), tools="program:tools", steps=3), "go")
    assert len(output.tool_calls) == 3


async def test_a_user_follows_a_script(folder: Path) -> None:
    spec = ConversationSpec(target=program("counts"), user={"says": ["And then?", "Why?"]})
    output = await ask(folder, spec, "Hello")
    assert output.text == "You have said 3 things, at last Why?."
    assert [message["role"] for message in output.messages] == ["assistant", "user", "assistant", "user", "assistant"]
    short = ConversationSpec(target=program("counts"), user={"says": ["And then?", "Why?"]}, turns=2)
    assert "2 things" in (await ask(folder, short, "Hello")).text


async def test_a_model_plays_a_user_until_it_has_what_it_came_for(folder: Path) -> None:
    user = {"model": program("plays"), "persona": "a tired {job} who wants {expected}"}
    spec = ConversationSpec(target=program("counts"), user=user)
    output = await ask(folder, spec, "Hello", expected="sleep", metadata={"job": "nurse"})
    assert output.text == "You have said 2 things, at last a tired nurse who wants sleep."
    assert output.usage.cost is None or output.usage.cost >= 8


def test_what_is_nested_is_checked_and_part_of_the_target(folder: Path) -> None:
    with pytest.raises(ValidationError, match="abacus"):
        AgentSpec(model={"kind": "abacus"})
    with pytest.raises(ValidationError, match="rules"):
        ConversationSpec(target={"kind": "scripted", "rules": 3}, user={"says": ["x"]})
    with pytest.raises(ValidationError, match="played by a model"):
        ConversationSpec(target=program("counts"), user={})
    with pytest.raises(BadInput, match="no mapping"):
        AgentSpec(model=program("wants"), tools="program:not_tools").placed(folder)
    with pytest.raises(BadInput, match="absent"):
        AgentSpec(model={"kind": "python", "call": "absent:f"}).placed(folder)
    one, other = (AgentSpec(model=program("wants"), steps=steps).identity for steps in (3, 4))
    assert one != other


def test_a_nested_function_that_changed_is_another_target(folder: Path) -> None:
    def digests() -> list[Any]:
        nested = program("wants")
        specs = (
            AgentSpec(model=nested),
            ConversationSpec(target=nested, user={"says": ["x"]}),
            ConversationSpec(target={"kind": "scripted"}, user={"model": nested}),
        )
        judge = Judge(target=nested, rubric="Is it right?")
        return [*(dict(spec.placed(folder).identity) for spec in specs), judge.placed(folder).digest]

    before = digests()
    assert digests() == before
    (folder / "program.py").write_text(MODEL + "\n# changed\n")
    assert all(one != other for one, other in zip(before, digests(), strict=True))


async def test_all_calls_of_a_conversation_are_told(folder: Path) -> None:
    agent = {"kind": "agent", "model": program("wants"), "tools": "program:tools"}
    spec = ConversationSpec(target=agent, user={"says": ["weather Rome"]})
    output = await ask(folder, spec, "weather Paris")
    assert [call.arguments["city"] for call in output.tool_calls] == ["Paris", "Rome"]
