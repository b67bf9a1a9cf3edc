"""What a judge says that cannot be read is asked for once more, and paid for."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.judges.asking import asked, read
from evals.judges.hearing import hear
from evals.runs.log import read_header, read_results
from evals.sample import Output, Sample, Usage
from tests.evals.cli.test_run import sluice
from tests.evals.judges.test_judge import YES, judged, labelled

QUESTION = asked("Is it right?", Sample("a", ({"role": "user", "content": "Why?"},)), "because")


class Saying:
    """One thing after another."""

    def __init__(self, *texts: str) -> None:
        self.texts, self.heard = list(texts), list[Sample]()

    async def __call__(self, question: Sample) -> Output:
        self.heard.append(question)
        return Output(self.texts.pop(0), usage=Usage(1, 1, 7))


@pytest.mark.anyio
async def test_what_can_be_read_is_asked_for_once() -> None:
    says = Saying(YES)
    heard = await hear(says, QUESTION, read)
    assert heard.said is not None
    assert (heard.said.value, heard.usage.cost, len(says.heard)) == (1.0, 7, 1)


@pytest.mark.anyio
async def test_what_cannot_is_asked_for_once_more_with_what_is_wrong() -> None:
    says = Saying("Well, yes.", YES)
    heard = await hear(says, QUESTION, read)
    assert heard.said is not None
    assert (heard.said.value, heard.usage.cost) == (1.0, 14)
    *before, said, request = says.heard[1].messages
    assert tuple(before) == QUESTION.messages
    assert said == {"role": "assistant", "content": "Well, yes."}
    assert "neither yes nor no" in request["content"]


@pytest.mark.anyio
async def test_what_cannot_be_read_twice_is_nothing_with_its_reason() -> None:
    says = Saying("  ", "hm")
    heard = await hear(says, QUESTION, read)
    assert (heard.said, heard.usage.cost) == (None, 14)
    assert "asked twice: 'hm'" in heard.why
    assert [message["role"] for message in says.heard[1].messages] == ["system", "user", "user"]


def test_in_a_run_and_in_a_calibration_alike(tmp_path: Path) -> None:
    rules = [{"when": "cannot be read", "say": YES}, {"when": "nonsense", "say": "{}"}, {"say": "hm"}]
    judged(tmp_path, target={"kind": "scripted", "cost": 5, "rules": rules})
    assert sluice(tmp_path, "run", "suite.yaml", "--out", "one").returncode == 0
    assert {result.scores["judge"].value for result in read_results(tmp_path / "one" / "candidate")} == {1.0}
    assert read_header(tmp_path / "one" / "candidate").cost == 60 * 10
    labelled(tmp_path, right=30, wrong=0)
    assert "1.000 [0.884, 1.000] of 30 right" in sluice(tmp_path, "judge", "suite.yaml", "strict").stdout


def test_a_run_that_goes_on_pays_for_neither_again(tmp_path: Path) -> None:
    judged(tmp_path, target={"kind": "scripted", "cost": 5, "rules": [{"say": "hm"}]})
    for out in ("one", "two"):
        assert sluice(tmp_path, "run", "suite.yaml", "--out", out, "--budget", "0.0006usd").returncode == 0, out
    assert {result.scores["judge"].value for result in read_results(tmp_path / "two" / "candidate")} == {None}
