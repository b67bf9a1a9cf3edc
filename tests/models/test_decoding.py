"""The batch: who joins, who leaves, and that nobody is touched by what happens to a neighbour."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from queue import Queue

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from gateway.models.decoding import Decoder, Sampling, Sequence, Token

VOCABULARY = 50
END = 0
GREEDY = Sampling(temperature=0)


class Asked:
    """One sequence in the batch, and what was told of it."""

    def __init__(self, prompt: list[int], sampling: Sampling = GREEDY, limit: int = 8) -> None:
        self.told: Queue[Token | Exception] = Queue()
        self.sequence = Sequence(prompt, None, sampling, limit, self.told.put)

    def tokens(self) -> list[int]:
        """All of its tokens, its end mark included; raises what it was told instead."""
        found = []
        while True:
            token = self.told.get(timeout=20)
            if isinstance(token, Exception):
                raise token
            found.append(token.id)
            if token.last is not None:
                assert token.last == ("stop" if token.id == END else "length")
                return found


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    torch.manual_seed(3)
    shape = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(**shape, vocab_size=VOCABULARY, initializer_range=0.5)).eval()


@pytest.fixture
def decoder(model: LlamaForCausalLM) -> Iterator[Decoder]:
    with closing(Decoder(model, [END], parallel=3, adapters=False)) as made:
        yield made


def said(decoder: Decoder, *asked: Asked) -> list[list[int]]:
    for one in asked:
        decoder.submit(one.sequence)
    return [one.tokens() for one in asked]


def by_hand(model: LlamaForCausalLM, prompt: list[int], limit: int) -> list[int]:
    """Greedy, the whole prompt read anew for every token: no cache, no batch, no padding."""
    made: list[int] = []
    with torch.inference_mode():
        while len(made) < limit and END not in made:
            made.append(int(model(torch.tensor([prompt + made])).logits[0, -1].argmax()))
    return made


def test_a_batch_says_what_each_would_alone(decoder: Decoder, model: LlamaForCausalLM) -> None:
    """More than fit at once, of different lengths and limits: some join while others are under way."""
    prompts = [[1 + number % 9] * (1 + 3 * (number % 4)) + [number] for number in range(10)]
    limits = [3 + 4 * (number % 3) for number in range(10)]
    asked = [Asked(prompt, limit=limit) for prompt, limit in zip(prompts, limits, strict=True)]
    assert said(decoder, *asked) == [by_hand(model, p, limit) for p, limit in zip(prompts, limits, strict=True)]


def test_a_seed_decides_whoever_the_neighbours_are(decoder: Decoder) -> None:
    def seeded() -> Asked:
        return Asked([5, 6], Sampling(temperature=2.0, seed=11))

    [alone] = said(decoder, seeded())
    [beside, *_] = said(decoder, seeded(), Asked([1, 2, 3, 4], Sampling(temperature=2.0, seed=1)), Asked([9]))
    assert beside == alone
    [other] = said(decoder, Asked([5, 6], Sampling(temperature=2.0, seed=12)))
    assert other != alone


def test_one_that_is_cancelled_leaves_and_the_others_go_on(decoder: Decoder, model: LlamaForCausalLM) -> None:
    gone, stays = Asked([7, 7, 7, 7, 7, 7], limit=100_000), Asked([4], limit=30)
    for one in (gone, stays):
        decoder.submit(one.sequence)
    gone.told.get(timeout=20)
    gone.sequence.cancelled = True
    assert stays.tokens() == by_hand(model, [4], 30)
    made = len(gone.sequence.made)
    assert said(decoder, Asked([4], limit=5)) == [by_hand(model, [4], 5)]
    assert len(gone.sequence.made) == made < 100_000


def test_one_cancelled_before_its_turn_is_never_begun(decoder: Decoder) -> None:
    late = Asked([1])
    late.sequence.cancelled = True
    decoder.submit(late.sequence)
    said(decoder, Asked([2], limit=2))
    assert late.told.empty()
    assert late.sequence.made == []


def test_one_that_fails_is_told_and_the_others_go_on(decoder: Decoder, model: LlamaForCausalLM) -> None:
    """A token beyond the vocabulary, which the provider above would have refused."""
    bad, good = Asked([VOCABULARY + 5]), Asked([4], limit=12)
    for one in (good, bad):
        decoder.submit(one.sequence)
    assert good.tokens() == by_hand(model, [4], 12)
    with pytest.raises(IndexError):
        bad.tokens()


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=5.0, top_p=0.0), Sampling(temperature=1e-4)])
def test_these_all_take_the_likeliest(decoder: Decoder, model: LlamaForCausalLM, sampling: Sampling) -> None:
    assert said(decoder, Asked([3, 1], sampling)) == [by_hand(model, [3, 1], 8)]


def test_a_bias_bans_and_forces(decoder: Decoder) -> None:
    [plain] = said(decoder, Asked([3, 1]))
    [banned] = said(decoder, Asked([3, 1], Sampling(temperature=0, logit_bias={plain[0]: -1000.0})))
    assert plain[0] not in banned
    [forced] = said(decoder, Asked([3, 1], Sampling(temperature=0, logit_bias={42: 1000.0})))
    assert forced == [42] * 8
    [ended] = said(decoder, Asked([3, 1], Sampling(temperature=0, logit_bias={END: 1000.0})))
    assert ended == [END]


def test_a_penalty_that_is_high_enough_forbids_repeating(decoder: Decoder) -> None:
    for penalty in (
        Sampling(temperature=0, presence_penalty=1000.0),
        Sampling(temperature=0, frequency_penalty=1000.0),
    ):
        [made] = said(decoder, Asked([3, 1], penalty, limit=20))
        assert len(set(made)) == len(made)


def test_log_probabilities_are_taken_before_bias_and_temperature(decoder: Decoder, model: LlamaForCausalLM) -> None:
    asked = Asked([3, 1], Sampling(temperature=0, logit_bias={42: 1000.0}, top_logprobs=2), limit=1)
    decoder.submit(asked.sequence)
    token = asked.told.get(timeout=20)
    assert isinstance(token, Token)
    with torch.inference_mode():
        logs = torch.log_softmax(model(torch.tensor([[3, 1]])).logits[0, -1], dim=-1)
    assert token.id == 42
    assert token.logprob == pytest.approx(float(logs[42]), abs=1e-4)
    assert [number for number, _ in token.top] == logs.topk(2).indices.tolist()


def test_closing_ends_what_is_under_way(model: LlamaForCausalLM) -> None:
    made = Decoder(model, [END], parallel=1, adapters=False)
    running, waiting = Asked([1], Sampling(temperature=0, logit_bias={END: -1000.0}), limit=100_000), Asked([2])
    for one in (running, waiting):
        made.submit(one.sequence)
    running.told.get(timeout=20)
    made.close()
    assert 0 < len(running.sequence.made) < 100_000
    assert waiting.told.empty()
