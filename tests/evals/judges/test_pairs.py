"""Two answers in both orders: what is asked, and what comes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.errors import BadInput
from evals.judges.judge import Judge
from evals.judges.labels import labels
from evals.judges.pairs import Pair, preferred
from evals.sample import Output, Sample, Usage
from evals.targets.scripted import ScriptedSpec

SAMPLE = Sample("a", ({"role": "user", "content": "Why?"},), "the wanted text")
BY_WORDS = {
    "kind": "scripted",
    "cost": 5,
    "rules": [
        {"when": r"<first answer \w+>\ngood", "say": '{"reason": "it is good", "better": "first"}'},
        {"when": r"<second answer \w+>\ngood", "say": '{"reason": "it is good", "better": "second"}'},
        {"say": '{"reason": "neither is", "better": "tie"}'},
    ],
}
"""A judge that knows a good answer by how it begins."""
ALWAYS_FIRST = {"kind": "scripted", "cost": 5, "rules": [{"say": '{"reason": "it leads", "better": "first"}'}]}


class Asking:
    def __init__(self, *says: str) -> None:
        self.says, self.asked = says, list[str]()

    async def __call__(self, question: Sample) -> Output:
        self.asked.append(question.question)
        return Output(self.says[len(self.asked) - 1], usage=Usage(1, 1, 5))


def says(better: str) -> str:
    return json.dumps({"reason": f"the {better}", "better": better})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("ahead", "behind", "value", "agree", "why"),
    [
        ("first", "second", 1.0, True, "better in both orders: the first"),
        ("second", "first", 0.0, True, "worse in both orders"),
        ("tie", "tie", 0.5, True, "a tie in both orders"),
        ("first", "first", 0.5, False, "the orders disagree"),
        ("second", "second", 0.5, False, "the orders disagree"),
        ("first", "tie", 0.5, False, "As the second: the tie"),
        ("tie", "first", 0.5, False, "As the first: the tie"),
    ],
)
async def test_a_win_is_one_in_both_orders(ahead: str, behind: str, value: float, agree: bool, why: str) -> None:
    ask = Asking(says(ahead), says(behind))
    score = await preferred(ask, "Which?", Pair(SAMPLE, "mine", "theirs"))
    assert (score.value, score.details["agree"]) == (value, agree)
    assert why in score.reason
    assert score.usage is not None
    assert score.usage.cost == 10
    one, other = ask.asked
    assert one.index("\nmine\n") < one.index("\ntheirs\n")
    assert other.index("\ntheirs\n") < other.index("\nmine\n")


@pytest.mark.anyio
async def test_both_sides_are_asked_the_same_two_questions() -> None:
    one, other = Asking(says("tie"), says("tie")), Asking(says("tie"), says("tie"))
    await preferred(one, "Which?", Pair(SAMPLE, "mine", "theirs"))
    await preferred(other, "Which?", Pair(SAMPLE, "theirs", "mine"))
    assert sorted(one.asked) == sorted(other.asked)
    for text in one.asked:
        assert "candidate" not in text
        assert "baseline" not in text


@pytest.mark.anyio
async def test_where_one_order_cannot_be_read_there_is_no_score() -> None:
    ask = Asking(says("first"), "hm", says("first") + says("second"))
    score = await preferred(ask, "Which?", Pair(SAMPLE, "mine", "theirs"))
    assert score.value is None
    assert "said several, asked twice" in score.reason
    assert score.usage is not None
    assert score.usage.cost == 15


@pytest.mark.anyio
async def test_the_expected_answer_is_not_told_apart_and_equals_are_a_tie_for_nothing() -> None:
    ask = Asking(says("tie"), says("tie"))
    await preferred(ask, "Which?", Pair(SAMPLE, "mine", "the wanted text", expected=True))
    assert all(text.count("the wanted text") == 1 and "expected" not in text for text in ask.asked)
    score = await preferred(Asking(), "Which?", Pair(SAMPLE, "same ", "same"))
    assert (score.value, score.usage) == (0.5, None)


def test_labels_say_which_is_better(tmp_path: Path) -> None:
    judge = Judge(target=ScriptedSpec().model_dump(), rubric="Which?", asks="pair")
    path = tmp_path / "labels.jsonl"
    rows = [{"input": "a", "output": "b", "other": "c", "better": better} for better in ("output", "other", "tie")]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert [one.value for one in labels(path, judge)] == [1.0, 0.0, 0.5]
    path.write_text('{"input": "a", "output": "b", "right": true}')
    with pytest.raises(BadInput, match=r':1: .*"better"'):
        labels(path, judge)


def test_a_judge_of_pairs_is_another_judge_and_has_no_scale() -> None:
    target = ScriptedSpec().model_dump()
    one, other = (Judge(target=target, rubric="Which?", asks=asks) for asks in ("verdict", "pair"))
    assert one.digest != other.digest
    with pytest.raises(ValueError, match="has no scale"):
        Judge(target=target, rubric="Which?", asks="pair", scale={"low": 1, "high": 5})
