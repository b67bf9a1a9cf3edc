"""Programs as targets: functions and Runnables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput, TargetFailed
from evals.sample import Sample, Usage
from evals.targets.base import Asking
from evals.targets.python import PythonSpec
from evals.targets.runnable import RunnableSpec

pytestmark = pytest.mark.anyio

SAMPLE = Sample("a", ({"role": "user", "content": "Hi"},))
ASKING = Asking(0, 7)

PROGRAM = """
from evals.sample import Output

def text(sample):
    return f"You said {sample.question}."

async def waits(sample):
    return Output("yes", finish="stop", model="m")

def mapping(sample):
    return {"text": "no", "usage": {"input_tokens": 2, "output_tokens": 1, "cost": 5}}

def raises(sample):
    raise ValueError("what?")

def nothing(sample):
    return 7

constant = 3
"""

CHAIN = """
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

def answer(messages):
    return AIMessage(
        content=f"You said {messages[-1]['content']}.",
        tool_calls=[{"name": "f", "args": {"x": 1}, "id": "1"}],
        usage_metadata={"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
        response_metadata={"finish_reason": "stop", "model_name": "m-1"},
    )

chain = RunnableLambda(answer)
words = RunnableLambda(lambda variables: variables["name"])
broken = RunnableLambda(lambda given: 1 / 0)
odd = RunnableLambda(lambda given: 7)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "chain.py").write_text(CHAIN)
    return tmp_path


async def test_a_function_answers(folder: Path) -> None:
    async def say(name: str) -> Any:
        return await PythonSpec(call=f"program:{name}").placed(folder).open(folder).ask(SAMPLE, ASKING)

    assert (await say("text")).text == "You said Hi."
    assert ((await say("waits")).text, (await say("waits")).model) == ("yes", "m")
    assert (await say("mapping")).usage == Usage(2, 1, 5)
    with pytest.raises(TargetFailed, match="ValueError: what"):
        await say("raises")
    with pytest.raises(TargetFailed, match="neither a text nor an output"):
        await say("nothing")


def test_its_text_is_part_of_the_target(folder: Path) -> None:
    before = PythonSpec(call="program:text").placed(folder).identity
    assert PythonSpec(call="program:text").placed(folder).identity == before
    (folder / "program.py").write_text(PROGRAM + "\n# changed\n")
    assert PythonSpec(call="program:text").placed(folder).identity != before


@pytest.mark.parametrize("call", ["program:constant", "program:none", "absent:f"])
def test_what_is_no_function_is_said_at_once(folder: Path, call: str) -> None:
    with pytest.raises(BadInput):
        PythonSpec(call=call).placed(folder)


async def test_a_runnable_answers(folder: Path) -> None:
    output = await RunnableSpec(call="chain:chain").placed(folder).open(folder).ask(SAMPLE, ASKING)
    assert (output.text, output.finish, output.model) == ("You said Hi.", "stop", "m-1")
    assert (output.tool_calls[0].name, output.tool_calls[0].arguments) == ("f", {"x": 1})
    assert output.usage == Usage(3, 2, None)
    named = Sample("b", variables={"name": "Ada"})
    assert (await RunnableSpec(call="chain:words").open(folder).ask(named, ASKING)).text == "Ada"


async def test_a_runnable_that_fails(folder: Path) -> None:
    with pytest.raises(TargetFailed, match="ZeroDivisionError"):
        await RunnableSpec(call="chain:broken").open(folder).ask(SAMPLE, ASKING)
    with pytest.raises(TargetFailed, match="int, which is neither"):
        await RunnableSpec(call="chain:odd").open(folder).ask(SAMPLE, ASKING)
    with pytest.raises(BadInput, match="no Runnable"):
        RunnableSpec(call="program:text").placed(folder)
