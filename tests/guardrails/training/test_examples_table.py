"""What examples are worth, counted on embeddings that are made up."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from guardrails.guards.example_head import Space
from guardrails.training.examples_table import Told, drawn, table

WIDTH = 16


def told() -> Told:
    """Twenty attacks of a source that all are missed and alike, and of another nineteen harmless texts and an attack,
    which are told; each of two windows."""
    chance = np.random.default_rng(1)
    vectors = chance.normal(0, 0.05, (80, WIDTH))
    vectors[:40, 3] += 1
    vectors[40:, 5] += 1
    vectors[78:, 7] += 5
    return Told(
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        np.append(np.full(78, -3.0), (2.0, 4.0)),
        np.arange(0, 80, 2),
        np.repeat((1.0, 0.0, 1.0), (20, 19, 1)),
        np.repeat(("missed", "plain"), 20),
    )


SPACE = Space.of(np.eye(WIDTH)[8:])


def test_a_few_examples_bring_the_rest_of_their_source_over_and_no_other() -> None:
    found = drawn(told(), SPACE, "missed", 1.0, 5, np.random.default_rng(2))
    assert found is not None
    assert (found.rest, found.own, found.recall, found.false) == (1.0, 1.0, 0.0, 0.0)


def test_a_source_without_enough_errors_is_left_out() -> None:
    assert drawn(told(), SPACE, "plain", 0.0, 1, np.random.default_rng(2)) is None
    assert drawn(told(), SPACE, "missed", 1.0, 16, np.random.default_rng(2)) is None


def test_the_table_has_a_line_for_each_count_that_there_are_errors_for() -> None:
    lines = list(table(told(), SPACE))
    assert [line.split()[0] for line in lines] == ["examples", "1", "10"]


def test_an_example_is_of_its_worst_window_or_of_all_that_are_taken_for_attacks() -> None:
    given = told()
    given.odds[1] = -1.0
    assert given.windows(0) == [1]
    assert given.windows(39) == [79]
    given.labels[39] = 0.0
    assert given.windows(39) == [79, 78]
    assert given.caught().tolist() == [False] * 39 + [True]
