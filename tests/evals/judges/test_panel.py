"""Several judges as one: what their votes come to, and whose kin they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import BadInput, TargetFailed
from evals.judges.bench import Bench
from evals.judges.hearing import Ask
from evals.judges.judge import Judge
from evals.judges.pairs import Pair
from evals.judges.panel import majority, mean, vote
from evals.runs.evidence import of_logs
from evals.runs.log import read_header, read_results
from evals.sample import Output, Sample, Score, Usage
from tests.evals.cli.test_run import gate, sluice
from tests.evals.judges.test_judge import GOOD, NO, ROWS, YES, labelled
from tests.evals.making import suite_of

MILD = {"kind": "scripted", "cost": 5, "rules": [{"say": YES}]}
HARSH = {"kind": "scripted", "cost": 5, "rules": [{"say": NO}]}
MUTE = {"kind": "scripted", "cost": 5, "rules": [{"say": "hm"}]}


def panel_of(folder: Path, *targets: dict[str, Any], says: str = "a right answer", **keys: Any) -> Judge:
    judge = {"targets": list(targets), "rubric": "Is it right?", "calibration": "labels.jsonl", **keys}
    target = {"kind": "scripted", "rules": [{"say": says}]}
    scorers = [{"kind": "judge", "judge": "jury"}]
    return suite_of(folder, ROWS, judges={"jury": judge}, scorers=scorers, target=target).judges["jury"]


def scores(folder: Path) -> list[Score]:
    return [result.scores["judge"] for result in read_results(folder / "candidate")]


def test_the_majority_counts_and_each_vote_is_told(tmp_path: Path) -> None:
    panel_of(tmp_path, GOOD, MILD, HARSH)
    assert sluice(tmp_path, "run", "suite.yaml", "--out", "one").returncode == 0
    (score,) = {(one.value, one.reason) for one in scores(tmp_path / "one")}
    assert score == (1.0, "1: 1, so it is; 2: 1, so it is; 3: 0, not at all")
    assert scores(tmp_path / "one")[0].details == {"votes": [1.0, 1.0, 0.0]}
    assert read_header(tmp_path / "one" / "candidate").cost == 60 * 15


@pytest.mark.parametrize(
    ("values", "value"),
    [
        ([1.0, 1.0, None], 1.0),
        ([0.0, None, 0.0], 0.0),
        ([1.0, 0.0, None], None),
        ([1.0, None, None], None),
        ([1.0, 0.5, 0.0], 0.5),
        ([1.0, 1.0, 0.0, None, None], None),
    ],
)
def test_a_majority_is_one_of_all_members(values: list[float | None], value: float | None) -> None:
    assert majority(values) == value


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), min_size=3, max_size=9))
def test_a_vote_that_was_not_given_would_not_have_turned_it(values: list[float | None]) -> None:
    found = majority(values)
    if found is not None and None in values:
        for other in (0.0, 0.5, 1.0):
            assert majority([other if value is None else value for value in values]) == found
    assert majority(values[::-1]) == found


def test_of_grades_the_mean_for_which_all_have_to_be_there() -> None:
    assert mean([0.25, 0.5, 0.75]) == 0.5
    assert mean([0.25, None, 0.75]) is None


async def failing(question: Sample) -> Output:
    raise TargetFailed("away")


async def saying(question: Sample) -> Output:
    return Output(YES, usage=Usage(cost=5))


async def judge(member: Any) -> Score:
    output = await member(Sample("a"))
    return Score(1.0, "so it is", usage=output.usage)


@pytest.mark.anyio
async def test_a_member_that_gives_no_answer_has_no_vote_and_without_any_the_panel_fails() -> None:
    score = await vote([saying, failing, saying], judge, grades=False)
    assert (score.value, score.usage) == (1.0, Usage(cost=10))
    assert "2: none, no answer: away" in score.reason
    with pytest.raises(TargetFailed):
        await vote([failing, failing, failing], judge, grades=False)
    with pytest.raises(TargetFailed):
        await vote([failing], judge, grades=False)


def test_it_is_calibrated_as_one_and_proves_what_it_is_worth(tmp_path: Path) -> None:
    panel_of(tmp_path, GOOD, MILD, HARSH)
    labelled(tmp_path, right=40, wrong=40)
    told = sluice(tmp_path, "judge", "suite.yaml", "jury")
    assert "It can prove something." in told.stdout
    gate(tmp_path, metric="judge", at_least=0.5)
    assert sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml").returncode == 0


def test_where_there_is_no_majority_there_is_no_score(tmp_path: Path) -> None:
    panel_of(tmp_path, MILD, MUTE, HARSH)
    assert sluice(tmp_path, "run", "suite.yaml", "--out", "one").returncode == 0
    assert {one.value for one in scores(tmp_path / "one")} == {None}
    labelled(tmp_path, right=3, wrong=2)
    assert json.loads(sluice(tmp_path, "judge", "suite.yaml", "jury", "--json").stdout)["unread"] == 5


def test_a_panel_of_grades_gives_their_mean(tmp_path: Path) -> None:
    graders = [{"kind": "scripted", "rules": [{"say": f'{{"grade": {n}}}'}]} for n in (1, 4)]
    third = {"kind": "scripted", "rules": [{"say": '{"grade": 2}'}], "cost": 1}
    panel_of(tmp_path, *graders, third, scale={"low": 1, "high": 5})
    assert sluice(tmp_path, "run", "suite.yaml", "--out", "one").returncode == 0
    assert [one.value for one in scores(tmp_path / "one")] == [pytest.approx(1 / 3)] * 60


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("words", "value", "agree"),
    [
        (("first second", "first second", "second first"), 1.0, True),
        (("first second", "tie tie", "second first"), 0.5, True),
        (("first first", "second first", "second first"), 0.0, False),
        (("first second", "hm hm", "second first"), None, True),
    ],
)
async def test_a_panel_of_pairs(words: tuple[str, ...], value: float | None, agree: bool) -> None:
    """What each member says with the answer first, and with it second."""

    def member(said: str) -> Ask:
        ahead, behind = said.split()

        async def ask(question: Sample) -> Output:
            order = question.question
            better = ahead if order.find("\nmine\n") < order.find("\ntheirs\n") else behind
            return Output(f'{{"better": "{better}"}}')

        return ask

    bench = Bench("Which?", "yes-no", tuple(map(member, words)))
    score = await bench.preferred(Pair(Sample("a"), "mine", "theirs"))
    assert (score.value, score.details["agree"]) == (value, agree)


def test_its_digest_is_of_all_members(tmp_path: Path) -> None:
    one, two = panel_of(tmp_path, GOOD, MILD, HARSH), panel_of(tmp_path, GOOD, MILD, MUTE)
    assert one.digest != two.digest
    assert one.digest == panel_of(tmp_path, GOOD, MILD, HARSH).digest


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"targets": [MILD, HARSH]}, "three targets or more"),
        ({"targets": [MILD]}, "three targets or more"),
        ({"targets": [GOOD, MILD, HARSH, MUTE]}, "an odd number"),
        ({"targets": [MILD, HARSH, MILD]}, "is there twice"),
        ({"targets": [GOOD, MILD, HARSH], "target": GOOD}, "not both"),
    ],
)
def test_who_can_be_on_a_panel(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said.replace("is there twice", "is there twice")):
        suite_of(tmp_path, judges={"jury": {"rubric": "x", **keys}})


def test_one_member_of_the_candidate_s_family_is_enough_to_be_told(tmp_path: Path) -> None:
    members = [{"kind": "openai", "model": name} for name in ("gpt-5", "claude-x", "gemini-2")]
    judge = Judge(targets=members, rubric="x")
    assert (judge.family("claude"), judge.family("qwen"), judge.family(None)) == ("claude", *["claude+gemini+gpt"] * 2)
    assert Judge(target=members[0], rubric="x").family("qwen") == "gpt"
    assert Judge(target=MILD, rubric="x").family("gpt") is None
    panel_of(tmp_path, GOOD, MILD, HARSH)
    assert sluice(tmp_path, "run", "suite.yaml", "--out", "one").returncode == 0
    assert of_logs(tmp_path / "one" / "candidate").judges[0].family is None
