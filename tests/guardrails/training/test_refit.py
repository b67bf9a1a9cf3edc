"""The regression that the moderation labels of the head are fitted by."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from guardrails.training.refit import logistic  # noqa: E402 - torch is asked for first


def test_it_finds_the_direction_that_tells_the_classes_apart() -> None:
    draw = torch.Generator().manual_seed(7)
    rows = torch.randn((400, 3), generator=draw)
    targets = (rows[:, 1] > 0).float()
    weight, bias = logistic(rows, targets)
    assert (((rows @ weight + bias) > 0).float() == targets).float().mean() > 0.95
    assert int(weight.argmax()) == 1


def test_classes_count_the_same_whatever_their_number() -> None:
    rows = torch.cat((torch.full((10, 1), 1.0), torch.full((990, 1), -1.0)))
    targets = (rows[:, 0] > 0).float()
    _, bias = logistic(rows, targets)
    assert abs(float(bias)) < 0.2
