"""A model of Hugging Face's transformers in this process: torch on cuda, mps or cpu, with LoRA adapters by name.

Answers are made by `gateway.models.decoding`, all sequences together in one batch. torch is imported with the first
model, never before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.errors import (
    BadRequest,
    ContextLength,
    GatewayError,
    Unavailable,
    Unequipped,
    UnsupportedParam,
    UpstreamFailed,
)
from gateway.http.base import Reply
from gateway.models.loading import Loaded
from gateway.models.locate import chat_template, locate, unloadable
from gateway.models.text import Detokenizer, StopStrings
from gateway.providers.base import Ask, EventReply, WholeReply
from gateway.providers.shapes import Shape, usage
from gateway.types import Json, Operation

if TYPE_CHECKING:
    from gateway.models.decoding import Decoder, Sampling, Sequence, Token

INSTALL = "pip install 'sluicegate[torch]'"
MOST_WAITING = 256
"""Sequences that may wait for a place in the batch; beyond, calls are refused."""


@dataclass(frozen=True, slots=True)
class TransformersConfig:
    """`device` is auto, cpu, cuda or mps. `adapters` are folders of LoRA weights (PEFT's format) by name. `parallel`
    sequences are decoded together."""

    model: str
    path: Path | None = None
    device: str = "auto"
    adapters: Mapping[str, Path] = field(default_factory=dict)
    parallel: int = 8


@dataclass(frozen=True, slots=True)
class Model:
    """Loaded and ready: `context` is in tokens, `template` overrides the tokenizer's own."""

    tokenizer: Any
    decoder: Decoder
    context: int
    template: str | None


class TransformersProvider:
    """A `Provider`. The model is loaded with the first call, or by `check`."""

    operations: frozenset[Operation] = frozenset(("chat", "completions"))
    refuses: frozenset[str] = frozenset(
        "audio best_of echo function_call functions modalities prediction response_format suffix tool_choice tools "
        "web_search_options".split()
    )

    def __init__(self, config: TransformersConfig) -> None:
        self._config = config
        self._model = Loaded(lambda: _load(config))

    async def send(self, ask: Ask) -> Reply:
        model = await self._model.get()
        if model.decoder.waiting >= MOST_WAITING:
            raise Unavailable("The model has too many requests waiting.", code="overloaded", retry_after=1)
        answer = _Answer(model, ask, self._config.model)
        if ask.stream:
            return EventReply(answer.events())
        return WholeReply(await answer.whole())

    async def check(self) -> None:
        await self._model.get()

    async def close(self) -> None:
        model = await self._model.take()
        if model is not None:
            await asyncio.to_thread(model.decoder.close)


class _Answer:
    """One call's answer: `n` choices for each of its prompts, all in the batch at once."""

    def __init__(self, model: Model, ask: Ask, name: str) -> None:
        body = ask.body
        self._model = model
        self._chat = ask.operation == "chat"
        self._shape = Shape(ask.operation, name, body)
        self._told: asyncio.Queue[tuple[int, Token | Exception]] = asyncio.Queue()
        prompts = [_chat_prompt(model, body["messages"])] if self._chat else _prompts(model, body["prompt"])
        copies = body.get("n") or 1
        most = body.get("max_completion_tokens") or body.get("max_tokens") or (model.context if self._chat else 16)
        loop = asyncio.get_running_loop()
        self._given = sum(len(prompt) for prompt in prompts)
        self._sequences = [
            _sequence(
                model, prompt, ask.adapter, _sampling(model, body, self._chat, number), most, self._sink(loop, number)
            )
            for number, prompt in enumerate(prompt for prompt in prompts for _ in range(copies))
        ]
        self._texts = [_Text(model.tokenizer, body.get("stop")) for _ in self._sequences]

    async def whole(self) -> bytes:
        said = [""] * len(self._sequences)
        logs: list[list[Json]] = [[] for _ in self._sequences]
        ends: list[str] = [""] * len(self._sequences)
        async for index, text, log, end in self._pieces():
            said[index] += text
            logs[index] += log
            ends[index] = end or ends[index]
        choices = [
            self._shape.choice(index, {"content": text}, end, {"content": log, "refusal": None} if log else None)
            for index, (text, log, end) in enumerate(zip(said, logs, ends, strict=True))
        ]
        return self._shape.whole(choices, self._usage())

    async def events(self) -> AsyncGenerator[bytes, None]:
        if self._chat:
            for index in range(len(self._sequences)):
                yield self._shape.event(index, {"role": "assistant", "content": ""})
        async for index, text, log, end in self._pieces():
            if text or log:
                logprobs = {"content": log, "refusal": None} if log else None
                yield self._shape.event(index, {"content": text}, None, logprobs)
            if end:
                yield self._shape.event(index, {}, end)
        yield self._shape.end(self._usage())

    async def _pieces(self) -> AsyncGenerator[tuple[int, str, list[Json], str | None], None]:
        """Choice, text, its tokens' log probabilities, and the reason when the choice has ended."""
        for sequence in self._sequences:
            self._model.decoder.submit(sequence)
        open_ones = set(range(len(self._sequences)))
        try:
            while open_ones:
                index, told = await self._told.get()
                if index not in open_ones:
                    continue  # made while its stop string was being found
                if isinstance(told, Exception):
                    raise _failed(told)
                text, log, end = self._texts[index].feed(told)
                if end is not None:
                    open_ones.discard(index)
                    self._sequences[index].cancelled = True
                yield index, text, log, end
        finally:
            for sequence in self._sequences:
                sequence.cancelled = True

    def _sink(self, loop: asyncio.AbstractEventLoop, index: int) -> Any:
        return lambda told: loop.call_soon_threadsafe(self._told.put_nowait, (index, told))

    def _usage(self) -> Json:
        return usage(self._given, sum(len(sequence.made) for sequence in self._sequences))


class _Text:
    """One choice's tokens as text."""

    def __init__(self, tokenizer: Any, stop: Any) -> None:
        self._tokenizer = tokenizer
        self._letters = Detokenizer(tokenizer)
        self._stops = StopStrings([stop] if isinstance(stop, str) else stop or [])

    def feed(self, token: Token) -> tuple[str, list[Json], str | None]:
        log = [_log(self._tokenizer, token)] if token.top else []
        if token.last == "stop":
            return self._stops.rest(), [], "stop"
        text = self._stops.feed(self._letters.feed(token.id))
        if self._stops.found:
            return text, log, "stop"
        return (text + self._stops.rest() if token.last else text), log, token.last


def _sequence(
    model: Model, prompt: list[int], adapter: str | None, sampling: Sampling, most: int, sink: Any
) -> Sequence:
    from gateway.models.decoding import Sequence

    if not prompt:
        message = "The prompt has no tokens; this model goes on from at least one."
        raise BadRequest(message, param="prompt", code="invalid_value")
    room = model.context - len(prompt)
    if room < 1:
        message = f"This model reads at most {model.context} tokens; the prompt has {len(prompt)}."
        raise ContextLength(message, param="messages")
    return Sequence(prompt, adapter, sampling, min(most, room), sink)


def _sampling(model: Model, body: Json, chat: bool, number: int) -> Sampling:
    from gateway.models.decoding import Sampling

    if not chat and body.get("logprobs") is not None:
        raise UnsupportedParam("This model gives log probabilities for chat only.", param="logprobs")
    seed = body.get("seed")
    temperature, top_p = body.get("temperature"), body.get("top_p")
    return Sampling(
        temperature=1.0 if temperature is None else temperature,
        top_p=1.0 if top_p is None else top_p,
        seed=seed + number if seed is not None else None,
        frequency_penalty=body.get("frequency_penalty") or 0.0,
        presence_penalty=body.get("presence_penalty") or 0.0,
        logit_bias=_bias(model, body.get("logit_bias") or {}),
        top_logprobs=max(1, body.get("top_logprobs") or 0) if body.get("logprobs") else None,
    )


def _bias(model: Model, given: Mapping[str, float]) -> dict[int, float]:
    for token in given:
        if not token.isdecimal() or int(token) >= len(model.tokenizer):
            message = f"'logit_bias' names tokens by number; this model has no token {token[:20]!r}."
            raise BadRequest(message, param="logit_bias", code="invalid_value")
    return {int(token): bias for token, bias in given.items()}


def _chat_prompt(model: Model, messages: list[Json]) -> list[int]:
    from jinja2 import TemplateError

    plain = [{**message, "content": _text(message, index)} for index, message in enumerate(messages)]
    try:
        ids: list[int] = model.tokenizer.apply_chat_template(
            plain, add_generation_prompt=True, return_dict=False, chat_template=model.template
        )
    except TemplateError as error:
        message = f"The model's chat template refuses this conversation: {error}."
        raise BadRequest(message, param="messages", code="invalid_value") from error
    return ids


def _text(message: Json, index: int) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    if any(part.get("type") != "text" for part in content):
        raise UnsupportedParam("This model reads text only.", param=f"messages[{index}].content")
    return "".join(part["text"] for part in content)


def _prompts(model: Model, given: Any) -> list[list[int]]:
    """Every form of a completion's `prompt` as tokens."""
    if isinstance(given, str) or (given and isinstance(given[0], int)):
        given = [given]
    prompts = [model.tokenizer(item)["input_ids"] if isinstance(item, str) else list(item) for item in given]
    if not all(0 <= token < len(model.tokenizer) for prompt in prompts for token in prompt):
        message = f"This model's tokens are numbered from 0 to {len(model.tokenizer) - 1}."
        raise BadRequest(message, param="prompt", code="invalid_value")
    return prompts


def _log(tokenizer: Any, token: Token) -> Json:
    top = [_token_log(tokenizer, number, logprob) for number, logprob in token.top]
    return {**_token_log(tokenizer, token.id, token.logprob), "top_logprobs": top}


def _token_log(tokenizer: Any, number: int, logprob: float) -> Json:
    text = tokenizer.decode([number])
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _failed(error: Exception) -> GatewayError:
    if isinstance(error, GatewayError):
        return error
    return UpstreamFailed(f"The model failed while answering: {type(error).__name__}.", code="model_failed")


def _load(config: TransformersConfig) -> Model:
    """Blocks; raises `Unavailable` with the next step."""
    try:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        from gateway.models.decoding import Decoder
    except ImportError as error:
        raise Unequipped(f"This upstream needs torch and transformers: {INSTALL}", code="package_missing") from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call,unused-ignore]
    place = locate(config.model, config.path)
    source, more = str(place), {}
    if isinstance(place, Path) and place.is_file():
        source, more = str(place.parent), {"gguf_file": place.name}
    device = _device(torch, config.device)
    precision = torch.float32 if device == "cpu" else torch.bfloat16
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **more)
        model: Any = AutoModelForCausalLM.from_pretrained(source, dtype=precision, **more).to(device)
        model = _with_adapters(model, config.adapters).eval()
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise unloadable(place, error) from error
    ends = model.generation_config.eos_token_id
    decoder = Decoder(model, ends if isinstance(ends, list) else [ends], config.parallel, bool(config.adapters))
    return Model(tokenizer, decoder, model.config.max_position_embeddings, chat_template(config.model))


def _with_adapters(model: Any, adapters: Mapping[str, Path]) -> Any:
    if not adapters:
        return model
    from peft import PeftModel

    (first, folder), *others = adapters.items()
    model = PeftModel.from_pretrained(model, str(folder), adapter_name=first)
    for name, other in others:
        model.load_adapter(str(other), adapter_name=name)
    return model


def _device(torch: Any, wanted: str) -> str:
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
