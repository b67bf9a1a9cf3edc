"""What is forecast of a gate before a run is what the gate then does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from evals.errors import BadInput
from evals.gate import decide
from evals.power import Supposed, detectable, needed, power
from tests.evals.test_gate import NOW, differing, need, run

ALIKE = Supposed(better=0.05, worse=0.05)


def test_the_gate_passes_as_often_as_was_forecast() -> None:
    asked, draw, runs = need(margin=0.05), np.random.default_rng(9), 500
    passed = 0
    for _ in range(runs):
        worse, better, _ = (int(one) for one in draw.multinomial(300, (0.05, 0.05, 0.9)))
        passed += decide(asked, differing(worse, better, of=300), NOW).verdict == "pass"
    assert passed / runs == pytest.approx(power(asked, ALIKE, 300), abs=0.03 + 2 * (0.2 / runs) ** 0.5)


def test_scores_in_clusters_too() -> None:
    asked, draw, runs = need(margin=0.1), np.random.default_rng(10), 300
    supposed = Supposed(spread=0.4, cluster=4, alike=0.3)
    names = [f"c{at // 4}" for at in range(200)]
    passed = 0
    for _ in range(runs):
        noise = np.sqrt(0.3) * np.repeat(draw.standard_normal(50), 4) + np.sqrt(0.7) * draw.standard_normal(200)
        passed += decide(asked, run((0.4 * noise).tolist(), [0.0] * 200, names), NOW).verdict == "pass"
    assert passed / runs == pytest.approx(power(asked, supposed, 200), abs=0.03 + 2 * (0.2 / runs) ** 0.5)


def test_so_many_items_as_are_needed_have_the_power_and_fewer_do_not() -> None:
    found = needed(need(margin=0.08), ALIKE)
    assert found is not None
    assert power(need(margin=0.08), ALIKE, found, seed=1) > 0.76
    assert power(need(margin=0.08), ALIKE, found // 2, seed=1) < 0.7


def test_a_harder_gate_takes_more() -> None:
    wanted = [
        needed(need(margin=0.15), ALIKE),
        needed(need(margin=0.1), ALIKE),
        needed(need(margin=0.1), Supposed(better=0.1, worse=0.1)),
        needed(need(margin=0.1), Supposed(better=0.1, worse=0.1, cluster=5, alike=0.5)),
    ]
    assert all(less is not None and more is not None and less < more for less, more in pairwise(wanted))


def test_what_can_never_be_shown_has_no_number() -> None:
    assert needed(need(superiority=True), Supposed(better=0.0, worse=0.0)) is None
    assert needed(need(at_most=0.01), Supposed(rate=0.05)) is None


def test_what_is_detectable_is_detected() -> None:
    asked = need(superiority=True, margin=0.05)
    found = detectable(asked, ALIKE, 300)
    assert found is not None
    assert 0.03 < found < 0.08
    better = (0.1 + found) / 2
    assert power(asked, Supposed(better=better, worse=0.1 - better), 300, seed=2) == pytest.approx(0.8, abs=0.05)


def test_rates_by_themselves() -> None:
    assert power(need(at_least=0.8), Supposed(rate=0.9), 200) > 0.9
    assert power(need(at_most=0.05), Supposed(rate=0.0), 59) == 0.0
    assert power(need(at_most=0.05), Supposed(rate=0.0), 100) == 1.0


def test_a_gate_with_looks_passes_as_often_as_was_forecast() -> None:
    asked, draw, runs = need(margin=0.05, looks=4), np.random.default_rng(11), 300
    passed = 0
    for _ in range(runs):
        at = draw.random(300)
        found = run((at >= 0.05).astype(float).tolist(), ((at < 0.05) | (at >= 0.1)).astype(float).tolist())
        passed += decide(asked, found.model_copy(update={"samples": 300}), NOW).verdict == "pass"
    assert passed / runs == pytest.approx(power(asked, ALIKE, 300, draws=1000), abs=0.03 + 2 * (0.2 / runs) ** 0.5)


def test_of_a_quantile_the_share_above_it_counts() -> None:
    asked = need(direction="lower", quantile=0.95, at_most=2.0)
    assert power(asked, Supposed(rate=0.01), 400, draws=500) > 0.9
    assert power(asked, Supposed(rate=0.05), 400, draws=500) <= 0.05
    assert needed(asked, Supposed(rate=0.06)) is None


@pytest.mark.parametrize(
    "wrong",
    [{"better": 0.6, "worse": 0.6}, {"better": -0.1}, {"rate": 2}, {"alike": 1.5}, {"spread": 0}, {"cluster": 0}],
)
def test_what_cannot_be_supposed(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        Supposed(**wrong)  # type: ignore[arg-type]
