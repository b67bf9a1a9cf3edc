"""Answers are kept by everything that was asked, and by nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from evals.errors import BadInput
from evals.runs.answers import AnswersFile, Keys
from evals.sample import Output, Sample, ToolCall, Usage
from evals.targets.base import Asking
from evals.targets.openai import OpenAISpec

pytestmark = pytest.mark.anyio

SAMPLE = Sample("a", ({"role": "user", "content": "Hi"},), documents=("one",), variables={"x": 1})
ASKING = Asking(0, 7)
SPEC = OpenAISpec(model="m")


async def test_an_answer_is_found_as_it_was_kept_also_by_another_process(tmp_path: Path) -> None:
    output = Output("yes", ({"role": "assistant", "content": "yes"},), (ToolCall("f", {"x": 1}),), usage=Usage(1, 2, 3))
    answers = AnswersFile(tmp_path / "deep" / "answers.db")
    key = Keys(SPEC).of(SAMPLE, ASKING)
    assert await answers.claim(key) is None
    await answers.keep(key, output)
    await answers.keep(key, Output("another"))
    assert await AnswersFile(tmp_path / "deep" / "answers.db").claim(key) == output


async def test_who_wants_the_same_at_the_same_time_waits_for_it() -> None:
    answers, asked = AnswersFile(None), list[int]()

    async def ask(number: int) -> Output:
        if (kept := await answers.claim(b"k")) is not None:
            return kept
        asked.append(number)
        await asyncio.sleep(0)
        await answers.keep(b"k", Output(str(number)))
        return Output(str(number))

    found = await asyncio.gather(*map(ask, range(20)))
    assert asked == [0]
    assert {output.text for output in found} == {"0"}


async def test_where_none_came_the_next_one_asks() -> None:
    answers, asked = AnswersFile(None), list[int]()

    async def ask(number: int) -> Output | None:
        if (kept := await answers.claim(b"k")) is not None:
            return kept
        asked.append(number)
        await asyncio.sleep(0)
        if number < 2:
            await answers.release(b"k")
            return None
        await answers.keep(b"k", Output("at last"))
        return Output("at last")

    found = await asyncio.gather(*map(ask, range(5)))
    assert asked == [0, 1, 2]
    assert [output and output.text for output in found] == [None, None, "at last", "at last", "at last"]


@pytest.mark.parametrize(
    ("spec", "sample", "asking"),
    [
        (SPEC, SAMPLE, Asking(1, 7)),
        (SPEC, SAMPLE, Asking(0, 8)),
        (SPEC, replace(SAMPLE, messages=({"role": "user", "content": "Ho"},)), ASKING),
        (SPEC, replace(SAMPLE, documents=()), ASKING),
        (SPEC, replace(SAMPLE, variables={"x": 2}), ASKING),
        (SPEC, replace(SAMPLE, tools=({"type": "function"},)), ASKING),
        (OpenAISpec(model="n"), SAMPLE, ASKING),
        (OpenAISpec(model="m", parameters={"temperature": 0}), SAMPLE, ASKING),
        (OpenAISpec(model="m", base_url="https://elsewhere/v1"), SAMPLE, ASKING),
    ],
)
def test_what_the_answer_may_depend_on_makes_another_key(spec: OpenAISpec, sample: Sample, asking: Asking) -> None:
    assert Keys(spec).of(sample, asking) != Keys(SPEC).of(SAMPLE, ASKING)


def test_what_another_epoch_of_a_judge_said_is_not_found() -> None:
    keys = [Keys(SPEC, epoch).of(SAMPLE, ASKING) for epoch in (0, 1, 2)]
    assert len({*keys, Keys(SPEC).of(SAMPLE, ASKING)}) == 3


def test_what_it_cannot_depend_on_makes_none() -> None:
    other = replace(SAMPLE, id="b", expected="yes", cluster="c", slices={"s": "t"}, metadata={"m": 1})
    assert Keys(OpenAISpec(model="m", key="OTHER_KEY")).of(other, ASKING) == Keys(SPEC).of(SAMPLE, ASKING)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "answers.db").write_text("this is no database" * 100)
    with pytest.raises(BadInput, match=r"answers\.db"):
        AnswersFile(tmp_path / "answers.db")
