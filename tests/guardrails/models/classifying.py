"""A small classifier of random weights, made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "attack", "plain", "text", ".")


def folder(
    place: Path, labels: Sequence[str], *, several: bool = False, tokens: int = 32, head: bool = True, seed: int = 7
) -> Path:
    """With a model of these labels, of which one holds, or `several` may. Without a `head` it is no classifier."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    transformers.BertTokenizerFast(
        vocab={word: at for at, word in enumerate(WORDS)}, model_max_length=tokens
    ).save_pretrained(place)
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=tokens,
        initializer_range=1.0,
        id2label=dict(enumerate(labels)),
        label2id={label: at for at, label in enumerate(labels)},
        problem_type="multi_label_classification" if several else None,
    )
    made = transformers.BertForSequenceClassification if head else transformers.BertModel
    made(config).save_pretrained(place)
    return place
