"""Letters that MiniLM's vocabulary lacks, in the places that it leaves unused.

It was made for English: half of a Chinese sentence is "unknown" to it, and so are a third of a Japanese and much of a
Thai one. What a model cannot see it cannot learn, so the commonest unknown letters of the training data take the
vocabulary's `[unused…]` entries, and their vectors are learnt with the rest. Neither the size of the model nor its time
changes, nor what it reads of other texts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.utils import parametrize

SPARE = re.compile(r"\[unused\d+\]")
UNKNOWN_TOKEN = 100
FIRST = 999
"""Entries of the vocabulary below this one are marks and unused ones."""
MARKS = (0, 100, 101, 102, 103)
SPREAD = 0.04
"""About the spread of the vectors that MiniLM has for its words."""


def with_letters(tokenizer: Tokenizer, texts: Sequence[str]) -> Tokenizer:
    """A tokenizer that knows the commonest letters of `texts` which `tokenizer` does not. Only letters that stand alone
    count, as those of Chinese do for it: a word in pieces would need more entries than there are."""
    counted: Counter[str] = Counter()
    for text, encoding in zip(texts, tokenizer.encode_batch(list(texts), add_special_tokens=False), strict=True):
        counted.update(
            tokenizer.normalizer.normalize_str(text[start:end]).strip()
            for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
            if token == UNKNOWN_TOKEN and end - start == 1
        )
    written = json.loads(tokenizer.to_str())
    vocabulary: dict[str, int] = written["model"]["vocab"]
    spare = sorted((entry for entry in vocabulary if SPARE.fullmatch(entry)), key=lambda entry: vocabulary[entry])
    letters = [letter for letter, _ in counted.most_common() if len(letter) == 1 and letter not in vocabulary]
    for entry, letter in zip(spare, letters, strict=False):
        vocabulary[letter] = vocabulary.pop(entry)
    return Tokenizer.from_str(json.dumps(written, ensure_ascii=False))


class FirstRows(nn.Module):
    """Of an embedding only the first rows are learnt."""

    rest: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("rest", weight[FIRST:].detach().clone())

    def forward(self, first: Tensor) -> Tensor:
        return torch.cat((first, self.rest))

    def right_inverse(self, weight: Tensor) -> Tensor:
        return weight[:FIRST].clone()


def apart(embedding: nn.Embedding, draw: torch.Generator) -> None:
    """Has the unused rows begin apart from each other."""
    unused = [row for row in range(FIRST) if row not in MARKS]
    with torch.no_grad():
        drawn = torch.randn((len(unused), embedding.embedding_dim), generator=draw) * SPREAD
        embedding.weight[unused] = embedding.weight.mean(0) + drawn


def learning(embedding: nn.Embedding) -> nn.Parameter:
    """Makes the first rows of `embedding` ones that are learnt, and gives them. `learnt` makes it a plain embedding
    again."""
    parametrize.register_parametrization(embedding, "weight", FirstRows(embedding.weight))
    rows: nn.Parameter = embedding.parametrizations["weight"].original  # type: ignore[index,union-attr]
    rows.requires_grad_(True)
    return rows


def learnt(embedding: nn.Embedding) -> None:
    parametrize.remove_parametrizations(embedding, "weight", leave_parametrized=True)
