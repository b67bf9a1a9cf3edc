from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from evals.evidence import EvalEvidence, Item
from evals.gate import Requirement, decide

NOW = 1_800_000_000.0
SUITE = "c" * 64


def run(
    candidate: list[float], baseline: list[float] | None = None, clusters: list[str] | None = None, age: float = 60
) -> EvalEvidence:
    items = tuple(
        Item(
            id=str(at),
            candidate={"pass": value},
            baseline=None if baseline is None else {"pass": baseline[at]},
            cluster=None if clusters is None else clusters[at],
        )
        for at, value in enumerate(candidate)
    )
    against = None if baseline is None else "b" * 64
    return EvalEvidence(release="a" * 64, baseline=against, suite=SUITE, dataset="d" * 64, made=NOW - age, items=items)


def need(**fields: Any) -> Requirement:
    return Requirement(metric="pass", suite=SUITE, **fields)


ALIKE = [1.0, 1.0, 1.0, 0.0] * 100


def test_alike_passes_within_the_margin_and_is_no_improvement() -> None:
    assert decide(need(margin=0.05), run(ALIKE, ALIKE), NOW).verdict == "pass"
    assert decide(need(superiority=True), run(ALIKE, ALIKE), NOW).verdict == "fail"


def test_worse_by_more_than_the_margin_fails() -> None:
    worse = [0.0 if at % 5 == 0 else value for at, value in enumerate(ALIKE)]
    decision = decide(need(margin=0.05), run(worse, ALIKE), NOW)
    assert decision.verdict == "fail"
    assert decision.estimate is not None
    assert decision.estimate < -0.05


def test_too_few_to_tell_says_how_many_would() -> None:
    few = run([1, 0, 1, 1, 1, 0, 1, 1, 1, 1] * 3, [1, 1, 1, 1, 0, 1, 1, 0, 1, 1] * 3)
    decision = decide(need(margin=0.05), few, NOW)
    assert decision.verdict == "underpowered"
    assert decision.needed is not None
    assert decision.needed > decision.n == 30


def differing(worse: int, better: int, of: int) -> EvalEvidence:
    """The candidate alone fails, the live release alone fails, or both pass."""
    candidate = [0.0] * worse + [1.0] * (of - worse)
    return run(candidate, [1.0] * worse + [0.0] * better + [1.0] * (of - worse - better))


def test_as_many_items_are_asked_for_as_a_planned_run_has() -> None:
    """A tenth of pairs discordant, 5 points, a power of 80 %: 380 items at 1.25 %, which is what a second run has."""
    for worse, better in ((5, 5), (6, 4)):
        decision = decide(need(margin=0.05), differing(worse, better, of=100), NOW)
        assert decision.verdict == "underpowered"
        assert decision.needed == pytest.approx(388, abs=8)


def test_after_as_many_as_planned_what_was_found_says_how_many_more() -> None:
    decision = decide(need(margin=0.025, alpha=0.2), differing(48, 32, of=1000), NOW)
    assert decision.verdict == "underpowered"
    assert decision.needed == pytest.approx(0.08 * 6.18 / (0.025 - 0.016) ** 2, rel=0.02)


@pytest.mark.parametrize("margin", [0.0, 5e-324])
def test_a_margin_of_next_to_nothing_takes_what_was_found(margin: float) -> None:
    decision = decide(need(margin=margin), differing(4, 5, of=100), NOW)
    assert decision.verdict == "underpowered"
    assert decision.needed is not None
    assert decision.needed > 5000


def test_what_is_rarely_but_only_worse_does_not_pass_on_too_small_an_error() -> None:
    """2 of 60 only worse: an exact bound allows for more than ten in a hundred; Student's t for seven."""
    assert decide(need(margin=0.08), differing(2, 0, of=60), NOW).verdict == "underpowered"


def test_what_a_run_could_have_shown_is_said() -> None:
    decision = decide(need(margin=0.05, alpha=0.1), run(ALIKE, ALIKE), NOW)
    assert decision.detectable == pytest.approx(3 / 400, rel=0.01)


def test_each_run_has_half_the_error_of_the_one_before() -> None:
    decisions = [decide(need(margin=0.05), differing(6, 4, of=400), NOW, before) for before in range(3)]
    assert [decision.alpha for decision in decisions] == [0.025, 0.0125, 0.00625]
    lows = [decision.low or 0.0 for decision in decisions]
    assert lows == sorted(lows, reverse=True)
    assert "at 0.025" in decisions[0].reasons[0]


def test_runs_that_are_made_anew_until_one_passes_seldom_ship_what_is_worse_by_the_margin() -> None:
    """As `benchmarks/gate.py` has it in full; five runs by themselves would let 8 % pass."""
    draw, runs = np.random.default_rng(4), 600
    passed = sum(insisted(draw) for _ in range(runs))
    assert passed / runs <= 0.05


def insisted(draw: np.random.Generator) -> bool:
    """Whether one of five runs passes; one that fails ends it."""
    for before in range(5):
        worse, better, _ = (int(count) for count in draw.multinomial(100, (0.06, 0.01, 0.93)))
        verdict = decide(need(margin=0.05), differing(worse, better, of=100), NOW, before).verdict
        if verdict != "underpowered":
            return verdict == "pass"
    return False


def test_fewer_than_the_least_items_never_pass() -> None:
    decision = decide(need(margin=0.9, min_items=30), run([1.0] * 29, [1.0] * 29), NOW)
    assert (decision.verdict, decision.needed) == ("underpowered", 30)


def test_items_of_one_cluster_are_no_more_than_one() -> None:
    one = decide(need(at_least=0.5), run([1.0] * 40, clusters=["talk"] * 40), NOW)
    assert (one.verdict, one.clusters, one.low, one.needed) == ("underpowered", 1, None, None)


def test_a_floor_and_a_ceiling() -> None:
    assert decide(need(at_least=0.6), run(ALIKE), NOW).verdict == "pass"
    assert decide(need(at_least=0.9), run(ALIKE), NOW).verdict == "fail"
    assert decide(need(at_most=0.9), run(ALIKE), NOW).verdict == "pass"
    assert decide(need(at_most=0.6), run(ALIKE), NOW).verdict == "fail"


def test_where_lower_is_better_less_passes() -> None:
    less = [value / 2 for value in ALIKE]
    assert decide(need(superiority=True, direction="lower"), run(less, ALIKE), NOW).verdict == "pass"
    assert decide(need(superiority=True, direction="higher"), run(less, ALIKE), NOW).verdict == "fail"


def test_the_worst_of_what_is_asked_counts() -> None:
    decision = decide(need(margin=0.05, at_least=0.9), run(ALIKE, ALIKE), NOW)
    assert decision.verdict == "fail"
    assert len(decision.reasons) == 2


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (run(ALIKE, ALIKE, age=31 * 86_400), "older"),
        (run(ALIKE, ALIKE, age=-7200), "time to come"),
        (run(ALIKE), "no baseline"),
    ],
)
def test_what_cannot_be_judged_is_invalid(evidence: EvalEvidence, told: str) -> None:
    decision = decide(need(margin=0.05), evidence, NOW)
    assert decision.verdict == "invalid"
    assert told in decision.reasons[0]


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e15])
def test_numbers_of_any_size_come_to_a_verdict(scale: float) -> None:
    worse = [-scale if at % 2 else value * scale for at, value in enumerate(ALIKE)]
    decision = decide(need(margin=0.05 * scale), run(worse, [value * scale for value in ALIKE]), NOW)
    assert decision.verdict == "fail"


def test_results_without_the_metric_are_not_left_out() -> None:
    asked = Requirement(metric="tone", suite=SUITE, at_least=0.5)
    assert decide(asked, run(ALIKE), NOW).verdict == "invalid"


@pytest.mark.parametrize("fields", [{}, {"margin": -0.1, "max_age": "30d"}, {"margin": 0.1, "max_age": "soon"}])
def test_what_requires_nothing_or_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        need(**fields)
