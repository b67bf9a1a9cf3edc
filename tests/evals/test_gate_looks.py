"""A run that is looked at before it is over: judged by the look that it ended with, and no more often wrong for it."""

from __future__ import annotations

import numpy as np
import pytest

from evals.evidence import EvalEvidence
from evals.gate import Decision, decide
from evals.validity import look_sizes
from tests.evals.test_gate import NOW, need, run

ASKED = need(margin=0.05, looks=5)


def part(values: np.ndarray, size: int) -> EvalEvidence:
    """Differences of the first so many samples of a dataset."""
    evidence = run(values[:size].tolist(), [0.0] * size)
    return evidence.model_copy(update={"samples": len(values)})


def drawn(better: float, worse: float, samples: int, draw: np.random.Generator) -> np.ndarray:
    at = draw.random(samples)
    return (at < better).astype(float) - (at >= 1 - worse).astype(float)


def ended(values: np.ndarray) -> tuple[Decision, int]:
    """As a run goes: until a look decides."""
    sizes = look_sizes(len(values), 5)
    for size in sizes:
        decision = decide(ASKED, part(values, size), NOW)
        if decision.verdict in ("pass", "fail"):
            return decision, size
    return decision, sizes[-1]


def test_looks_are_at_equal_distances_and_the_last_is_the_whole() -> None:
    assert look_sizes(500, 5) == (100, 200, 300, 400, 500)
    assert look_sizes(7, 3) == (3, 5, 7)
    assert look_sizes(10, 1) == (10,)


def test_a_run_may_end_with_a_look_and_nowhere_else() -> None:
    values = np.zeros(500)
    assert decide(ASKED, part(values, 200), NOW).verdict == "pass"
    assert "look 1 of 5" in decide(ASKED, part(values, 200), NOW).reasons[-1]
    assert decide(ASKED, part(values, 150), NOW).verdict == "invalid"
    assert decide(need(margin=0.05), part(values, 200), NOW).verdict == "invalid"
    unknown = part(values, 500).model_copy(update={"samples": None})
    assert decide(ASKED, unknown, NOW).verdict == "invalid"


def test_what_passed_at_a_look_has_passed_whatever_came_after() -> None:
    values = np.concatenate([np.zeros(400), -np.ones(100)])
    assert decide(ASKED, part(values, 500), NOW).verdict == "pass"


def test_what_is_plainly_worse_fails_at_a_look_and_what_is_open_goes_on() -> None:
    draw = np.random.default_rng(1)
    bad = decide(ASKED, part(drawn(0.0, 0.3, 500, draw), 100), NOW)
    assert (bad.verdict, bad.needed) == ("fail", None)
    going = decide(ASKED, part(drawn(0.08, 0.08, 500, draw), 100), NOW)
    assert (going.verdict, going.needed) == ("underpowered", 500)
    assert going.reasons[-1].endswith("go on")


def test_looking_does_not_let_more_of_what_is_worse_by_the_margin_pass() -> None:
    draw, runs = np.random.default_rng(2), 400
    passed = sum(ended(drawn(0.025, 0.075, 600, draw))[0].verdict == "pass" for _ in range(runs))
    assert passed / runs <= 0.025 + 2.6 * (0.025 * 0.975 / runs) ** 0.5


def test_what_is_alike_passes_sooner_on_average() -> None:
    draw, runs = np.random.default_rng(3), 150
    found = [ended(drawn(0.05, 0.05, 600, draw)) for _ in range(runs)]
    assert sum(decision.verdict == "pass" for decision, _ in found) / runs > 0.8
    assert sum(size for _, size in found) / runs < 0.75 * 600


@pytest.mark.parametrize("looks", [0, 21])
def test_so_many_looks_cannot_be_asked_for(looks: int) -> None:
    with pytest.raises(ValueError, match="looks"):
        need(margin=0.05, looks=looks)
