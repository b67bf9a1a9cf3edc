from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.histogram import RATIO, Histogram

numbers = st.lists(st.floats(1, 1e9), min_size=1, max_size=60)


def filled(values: list[float]) -> Histogram:
    found = Histogram()
    for value in values:
        found.add(value)
    return found


@given(values=numbers, q=st.floats(0, 1))
def test_a_quantile_is_right_to_one_bucket(values: list[float], q: float) -> None:
    exact = sorted(values)[max(0, math.ceil(q * len(values)) - 1)]
    told = filled(values).quantile(q)
    assert told is not None
    assert exact / (1 + 1e-9) <= told <= exact * RATIO * (1 + 1e-9)


@given(some=numbers, others=numbers)
def test_merged_is_as_if_counted_together(some: list[float], others: list[float]) -> None:
    merged = filled(some)
    merged.merge(filled(others))
    assert merged.as_json() == filled(some + others).as_json()
    assert merged.count == len(some) + len(others)


@given(values=numbers)
def test_it_survives_json(values: list[float]) -> None:
    held = filled(values)
    assert Histogram.from_json(json.loads(json.dumps(held.as_json()))).as_json() == held.as_json()


def test_nothing_has_no_quantile_and_zero_is_the_lowest() -> None:
    assert Histogram().quantile(0.5) is None
    assert filled([0.0, -1.0, 5.0]).quantile(0.5) == 0.0
