"""The gap between what was seen and what was not, and cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evals.evaluation.generalisation import gap, over_folds
from evals.evaluation.plan import Folds, Gap
from evals.evaluation.runs import Ran
from tests.evals.evaluation.making import NOW, STANDARD, ran, rights


def gap_of(seen: Ran, unseen: Ran, at_most: float, paired: bool = False) -> Any:
    asked = Gap(metric="exact", seen="seen", at_most=at_most, paired=paired)
    return gap(asked, {"seen": seen, "holdout": unseen}, STANDARD)


@pytest.mark.parametrize(
    ("seen", "unseen", "at_most", "state"),
    [
        (190, 188, 0.1, "met"),
        (198, 150, 0.1, "missed"),
        (190, 188, 0.02, "unknown"),
        (190, 185, 0.02, "unknown"),  # above what is tolerated, and as well chance
        (150, 190, 0.05, "met"),
    ],
)
def test_a_gap_is_told_apart_from_chance(seen: int, unseen: int, at_most: float, state: str) -> None:
    found = gap_of(ran({"exact": rights(seen, 200)}, name="seen"), ran({"exact": rights(unseen, 200)}), at_most)
    assert (found.state, found.measured) == (state, pytest.approx((seen - unseen) / 200))
    assert found.low < found.measured < found.high
    assert found.n == 400


def test_of_what_should_be_low_a_gap_is_the_other_way() -> None:
    seen, unseen = (ran({"exact": values}, lower=["exact"]) for values in ([1.0, 1.2] * 50, [3.0, 3.2] * 50))
    found = gap_of(seen, unseen, 0.5)
    assert (found.state, found.measured) == ("missed", pytest.approx(2))


def test_pairs_tell_more() -> None:
    random = np.random.default_rng(1)
    before = (random.random(150) < 0.6).astype(float)
    after = np.where(random.random(150) < 0.01, 1 - before, before)
    ids = [f"q{at}" for at in range(150)]
    seen = ran({"exact": before.tolist()}, name="seen", ids=ids)
    unseen = ran({"exact": after.tolist()[::-1]}, ids=ids[::-1])
    apart, paired = gap_of(seen, unseen, 0.08), gap_of(seen, unseen, 0.08, paired=True)
    assert (apart.state, paired.state) == ("unknown", "met")
    assert paired.measured == pytest.approx(float((before - after).mean()))
    assert "paired" in paired.reasons[0]


def test_what_is_not_the_same_items_is_no_pairs() -> None:
    found = gap_of(ran({"exact": rights(9, 10)}, name="seen"), ran({"exact": rights(9, 10)}), 0.5, paired=True)
    assert found.state == "invalid"
    assert "they are no pairs" in found.reasons[0]


def test_what_was_seen_may_be_known_and_what_was_not_may_not() -> None:
    known = {"sets": ("train.jsonl",), "found": 200}
    seen, unseen = ran({"exact": rights(190, 200)}, contamination=known), ran({"exact": rights(190, 200)})
    assert gap_of(seen, unseen, 0.1).state == "met"
    assert gap_of(unseen, seen, 0.1).state == "invalid"


def test_too_few_clusters_tell_nothing() -> None:
    one = ran({"exact": rights(40, 50)}, clusters=["a"] * 50)
    found = gap_of(one, one, 0.2)
    assert (found.state, found.low, found.high, found.needed) == ("unknown", None, None, None)


def folds_of(rates: list[int], *, baselines: list[int] | None = None, **asked: Any) -> Any:
    names = [f"fold-{at}" for at in range(len(rates))]
    runs = {
        name: ran(
            {"exact": rights(rate, 40)},
            name=name,
            baseline={"exact": rights(baselines[at], 40)} if baselines is not None else None,
        )
        for at, (name, rate) in enumerate(zip(names, rates, strict=True))
    }
    return over_folds(Folds(metric="exact", runs=tuple(names), **asked), runs, STANDARD)


@pytest.mark.parametrize(
    ("asked", "state"),
    [
        ({"at_least": 0.7}, "met"),
        ({"at_least": 0.9}, "missed"),
        ({"at_least": 0.83}, "unknown"),
        ({"at_most": 0.95}, "met"),
        ({"at_most": 0.8}, "missed"),
    ],
)
def test_folds_are_judged_by_the_corrected_test(asked: dict[str, Any], state: str) -> None:
    found = folds_of([34, 35, 33, 36, 32], **asked)
    assert (found.state, found.measured, found.n) == (state, pytest.approx(0.85), 200)
    assert found.values == pytest.approx((0.85, 0.875, 0.825, 0.9, 0.8))
    reach = 2.7764451 * found.spread * (1 / 5 + 1 / 4) ** 0.5
    assert (found.low, found.high) == pytest.approx((0.85 - reach, 0.85 + reach))


def test_folds_beside_their_baselines() -> None:
    found = folds_of([36, 35, 36, 34, 35], baselines=[33, 32, 34, 31, 33], margin=0.02)
    assert (found.state, found.measured) == ("met", pytest.approx((3 + 3 + 2 + 3 + 2) / 200))
    assert folds_of([36, 35], margin=0.02).state == "invalid"


def test_folds_that_are_alike_say_nothing_of_their_error() -> None:
    found = folds_of([40, 40, 40], at_least=0.5)
    assert (found.state, found.low, found.spread) == ("unknown", None, 0)


def test_a_fold_that_is_no_evidence_makes_none_of_them() -> None:
    runs = {"a": ran({"exact": rights(9, 10)}), "b": ran({"exact": rights(9, 10)}, made=NOW - 99 * 86_400)}
    found = over_folds(Folds(metric="exact", runs=("a", "b"), at_least=0.5), runs, STANDARD)
    assert (found.state, found.reasons[0][:9]) == ("invalid", "b: the ru")
