"""What makes a run no evidence, each said in words; and what only has to be known."""

from __future__ import annotations

from typing import Any

import pytest

from evals.evidence import Contamination, Counts, EvalEvidence, Grading, JudgeFacts
from evals.gate import Requirement, decide
from tests.evals.test_gate import ALIKE, NOW, need, run

FEW = Counts(true_right=50, false_wrong=50, true_wrong=95, false_right=5)
CHANCE = Counts(true_right=51, false_wrong=49, true_wrong=50, false_right=50)
GOOD = Counts(true_right=90, false_wrong=10, true_wrong=45, false_right=5)


def judged(**facts: Any) -> JudgeFacts:
    return JudgeFacts(digest="e" * 64, metrics=("pass",), **facts)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"samples": 401}, "1 of the dataset's 401 samples are missing"),
        ({"reused": 3}, "3 answers came from a cache"),
        ({"contamination": Contamination(sets=("few-shot",), found=1)}, "1 of 400 items are in few-shot too"),
        ({"judges": (judged(),)}, "not calibrated"),
        (
            {"judges": (judged(counts=Counts(true_right=90, false_wrong=0, true_wrong=29, false_right=0)),)},
            "fewer than 30",
        ),
        ({"judges": (judged(counts=GOOD, moved=True),)}, "has moved since"),
        ({"judges": (judged(grading=Grading(n=59, alpha=1.0)),)}, "59 grades of people, fewer than 60"),
        ({"judges": (judged(grading=Grading(n=60, alpha=0.79)),)}, "by 0.79 (Krippendorff's alpha), less than 0.80"),
        ({"judges": (judged(grading=Grading(n=60, alpha=None)),)}, "cannot be told"),
        ({"judges": (judged(counts=GOOD, least=0.95),)}, "knows 90% of right and 90% of wrong answers"),
        ({"judges": (judged(counts=Counts(true_right=79, false_wrong=21, true_wrong=50, false_right=0)),)}, "79%"),
        ({"lower": ("pass",)}, "less pass is better, and the gate takes more for better: write direction: lower"),
        ({"judges": (judged(counts=FEW, least=0.5),)}, "calls 75% of the answers right, and when it was"),
        ({"judges": (judged(counts=CHANCE, least=0.5),)}, "right hardly more often than chance"),
        ({"made": NOW - 40 * 86_400}, "older than 30d"),
        ({"made": NOW + 7200}, "time to come"),
    ],
)
def test_it_is_invalid(change: dict[str, Any], said: str) -> None:
    evidence = run(ALIKE, ALIKE).model_copy(update=change)
    decision = decide(need(margin=0.05), evidence, NOW)
    assert decision.verdict == "invalid"
    assert said in decision.reasons[0]


@pytest.mark.parametrize(
    "change",
    [
        {"samples": 400},
        {"contamination": Contamination(sets=("few-shot",), found=0, cleared=12)},
        {"judges": (judged(counts=GOOD),)},
        {"judges": (judged(grading=Grading(n=60, alpha=0.8)),)},
        {"judges": (JudgeFacts(digest="e" * 64, metrics=("other",)),)},
    ],
)
def test_it_is_not(change: dict[str, Any]) -> None:
    assert decide(need(margin=0.05), run(ALIKE, ALIKE).model_copy(update=change), NOW).verdict == "pass"


def test_a_gate_may_allow_for_some_items_that_are_known() -> None:
    evidence = run(ALIKE, ALIKE).model_copy(update={"contamination": Contamination(sets=("train",), found=4)})
    assert decide(need(margin=0.05, contaminated=0.01), evidence, NOW).verdict == "pass"
    assert decide(need(margin=0.05, contaminated=0.009), evidence, NOW).verdict == "invalid"


def test_a_judge_of_the_candidate_s_family_is_told() -> None:
    kin = judged(counts=GOOD, family="gpt", judged="gpt")
    decision = decide(need(margin=0.05), run(ALIKE, ALIKE).model_copy(update={"judges": (kin,)}), NOW)
    assert decision.verdict == "pass"
    assert "family gpt" in decision.reasons[-1]


def test_the_error_of_its_calibration_widens_what_a_judge_found() -> None:
    def width(judges: tuple[JudgeFacts, ...]) -> float:
        worse = [0.0 if at % 40 == 0 else value for at, value in enumerate(ALIKE)]
        decision = decide(need(margin=0.2), run(worse, ALIKE).model_copy(update={"judges": judges}), NOW)
        assert decision.low is not None
        assert decision.high is not None
        return decision.high - decision.low

    few = Counts(true_right=36, false_wrong=4, true_wrong=36, false_right=4)
    assert width(()) < width((judged(counts=GOOD),)) < width((judged(counts=few),))


def evidence_of(found: list[float], old: list[float]) -> EvalEvidence:
    return run(found, old)


@pytest.mark.parametrize(("looked", "alpha"), [(0, 0.025), (19, 0.025), (20, 0.0125), (39, 0.0125), (60, 0.003125)])
def test_a_dataset_that_was_looked_at_often_is_charged_for(looked: int, alpha: float) -> None:
    decision = decide(need(margin=0.05), evidence_of(ALIKE, ALIKE), NOW, 0, looked)
    assert decision.alpha == pytest.approx(alpha)
    assert any("take another" in reason for reason in decision.reasons) == (looked >= 20)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"relative": True, "superiority": True}, "name a margin"),
        ({"quantile": 0.95, "at_most": 2.0}, "direction: lower"),
        ({"quantile": 0.95, "superiority": True, "direction": "lower"}, "direction: lower"),
    ],
)
def test_what_cannot_be_asked_for(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Requirement(metric="seconds", suite="c" * 64, **fields)


@pytest.mark.parametrize("looks", [1, 5, 20])
@pytest.mark.parametrize(("before", "looked"), [(26, 0), (48, 0), (60, 0), (1100, 0), (0, 860), (0, 2000), (3, 30_000)])
def test_where_nothing_of_the_error_is_left_nothing_is_shown(looks: int, before: int, looked: int) -> None:
    evidence = run(ALIKE, ALIKE).model_copy(update={"samples": 400})
    decision = decide(need(margin=0.05, looks=looks), evidence, NOW, before, looked)
    assert decision.verdict == "underpowered"
    assert "nothing of the error is left" in decision.reasons[0]


@pytest.mark.parametrize("looks", [1, 5, 20])
def test_whatever_is_left_of_the_error_is_judged_with(looks: int) -> None:
    evidence = run(ALIKE, ALIKE).model_copy(update={"samples": 400})
    for before in range(30):
        assert decide(need(margin=0.05, looks=looks), evidence, NOW, before).verdict in ("pass", "fail", "underpowered")


def test_grades_of_a_judge_are_not_corrected_and_that_is_told() -> None:
    evidence = run([0.5, 1.0] * 200, [0.5, 1.0] * 200).model_copy(update={"judges": (judged(counts=GOOD),)})
    assert "not corrected" in decide(need(margin=0.05), evidence, NOW).reasons[-1]
    graded = run(ALIKE, ALIKE).model_copy(update={"judges": (judged(grading=Grading(n=60, alpha=0.9)),)})
    assert "the judge gives grades" in decide(need(margin=0.05), graded, NOW).reasons[-1]


def test_which_way_is_better_matters_only_where_arms_are_compared() -> None:
    evidence = run(ALIKE, ALIKE).model_copy(update={"lower": ("pass",)})
    assert decide(need(at_least=0.5), evidence, NOW).verdict == "pass"
    assert decide(need(margin=0.05, direction="lower"), evidence, NOW).verdict == "pass"


def test_a_judge_that_calls_all_right_is_not_what_it_was() -> None:
    """One that found nine of ten right answers, and all of five hundred."""
    facts = judged(counts=Counts(true_right=90, false_wrong=10, true_wrong=90, false_right=10))
    for values, which in (([1.0] * 500, "right"), ([0.0] * 500, "wrong")):
        evidence = run(values).model_copy(update={"judges": (facts,)})
        decision = decide(need(at_least=0.99), evidence, NOW)
        assert decision.verdict == "invalid"
        assert f"of {which} ones: it is not what it was" in decision.reasons[0]


def test_a_share_of_nothing_is_no_margin() -> None:
    nothing = run([0.0] * 400, [0.0] * 400)
    decision = decide(need(margin=0.1, relative=True, direction="lower"), nothing, NOW)
    assert (decision.verdict, "no share of it is a margin" in decision.reasons[0]) == ("invalid", True)


def test_a_share_of_what_is_below_0_is_one_of_its_size() -> None:
    """From -10 to -9.5: better by 5 %."""
    spread = [(at % 7 - 3) / 100 for at in range(400)]
    evidence = run([-9.5 + one for one in spread], [-10.0 + one for one in spread])
    decision = decide(need(margin=0.1, relative=True), evidence, NOW)
    assert (decision.verdict, decision.estimate) == ("pass", pytest.approx(0.05, abs=0.1))
