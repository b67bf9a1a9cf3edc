"""LoRA adapters by name, mixed in one batch: each sequence answers as its own adapter would alone.

The model is made here: two random layers over a vocabulary of words, so that a wrong adapter shows in every token.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from gateway.errors import BadRequest, ContextLength, GatewayError, Unavailable, UnsupportedParam
from gateway.providers.base import Ask
from gateway.providers.transformers import TransformersConfig, TransformersProvider
from gateway.types import Json, Operation
from gateway.wire.sse import EventSplitter, event_data

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"),  # PEFT's own
]
WORDS = ["<end>", "<pad>", *(f"w{number}" for number in range(62))]
TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
CONTEXT = 64
ADAPTERS = ("formal", "terse")
NAMES = (None, *ADAPTERS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder, and beside it one for each adapter."""
    place = tmp_path_factory.mktemp("model")
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<pad>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>", pad_token="<pad>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(place / "base")
    torch.manual_seed(1)
    shape = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    more = {"vocab_size": len(WORDS), "max_position_embeddings": CONTEXT, "eos_token_id": 0, "pad_token_id": 1}
    LlamaForCausalLM(LlamaConfig(**shape, **more, initializer_range=0.3)).save_pretrained(place / "base")
    for name in ADAPTERS:
        base = AutoModelForCausalLM.from_pretrained(place / "base")
        tuned = get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"]))
        for parameter in (p for key, p in tuned.named_parameters() if "lora_B" in key):
            torch.nn.init.normal_(parameter, std=0.3)
        tuned.save_pretrained(place / name)
    return place


@pytest.fixture
async def provider(folder: Path) -> AsyncIterator[TransformersProvider]:
    adapters = {name: folder / name for name in ADAPTERS}
    made = TransformersProvider(TransformersConfig("tiny", folder / "base", "cpu", adapters, parallel=4))
    yield made
    await made.close()


def asked(text: str, **fields: Any) -> Json:
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 12, **fields}


async def said(provider: TransformersProvider, text: str, adapter: str | None, **fields: Any) -> str:
    reply = await provider.send(Ask("chat", asked(text, **fields), adapter=adapter))
    content: str = orjson.loads(await reply.read())["choices"][0]["message"]["content"]
    return content


def by_hand(folder: Path, text: str, adapter: str | None) -> str:
    """What transformers' and PEFT's own greedy search answers."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "base")
    model: Any = AutoModelForCausalLM.from_pretrained(folder / "base")
    if adapter is not None:
        model = PeftModel.from_pretrained(model, folder / adapter)
    ids = tokenizer(text, return_tensors="pt").input_ids
    with torch.inference_mode():
        made = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
    text_made: str = tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
    return text_made


async def test_a_mixed_batch_answers_as_each_would_alone(provider: TransformersProvider, folder: Path) -> None:
    """Prompts of different lengths, more of them than fit into the batch, every adapter and none."""
    texts = ["w1", "w2 w3 w4 w5 w6", "w7 w8"]
    pairs = [(text, name) for text in texts for name in NAMES]
    together = await asyncio.gather(*(said(provider, text, name) for text, name in pairs))
    assert together == [by_hand(folder, text, name) for text, name in pairs]
    for text in texts:
        answers = [answer for (asked_, _), answer in zip(pairs, together, strict=True) if asked_ == text]
        assert len(set(answers)) == len(NAMES), "adapters that all say the same would prove nothing"


async def test_a_stream_of_an_adapter(provider: TransformersProvider, folder: Path) -> None:
    fields = {"stream": True, "stream_options": {"include_usage": True}}
    reply = await provider.send(Ask("chat", asked("w1 w2", **fields), stream=True, adapter="formal"))
    events = [event_data(event) for event in EventSplitter().feed(await reply.read())]
    assert events.pop() == b"[DONE]"
    chunks = [orjson.loads(data or b"") for data in events]
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    assert text == by_hand(folder, "w1 w2", "formal")
    assert chunks[-1]["usage"]["prompt_tokens"] == 2


async def test_choices_and_seeds_of_an_adapter(provider: TransformersProvider) -> None:
    fields = {"temperature": 1.5, "seed": 7, "n": 3}

    async def choices(adapter: str | None) -> list[str]:
        reply = await provider.send(Ask("chat", asked("w1", **fields), adapter=adapter))
        return [choice["message"]["content"] for choice in orjson.loads(await reply.read())["choices"]]

    formal = await choices("formal")
    assert formal == await choices("formal")
    assert len(set(formal)) > 1
    assert formal != await choices(None)


async def test_penalties_and_bias_change_what_is_said(provider: TransformersProvider) -> None:
    plain = await said(provider, "w1", None)
    first = plain.split()[0]
    banned = await said(provider, "w1", None, logit_bias={str(WORDS.index(first)): -100})
    assert first not in banned.split()
    forced = await said(provider, "w1", None, logit_bias={str(WORDS.index("w9")): 100})
    assert set(forced.split()) == {"w9"}
    assert len(set((await said(provider, "w1", None, frequency_penalty=2, presence_penalty=2)).split())) >= len(
        set(plain.split())
    )


async def test_log_probabilities_are_of_the_likeliest(provider: TransformersProvider) -> None:
    reply = await provider.send(Ask("chat", asked("w1", logprobs=True, top_logprobs=3)))
    for entry in orjson.loads(await reply.read())["choices"][0]["logprobs"]["content"]:
        tops = [top["logprob"] for top in entry["top_logprobs"]]
        assert entry["logprob"] == tops[0] == max(tops) < 0
        assert len(tops) == 3


async def test_what_it_cannot_do_is_refused(provider: TransformersProvider) -> None:
    with pytest.raises(ContextLength):
        await said(provider, "w1 " * CONTEXT, None)
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]
    wrong: tuple[tuple[Operation, Json, type[BadRequest]], ...] = (
        ("chat", {"messages": picture}, UnsupportedParam),
        ("chat", asked("w1", logit_bias={"64": 1}), BadRequest),
        ("chat", asked("w1", logit_bias={"-1": 1}), BadRequest),
        ("chat", asked("w1", logit_bias={"w1": 1}), BadRequest),
        ("completions", {"prompt": [1, 64]}, BadRequest),
        ("completions", {"prompt": [[1], [-1]]}, BadRequest),
        ("completions", {"prompt": ""}, BadRequest),
        ("completions", {"prompt": "w1", "logprobs": 1}, UnsupportedParam),
    )
    for operation, body, kind in wrong:
        with pytest.raises(kind):
            await provider.send(Ask(operation, body))
    assert await said(provider, "w1", None), "and goes on"


async def test_an_answer_ends_where_the_context_does(provider: TransformersProvider) -> None:
    reply = await provider.send(Ask("chat", asked("w1 " * (CONTEXT - 5), max_tokens=50)))
    answer = orjson.loads(await reply.read())
    assert answer["usage"]["completion_tokens"] <= 5
    assert answer["choices"][0]["finish_reason"] in ("length", "stop")


@pytest.mark.parametrize("broken", ["missing", "empty", "garbage"])
async def test_an_adapter_that_cannot_be_loaded_says_what_to_do(folder: Path, tmp_path: Path, broken: str) -> None:
    place = tmp_path / "adapter"
    if broken != "missing":
        place.mkdir()
    if broken == "garbage":
        (place / "adapter_config.json").write_bytes((folder / "formal" / "adapter_config.json").read_bytes())
        (place / "adapter_model.safetensors").write_bytes(b"garbage")
    made = TransformersProvider(TransformersConfig("tiny", folder / "base", "cpu", {"a": place}))
    with pytest.raises(GatewayError) as refused:
        await made.check()
    assert isinstance(refused.value, Unavailable)
    assert "`adapters:`" in refused.value.message
    await made.close()
