"""The moderation labels of the head, fitted anew on what the trained encoder makes of the texts.

The encoder is trained for attacks first; a logistic regression on its poolings then finds more of moderation than the
few passes of joint training did, and leaves the score of attacks as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from guardrails.training.corpora import LABELS, UNKNOWN
from guardrails.training.encoder import Cut, Encoder, batches, mean, tensors

PENALTY = 1e-3
ROUNDS = 60


@torch.inference_mode()
def poolings(model: Encoder, given: Sequence[Cut]) -> tuple[Tensor, Tensor]:
    """For each text the inputs of the head on its first window, and its targets; shortest texts first."""
    model.eval()
    rows, targets = [], []
    for batch in batches([Cut(cut.windows[:1], cut.example) for cut in given]):
        ids, mask, _ = tensors(batch)
        with torch.autocast("cpu", torch.bfloat16):
            hidden, there = model.hidden(ids, mask)
        hidden = hidden.float()
        rows.append(torch.cat((hidden[:, 0], mean(hidden, there), (hidden + (there - 1.0) * 1e4).amax(1)), dim=1))
        targets.append(torch.tensor([cut.example.targets for cut in batch]))
    return torch.cat(rows), torch.cat(targets)


def refit(model: Encoder, given: Sequence[Cut]) -> None:
    """Sets the weights of every label but the attack's."""
    rows, targets = (found.clone() for found in poolings(model, given))
    centre, spread = rows.mean(0), rows.std(0) + 1e-3
    rows = (rows - centre) / spread
    for label in range(1, len(LABELS)):
        known = targets[:, label] != UNKNOWN
        weight, bias = logistic(rows[known], targets[known, label])
        with torch.no_grad():
            model.head.weight[label] = weight / spread
            model.head.bias[label] = bias - (weight / spread) @ centre


def logistic(rows: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Weight and bias of a logistic regression, both classes counting the same."""
    weight = torch.zeros(rows.shape[1], requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    share = targets.mean().clamp(0.01, 0.99)
    balance = targets / share / 2 + (1 - targets) / (1 - share) / 2
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=ROUNDS)

    def loss() -> float:
        optimizer.zero_grad()
        found = functional.binary_cross_entropy_with_logits(rows @ weight + bias, targets, balance)
        found = found + PENALTY * weight.square().sum()
        torch.autograd.backward(found)
        return float(found.detach())

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
