"""Batches and losses of the trained encoder, without its weights."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from guardrails.training import encoder  # noqa: E402 - torch is asked for first
from guardrails.training.corpora import ATTACK, CLEAN, Example  # noqa: E402


def cut(length: int, targets: tuple[float, ...] = CLEAN) -> encoder.Cut:
    return encoder.Cut(encoder.windows(tuple(range(200, 200 + length))), Example("x", targets, "benign", "s"))


@settings(deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=60))
def test_each_text_is_in_one_batch_and_batches_are_bounded(lengths: list[int]) -> None:
    given_cuts = [cut(length) for length in lengths]
    found = list(encoder.batches(given_cuts))
    assert sorted(id(one) for batch in found for one in batch) == sorted(id(one) for one in given_cuts)
    for batch in found:
        ids, mask, owners = encoder.tensors(batch)
        assert ids.numel() <= encoder.BATCH_TOKENS or len(batch) == 1
        assert mask.sum() == sum(len(window) for one in batch for window in one.windows)
        assert owners.tolist() == sorted(owners.tolist())


@given(st.integers(0, 900), st.integers(1, 4), st.integers(0, 99))
def test_a_shortened_text_keeps_windows_that_follow_each_other(length: int, most: int, seed: int) -> None:
    whole = cut(length)
    short = encoder.shortened(whole, most, random.Random(seed))
    assert len(short.windows) == min(most, len(whole.windows))
    assert " ".join(map(str, short.windows)) in " ".join(map(str, whole.windows))


def test_a_text_is_what_its_worst_window_is() -> None:
    logits = torch.tensor([[1.0, -5.0], [3.0, -9.0], [-2.0, 0.0]])
    assert encoder.highest(logits, torch.tensor([0, 0, 1]), 2).tolist() == [[3.0, -5.0], [-2.0, 0.0]]


def test_what_is_not_known_has_no_part_in_the_loss() -> None:
    batch = [cut(3, ATTACK)]
    losses = {
        float(encoder.loss_of(torch.tensor([[2.0, other, other, other, other, other]]), batch, (1.0, 1.0)))
        for other in (-9.0, 0.0, 9.0)
    }
    assert len(losses) == 1
