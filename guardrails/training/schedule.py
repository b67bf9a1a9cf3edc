"""How a training goes: for how long, at what rate, and what it tells of itself."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Schedule:
    """`passes` over the data, `minutes` at most. The rate rises over the first `warm` of the way, and falls to nothing
    at its end, wherever that is."""

    passes: int
    minutes: float
    warm: float
    started: float = field(default_factory=time.monotonic)

    def run(
        self, number: int, batches: Sequence[Batch], optimizer: torch.optim.Optimizer, step: Callable[[Batch], float]
    ) -> None:
        """One pass; `step` gives the loss of a batch. Each group of the optimizer keeps its highest rate as `peak`."""
        total = 0.0
        for at, batch in enumerate(batches):
            spent = time.monotonic() - self.started
            done = max((number + at / len(batches)) / self.passes, spent / 60 / self.minutes)
            if done >= 1:
                return
            for group in optimizer.param_groups:
                peak = group.setdefault("peak", group["lr"])
                group["lr"] = peak * min(done / self.warm + 0.02, (1 - done) / (1 - self.warm))
            total += step(batch)
            if at % 50 == 0:
                say(f"pass {number} step {at}/{len(batches)} loss {total / (at + 1):.4f} {spent:.0f}s")


def by_layer(body: Any, rate: float, decay: float) -> list[dict[str, Any]]:
    """Groups of parameters for an optimizer: lower layers, which hold what is common to all texts, learn slower."""
    layers = body.encoder.layer
    return [
        {"params": list(layer.parameters()), "lr": rate * decay ** (len(layers) - 1 - at)}
        for at, layer in enumerate(layers)
    ]


def down(loss: torch.Tensor, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> float:
    """One step down the loss; what it was."""
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def hidden(ids: torch.Tensor, share: float, mask: int, draw: torch.Generator) -> torch.Tensor:
    """Tokens with some of them behind the mask, in place of drop-out; those up to the mask's own are marks."""
    hide = (torch.rand(ids.shape, generator=draw) < share) & (ids > mask)
    return ids.masked_fill(hide, mask)


def drawing(seed: int) -> tuple[random.Random, torch.Generator]:
    """Chance that can be drawn again."""
    torch.manual_seed(seed)
    return random.Random(seed), torch.Generator().manual_seed(seed)  # noqa: S311 - drawn, not hidden


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
