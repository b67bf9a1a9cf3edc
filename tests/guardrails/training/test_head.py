from __future__ import annotations

import json

import numpy as np
import pytest

from guardrails.grounding.support import SIGNS, Head
from guardrails.training.head import LIKE, fitted, sampled, units, weights, written

DOCUMENT = "The bridge was built in 1874 by James Eads. It has three arches."


def row(response: str, y: int, source: str = "here", spans: tuple[tuple[int, int], ...] = ()) -> dict[str, object]:
    return {"context": DOCUMENT, "question": "", "response": response, "y": y, "spans": spans, "source": source}


def test_a_regression_finds_the_chances_that_were_drawn_from() -> None:
    draw = np.random.default_rng(5)
    values = draw.normal(size=(4000, len(SIGNS)))
    share = 1 / (1 + np.exp(-(1.5 * values[:, 0] - 0.5)))
    head = fitted(values, (draw.random(4000) < share).astype(float), np.ones(4000))
    assert head.weights[0] == pytest.approx(1.5, abs=0.2)
    assert head.bias == pytest.approx(-0.5, abs=0.15)
    assert max(abs(one) for one in head.weights[1:]) < 0.2


def test_a_number_that_never_differs_weighs_nothing() -> None:
    values = np.zeros((40, len(SIGNS)))
    values[::2, 1] = 1.0
    head = fitted(values, values[:, 1], np.ones(40))
    assert head.weights[0] == 0
    assert head.weights[1] > 0
    assert np.isfinite(head.bias)


def test_the_classes_of_a_source_weigh_the_same() -> None:
    given = units([row("It has three arches.", 0), row("It fell.", 1), row("It sank.", 1), row("It rose.", 1, "wice")])
    said = weights(given)
    assert said[0] == pytest.approx(said[1] + said[2])
    assert said[3] == pytest.approx(LIKE["wice"] * said[0])


def test_only_the_marked_sentences_of_a_row_are_wrong() -> None:
    found = units([row("It has three arches. It has 9 towers.", 1, spans=((28, 29),))])
    assert [unit.wrong for unit in found] == [0.0, 1.0]


def test_a_sample_is_the_same_each_time_and_bounded() -> None:
    read = [row(f"It has {at} arches.", at % 2) for at in range(20)]
    found = sampled(read, 3)
    assert found == sampled(read[::-1], 3)
    assert [sum(one["y"] == y for one in found) for y in (0, 1)] == [3, 3]


def test_heads_are_written_as_they_are_read() -> None:
    head = Head(tuple(float(at) for at in range(len(SIGNS))), -1.0)
    held = json.loads(written(head, head))
    assert set(held) == {"words", "model"}
    assert tuple(held["model"]["weights"][name] for name in SIGNS) == head.weights
