"""Bias: what is worse is found, what is chance is not called so, and what is too small to tell is not passed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evals.evaluation.bias import bias
from evals.evaluation.plan import Disparity
from evals.evaluation.runs import Ran
from tests.evals.evaluation.making import STANDARD, ran, rights


def of(parts: dict[str, tuple[int, int]], **more: Any) -> Ran:
    """A run with slices of so many right of so many."""
    values = [value for right, count in parts.values() for value in rights(right, count)]
    slices = [{"language": name} for name, (_, count) in parts.items() for _ in range(count)]
    return ran({"exact": values}, slices=slices, **more)


def found_of(run: Ran, at_most: float, **more: Any) -> Any:
    (found,) = bias([Disparity(metric="exact", slice="language", at_most=at_most, **more)], {"holdout": run}, STANDARD)
    return found


def test_slices_that_are_alike_are_within_what_is_tolerated() -> None:
    found = found_of(of({"de": (270, 300), "en": (268, 300)}), 0.1)
    assert (found.state, [part.state for part in found.slices]) == ("met", ["met", "met"])
    assert found.measured == pytest.approx(2 / 300)
    assert found.reasons == ("within 0.1 of the rest in 2 of 2",)


def test_a_slice_that_is_worse_is_found() -> None:
    found = found_of(of({"de": (270, 300), "en": (270, 300), "sw": (20, 50)}), 0.1)
    assert found.state == "missed"
    worst = found.slices[0]
    assert (worst.value, worst.state, worst.n, worst.mean) == ("sw", "missed", 50, pytest.approx(0.4))
    assert worst.worse == pytest.approx(0.5)
    assert worst.low is not None
    assert worst.low > 0.1
    assert worst.adjusted <= 0.01
    assert "worse in language sw" in found.reasons[0]


def test_a_small_slice_is_not_passed() -> None:
    found = found_of(of({"de": (270, 300), "en": (270, 300), "sw": (5, 5)}), 0.1)
    (small,) = [part for part in found.slices if part.value == "sw"]
    assert (small.state, found.state) == ("unknown", "unknown")
    assert small.worse < 0
    assert "too little to tell in language sw" in found.reasons[0]


def test_a_slice_in_one_cluster_tells_nothing() -> None:
    clusters = [f"c{at}" for at in range(300)] + ["one"] * 50
    found = found_of(of({"de": (270, 300), "sw": (45, 50)}, clusters=clusters), 0.9)
    (small,) = [part for part in found.slices if part.value == "sw"]
    assert (small.state, small.low, small.high, small.clusters) == ("unknown", None, None, 1)


def test_a_slice_that_is_all_there_is_has_no_rest() -> None:
    found = found_of(of({"de": (90, 100)}), 0.5)
    assert (found.state, found.slices[0].adjusted, found.slices[0].high) == ("unknown", 1, None)


def test_of_many_slices_the_worst_is_not_called_worse_by_chance() -> None:
    """Holm: where nothing is wrong, a run calls any of twenty slices worse no more often than the error."""
    random, called = np.random.default_rng(5), 0
    names = [f"s{at % 20}" for at in range(400)]
    for _ in range(40):
        values = (random.random(400) < 0.8).astype(float).tolist()
        run = ran({"exact": values}, slices=[{"language": name} for name in names])
        called += found_of(run, 0.0).state == "missed"
    assert called <= 5


def test_of_what_should_be_low_more_is_worse() -> None:
    slices = [{"language": "de"}] * 100 + [{"language": "sw"}] * 100
    run = ran({"slow": [1.0, 1.1] * 50 + [2.0, 2.1] * 50}, slices=slices, lower=["slow"])
    asked = [Disparity(metric="slow", slice="language", at_most=0.2)]
    (found,) = bias(asked, {"holdout": run}, STANDARD)
    assert (found.slices[0].value, found.slices[0].worse, found.slices[0].mean) == (
        "sw",
        pytest.approx(1),
        pytest.approx(2.05),
    )
    assert found.state == "missed"


def test_all_slices_that_are_looked_at_count_together() -> None:
    run = of({"de": (45, 50), "en": (45, 50), "sw": (36, 50)})
    asked = Disparity(metric="exact", slice="language", at_most=0.05)
    alone = bias([asked], {"holdout": run}, STANDARD)[0]
    beside = bias([asked] * 4, {"holdout": run}, STANDARD)[0]
    assert beside.slices[0].p == alone.slices[0].p
    assert beside.slices[0].adjusted > alone.slices[0].adjusted


def test_a_judge_s_errors_make_a_disparity_larger_and_less_sure() -> None:
    counts = {"true_right": 45, "false_wrong": 5, "true_wrong": 45, "false_right": 5}
    judge = {"digest": "f" * 64, "metrics": ("exact",), "counts": counts}
    parts = {"de": (270, 300), "sw": (30, 50)}
    plain, judged = found_of(of(parts), 0.1), found_of(of(parts, judges=(judge,)), 0.1)
    assert judged.measured > plain.measured
    assert judged.high - judged.low > plain.high - plain.low


def test_what_is_no_evidence_is_none() -> None:
    run = of({"de": (90, 100)})
    lacking = bias([Disparity(metric="other", slice="language", at_most=0)], {"holdout": run}, STANDARD)[0]
    assert (lacking.state, lacking.slices) == ("invalid", ())
    nowhere = bias([Disparity(metric="exact", slice="age", at_most=0)], {"holdout": run}, STANDARD)[0]
    assert (nowhere.state, nowhere.measured) == ("invalid", None)
    assert "name it under slices of its suite" in nowhere.reasons[0]
