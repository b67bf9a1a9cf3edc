"""The recipe of the model `groundedness`: a pair encoder that reads a claim and its evidence, NLI style.

python -m guardrails.training.groundedness --data DIR --out DIR
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel

from guardrails.training.claims import Maker, Pair
from guardrails.training.corpora import rows
from guardrails.training.encoder import BATCH_TOKENS, CLS, MASK, PAD, SEP, base, keep_memory
from guardrails.training.schedule import Schedule, by_layer, down, drawing, hidden, say

WINDOW = 256
"""Tokens of a pair with its marks; evidence and claims are bounded so that it holds nearly all of them whole."""

UNREADABLE = 0.4
"""How much is drawn of Korean rows: an English vocabulary spells them letter by letter, at four times the cost."""


@dataclass(frozen=True)
class Recipe:
    """What decides the weights, the data and the base aside. `per_group` times the root of a group's size is drawn of
    it for a pass; `minutes` bounds the whole."""

    passes: int = 2
    minutes: float = 19
    rate: float = 1.5e-4
    decay_by_layer: float = 0.9
    per_group: float = 30.0
    made: int = 6000
    masked: float = 0.03
    seed: int = 7


class PairEncoder(nn.Module):
    """MiniLM with one logit, for supported, on its first token and the mean and the maximum of the claim's.

    Each token is told whether it stands in the other text, too: the model starts from what a count of words knows, and
    learns what that gets wrong."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(place, attn_implementation="eager", add_pooling_layer=False)
        for module in self.body.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        self.body.embeddings.word_embeddings.requires_grad_(False)
        width = self.body.config.hidden_size
        self.shared = nn.Embedding(2, width)
        nn.init.normal_(self.shared.weight, std=0.05)
        self.head = nn.Linear(3 * width, 1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        same = input_ids.unsqueeze(1) == input_ids.unsqueeze(2)
        across = token_type_ids.unsqueeze(1) != token_type_ids.unsqueeze(2)
        shared = (same & across & (attention_mask.unsqueeze(1) > 0)).long().amax(2)
        hidden = self.body(
            inputs_embeds=self.body.embeddings.word_embeddings(input_ids) + self.shared(shared),
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
        ).last_hidden_state
        mask = (attention_mask * (1 - token_type_ids)).unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        highest = (hidden + (mask - 1.0) * 1e4).amax(1)
        logits: Tensor = self.head(torch.cat((hidden[:, 0], mean, highest), dim=1))
        return logits


@dataclass(frozen=True, slots=True)
class Cut:
    """A pair as token numbers; from `second` on they are of the evidence."""

    ids: tuple[int, ...]
    second: int
    pair: Pair


def cuts(tokenizer: Tokenizer, pairs: Sequence[Pair]) -> list[Cut]:
    tokenizer.no_padding()
    tokenizer.no_truncation()
    claims = tokenizer.encode_batch([pair.claim for pair in pairs], add_special_tokens=False)
    evidence = tokenizer.encode_batch([pair.evidence for pair in pairs], add_special_tokens=False)
    found = []
    for said, held, pair in zip(claims, evidence, pairs, strict=True):
        head = (CLS, *said.ids[: WINDOW - 24], SEP)
        found.append(Cut((*head, *held.ids[: WINDOW - 1 - len(head)], SEP), len(head), pair))
    return found


def batches(given: Sequence[Cut]) -> Iterator[list[Cut]]:
    """Of like lengths, `BATCH_TOKENS` each, from the shortest on."""
    batch: list[Cut] = []
    for cut in sorted(given, key=lambda one: len(one.ids)):
        if batch and (len(batch) + 1) * len(cut.ids) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(cut)
    if batch:
        yield batch


def tensors(batch: Sequence[Cut]) -> tuple[Tensor, Tensor, Tensor]:
    """Token numbers, mask, and for each token which of the two texts it is of."""
    longest = max(len(cut.ids) for cut in batch)
    ids = torch.tensor([cut.ids + (PAD,) * (longest - len(cut.ids)) for cut in batch])
    kinds = torch.tensor([(0,) * cut.second + (1,) * (longest - cut.second) for cut in batch])
    mask = (ids != PAD).long()
    return ids, mask, kinds * mask


def balanced(pairs: Sequence[Pair], per_group: float, chance: random.Random) -> list[Pair]:
    """Of each group a number that grows with the root of its size."""
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.group, []).append(pair)
    drawn: list[Pair] = []
    for _, group in sorted(groups.items()):
        few = UNREADABLE if group[0].group.startswith("klue") else 1.0
        count = min(int(per_group * sqrt(len(group)) * few), 2 * len(group))
        whole, rest = divmod(count, len(group))
        drawn += group * whole + chance.sample(group, rest)
    return drawn


def optimiser(model: PairEncoder, recipe: Recipe) -> torch.optim.Optimizer:
    groups = by_layer(model.body, recipe.rate, recipe.decay_by_layer)
    kinds = model.body.embeddings.token_type_embeddings
    groups.append(
        {"params": [*kinds.parameters(), *model.shared.parameters(), *model.head.parameters()], "lr": recipe.rate * 4}
    )
    return torch.optim.AdamW(groups, weight_decay=0.01, fused=True)


def train(recipe: Recipe, data: Path, tokenizer: Tokenizer) -> PairEncoder:
    chance, draw = drawing(recipe.seed)
    read = rows(data / "groundedness_train.parquet")
    passages = sorted({str(row["context"]) for row in read if row["lang"] == "en" and len(str(row["context"])) > 400})
    maker = Maker(chance)
    pairs = maker.of_rows(read) + maker.made(passages, recipe.made) + maker.swapped(read)
    model = PairEncoder(base())
    optimizer = optimiser(model, recipe)
    schedule = Schedule(recipe.passes, recipe.minutes, warm=0.05)
    for one in range(recipe.passes):
        drawn = balanced(pairs, recipe.per_group, chance)
        supported = sum(pair.supported for pair in drawn)
        say(f"{dict(Counter(pair.group for pair in drawn))}")
        balance = (0.5 * len(drawn) / (len(drawn) - supported), 0.5 * len(drawn) / supported)
        given = list(batches(cuts(tokenizer, drawn)))
        chance.shuffle(given)
        model.train()
        going = partial(step, model=model, optimizer=optimizer, balance=balance, masked=recipe.masked, draw=draw)
        schedule.run(one, given, optimizer, going)
    return model


def step(
    batch: Sequence[Cut],
    model: PairEncoder,
    optimizer: torch.optim.Optimizer,
    balance: tuple[float, float],
    masked: float,
    draw: torch.Generator,
) -> float:
    """One step of the loss that is balanced between supported and not; some tokens are hidden in place of drop-out."""
    ids, mask, kinds = tensors(batch)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(hidden(ids, masked, MASK, draw), mask, kinds)
    targets = torch.tensor([cut.pair.supported for cut in batch])
    weights = torch.tensor([balance[int(cut.pair.supported)] * cut.pair.weight for cut in batch])
    losses = functional.binary_cross_entropy_with_logits(logits.float()[:, 0], targets * 0.96 + 0.02, reduction="none")
    return down((losses * weights).mean(), model, optimizer)


@torch.inference_mode()
def logits_of(model: PairEncoder, given: Sequence[Cut]) -> list[float]:
    model.eval()
    order = sorted(range(len(given)), key=lambda at: len(given[at].ids))
    found = [0.0] * len(given)
    at = 0
    for batch in batches([given[place] for place in order]):
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(*tensors(batch)).float()[:, 0].tolist()
        for logit in logits:
            found[order[at]] = logit
            at += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--passes", type=int, default=Recipe.passes)
    parser.add_argument("--minutes", type=float, default=Recipe.minutes)
    given = parser.parse_args()
    keep_memory()
    model = train(
        Recipe(passes=given.passes, minutes=given.minutes),
        given.data,
        Tokenizer.from_file(str(base() / "tokenizer.json")),
    )
    given.out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), given.out / "model.pt")


if __name__ == "__main__":
    main()
