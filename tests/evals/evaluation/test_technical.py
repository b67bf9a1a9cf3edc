"""Technical KPIs come to what a gate comes to, in numbers as they are."""

from __future__ import annotations

from typing import Any

import pytest

from evals.evaluation.plan import Technical
from evals.evaluation.technical import technical
from evals.gate import Requirement, decide
from tests.evals.evaluation.making import NOW, STANDARD, SUITE, ran, rights

BETTER = ran({"exact": rights(95, 100)}, baseline={"exact": rights(80, 100)})
SLOW = ran({"slow": [1.0] * 98 + [9.0] * 2}, baseline={"slow": [1.0] * 100}, lower=["slow"])


@pytest.mark.parametrize(
    ("asked", "state", "measured", "target"),
    [
        ({"at_least": 0.85}, "met", 0.95, "at least 0.85"),
        ({"at_least": 0.93}, "unknown", 0.95, "at least 0.93"),
        ({"at_least": 0.97}, "missed", 0.95, "at least 0.97"),
        ({"at_most": 0.99}, "unknown", 0.95, "at most 0.99"),
        ({"at_most": 0.9}, "missed", 0.95, "at most 0.9"),
        ({"margin": 0.02}, "met", 0.15, "not worse than the baseline by 0.02"),
        ({"superiority": True}, "met", 0.15, "higher than the baseline"),
        ({"margin": 0.1, "relative": True}, "met", 0.1875, "not worse than the baseline by 0.1 of it"),
    ],
)
def test_a_kpi_is_met_missed_or_not_known(asked: dict[str, Any], state: str, measured: float, target: str) -> None:
    found = technical(Technical(metric="exact", **asked), BETTER, STANDARD)
    assert (found.state, found.measured, found.target) == (state, pytest.approx(measured), target)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= measured <= found.high
    assert found.baseline == pytest.approx(0.8)


def test_the_gate_decides_the_same() -> None:
    found = technical(Technical(metric="exact", margin=0.02), BETTER, STANDARD)
    asked = Requirement(metric="exact", suite=SUITE, margin=0.02, alpha=0.05)
    decision = decide(asked, BETTER.evidence, NOW)
    assert (found.low, found.high, list(found.reasons)) == (decision.low, decision.high, decision.reasons)


def test_of_what_should_be_low_the_log_knows() -> None:
    found = technical(Technical(metric="slow", margin=1), SLOW, STANDARD)
    assert (found.state, found.measured) == ("met", pytest.approx(-0.16))
    assert technical(Technical(metric="slow", superiority=True), SLOW, STANDARD).target == "lower than the baseline"


def test_a_quantile_is_a_share_of_items() -> None:
    found = technical(Technical(metric="slow", quantile=0.9, at_most=5), SLOW, STANDARD)
    assert (found.state, found.measured) == ("met", pytest.approx(0.02))
    assert found.target == "above 5 in less than 0.1 of items"
    paired = technical(Technical(metric="slow", quantile=0.9, margin=0.2), SLOW, STANDARD)
    assert paired.target == "not worse than the baseline by 0.2 more often above its 0.9 quantile"


def test_what_is_no_evidence_is_none() -> None:
    known = {"sets": ("the prompt",), "found": 3}
    contaminated = ran({"exact": rights(95, 100)}, contamination=known)
    kpi = Technical(metric="exact", at_least=0.5)
    found = technical(kpi, contaminated, STANDARD)
    assert (found.state, found.measured) == ("invalid", None)
    assert "by heart" in found.reasons[0]
    assert technical(kpi.model_copy(update={"contaminated": 0.05}), contaminated, STANDARD).state == "met"
    old = ran({"exact": rights(95, 100)}, made=NOW - 31 * 86_400)
    assert technical(kpi, old, STANDARD).state == "invalid"
    assert technical(Technical(metric="other", at_least=0.5), BETTER, STANDARD).state == "invalid"
    assert technical(Technical(metric="exact", margin=0.1), contaminated, STANDARD).state == "invalid"
