"""What examples change of scores: their own texts, what is like them, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.guards.example_head import RIDGE, Correction, Space, corrected
from guardrails.guards.topic_head import Vectors

WIDTH = 24


def unit(rows: Vectors) -> Vectors:
    out: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return out


def drawn(count: int, seed: int) -> Vectors:
    """Embeddings as a classifier's are: most of each is one direction that all share."""
    chance = np.random.default_rng(seed)
    side = np.zeros(WIDTH)
    side[0] = 1.0
    return unit(chance.normal(0, 0.3, (count, WIDTH)) + np.outer(chance.choice((-2.0, 2.0), count), side))


SPACE = Space.of(drawn(80, 1))


def fitted(vectors: Vectors, labels: list[int], odds: list[float]) -> Correction:
    return corrected(SPACE, vectors, labels, odds)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(-20, 20)), min_size=1, max_size=12, unique=True),
    st.integers(2, 2**32 - 1),
)
def test_each_example_comes_to_its_own_side(given: list[tuple[bool, float]], seed: int) -> None:
    vectors = drawn(len(given), seed)
    labels, odds = [int(label) for label, _ in given], [said for _, said in given]
    added, _ = fitted(vectors, labels, odds).of(vectors)
    placed = SPACE.placed(vectors)
    apart = placed @ placed.T - np.eye(len(given))
    for at, (label, said, more) in enumerate(zip(labels, odds, added, strict=True)):
        if apart[at].max() < 0.2:  # of texts that are alike and labelled otherwise one has to give way
            assert (said + more > 0) == bool(label)


def test_what_is_like_no_example_keeps_its_score() -> None:
    vectors = np.eye(WIDTH)[[3, 4]]
    added, _ = fitted(vectors[:1], [1], [-5.0]).of(np.vstack((vectors, -vectors)))
    assert added[0] > 5
    assert added[1:] == [0.0, 0.0, 0.0]


def test_what_is_near_moves_with_it_and_less() -> None:
    own = np.eye(WIDTH)[[5]]
    close, further = (unit(own + share * np.eye(WIDTH)[[6]]) for share in (0.2, 0.9))
    (same, near, less), _ = fitted(own, [0], [4.0]).of(np.vstack((own, close, further)))
    assert same < near < less < 0


def test_an_example_that_stands_well_already_changes_next_to_nothing() -> None:
    correction = fitted(np.eye(WIDTH)[[3]], [1], [12.0])
    assert correction.rise < 0.01
    assert correction.fall == 0.0


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 10), st.integers(2, 2**32 - 1))
def test_nothing_moves_further_than_the_bounds_say(count: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    vectors = drawn(count, seed)
    correction = fitted(vectors, chance.integers(0, 2, count).tolist(), chance.normal(0, 5, count).tolist())
    added, nearest = correction.of(np.vstack((vectors, drawn(20, seed + 1))))
    assert all(correction.fall - 1e-9 <= one <= correction.rise + 1e-9 for one in added)
    assert np.abs(correction.shares).max() <= 1 / RIDGE
    for more, at in zip(added, nearest, strict=True):
        assert more == 0 or (more > 0) == (correction.shares[at] > 0)


def test_texts_that_are_the_same_and_labelled_otherwise_do_no_harm() -> None:
    vectors = np.eye(WIDTH)[[3, 3]]
    added, _ = fitted(vectors, [1, 0], [2.0, 2.0]).of(vectors)
    assert added == pytest.approx([added[0]] * 2)
    assert abs(2.0 + added[0]) < 2.1


def test_usual_texts_that_are_all_the_same_are_borne() -> None:
    space = Space.of(np.ones((5, WIDTH)) / np.sqrt(WIDTH))
    assert np.isfinite(space.placed(drawn(4, 3))).all()
