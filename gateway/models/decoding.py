"""Continuous batching of a causal language model in torch (Orca, Yu et al., OSDI 2022).

One thread owns the model. Every step decodes one token for all sequences under way, whatever their adapters; between
two steps new sequences join and ended ones leave. Rows are padded on the left, so that they all end in the same column
of the key-value cache. Each sequence samples with parameters and a random generator of its own, so its tokens depend on
its neighbours only through floating-point rounding.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any

import torch
from torch.nn.functional import pad

BASE = "__base__"
"""PEFT's name for no adapter in a batch that mixes them."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """As in OpenAI's API. `temperature` 0 takes the likeliest token; `top_logprobs` of None asks for no log
    probabilities, which are natural logarithms taken before temperature, penalties and bias."""

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    top_logprobs: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """One token made. `last` says why nothing follows: `stop`, `length`, or None while more comes; with `stop` the
    token is the model's end mark and no part of the text."""

    id: int
    last: str | None
    logprob: float = 0.0
    top: tuple[tuple[int, float], ...] = ()


Sink = Callable[[Token | Exception], None]
"""Called from the decoder's thread, once for every token; an exception is the last call."""


class Sequence:
    """One answer being made. Setting `cancelled` ends it, silently, before the next step."""

    def __init__(self, prompt: list[int], adapter: str | None, sampling: Sampling, limit: int, sink: Sink) -> None:
        self.prompt = prompt
        self.adapter = adapter
        self.sampling = sampling
        self.limit = limit
        self.sink = sink
        self.cancelled = False
        self.made: list[int] = []
        self.ended = False
        self.random: torch.Generator | None = None


class Decoder:
    """Owns the model, its thread and its batch. `ends` are the model's end-of-text tokens. `adapters` says that the
    model is PEFT's, and takes an adapter's name for each row."""

    def __init__(self, model: Any, ends: Iterable[int], parallel: int, adapters: bool) -> None:
        self._model = model
        self._ends = frozenset(ends)
        self._parallel = parallel
        self._adapters = adapters
        self._rows: list[Sequence] = []
        self._cache: Any = None
        self._mask = torch.empty(0)
        self._closing = False
        self._arrivals: SimpleQueue[Sequence | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return self._arrivals.qsize()

    def submit(self, sequence: Sequence) -> None:
        self._arrivals.put(sequence)

    def close(self) -> None:
        """Stop after the step under way; sequences that have not ended are told nothing."""
        self._closing = True
        self._arrivals.put(None)  # wakes a thread that waits for one
        self._thread.join()

    def _run(self) -> None:
        with torch.inference_mode():
            while self._admit():
                self._guard(self._rows, self._step)
                self._leave()

    def _admit(self) -> bool:
        """Let arrivals in, as far as there is room; with nothing to do, wait for one. False: closed."""
        while len(self._rows) < self._parallel and (not self._rows or not self._arrivals.empty()):
            sequence = self._arrivals.get()
            if self._closing or sequence is None:
                return False
            if not sequence.cancelled:
                self._guard([sequence], partial(self._join, sequence))
        return not self._closing

    def _guard(self, rows: list[Sequence], work: Callable[[], None]) -> None:
        """What goes wrong (memory, most likely) ends these sequences and nothing else."""
        try:
            work()
        except Exception as error:  # noqa: BLE001  # handed to whoever waits for the tokens
            for row in rows:
                row.ended = True
                row.sink(error)

    def _join(self, sequence: Sequence) -> None:
        """Read the prompt, make the first token, and add the row to the batch."""
        from transformers import DynamicCache

        device = self._model.device
        prompt = torch.tensor([sequence.prompt], device=device)
        cache: Any = DynamicCache()
        self._seed(sequence, device)
        logits = self._forward(prompt, torch.ones_like(prompt), None, cache, [sequence])
        self._emit(sequence, logits[0])
        if sequence.ended:
            return
        mask = torch.ones_like(prompt)
        if self._rows:
            for ours, new in zip(self._cache.layers, cache.layers, strict=True):
                ours.keys, ours.values = _stack(ours.keys, new.keys), _stack(ours.values, new.values)
            width = max(self._mask.shape[1], mask.shape[1])
            mask = torch.cat([_widen(self._mask, width), _widen(mask, width)])
        else:
            self._cache = cache
        self._mask = mask
        self._rows.append(sequence)

    def _step(self) -> None:
        """One more token for every row."""
        rows = self._rows
        if not rows:
            return
        last = torch.tensor([[row.made[-1]] for row in rows], device=self._mask.device)
        self._mask = torch.cat([self._mask, torch.ones_like(last)], dim=1)
        positions = self._mask.sum(1, keepdim=True) - 1
        logits = self._forward(last, self._mask, positions, self._cache, rows)
        for row, scores in zip(rows, logits, strict=True):
            if not row.cancelled:
                self._emit(row, scores)

    def _leave(self) -> None:
        """Take ended rows out, and the columns nobody needs any more."""
        keep = [index for index, row in enumerate(self._rows) if not (row.ended or row.cancelled)]
        if len(keep) == len(self._rows):
            return
        self._rows = [self._rows[index] for index in keep]
        if not keep:
            self._cache, self._mask = None, torch.empty(0)
            return
        self._mask = self._mask[keep]
        unused = int(self._mask.argmax(1).min())
        self._mask = self._mask[:, unused:]
        for layer in self._cache.layers:
            layer.keys = layer.keys[keep][:, :, unused:]
            layer.values = layer.values[keep][:, :, unused:]

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, positions: Any, cache: Any, rows: list[Sequence]) -> Any:
        """Scores of the next token for every row, in float32."""
        named = {"adapter_names": [row.adapter or BASE for row in rows]} if self._adapters else {}
        out = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            cache=cache,
            use_cache=True,
            logits_to_keep=1,
            **named,
        )
        return out.logits[:, -1].float()

    def _emit(self, row: Sequence, scores: torch.Tensor) -> None:
        chosen = _choose(scores, row)
        row.made.append(chosen)
        last = "stop" if chosen in self._ends else "length" if len(row.made) >= row.limit else None
        row.ended = last is not None
        logprob, top = _logprobs(scores, chosen, row.sampling.top_logprobs)
        row.sink(Token(chosen, last, logprob, top))

    def _seed(self, sequence: Sequence, device: torch.device) -> None:
        sequence.random = torch.Generator(device)
        if sequence.sampling.seed is not None:
            sequence.random.manual_seed(sequence.sampling.seed)
        else:
            sequence.random.seed()


def _choose(scores: torch.Tensor, row: Sequence) -> int:
    """The next token: penalties and bias, then temperature, then the smallest set of likelihood `top_p`."""
    sampling = row.sampling
    scores = _penalised(scores, row)
    if sampling.temperature == 0:
        return int(scores.argmax())
    likelihoods = torch.softmax(scores / sampling.temperature, dim=-1)
    if sampling.top_p < 1:
        ordered, places = likelihoods.sort(descending=True)
        ordered[ordered.cumsum(0) - ordered >= sampling.top_p] = 0
        ordered[0] = max(float(ordered[0]), 1e-9)  # top_p of 0 still leaves the likeliest
        return int(places[torch.multinomial(ordered, 1, generator=row.random)])
    return int(torch.multinomial(likelihoods, 1, generator=row.random))


def _penalised(scores: torch.Tensor, row: Sequence) -> torch.Tensor:
    sampling = row.sampling
    if not (sampling.frequency_penalty or sampling.presence_penalty or sampling.logit_bias):
        return scores
    scores = scores.clone()
    if row.made and (sampling.frequency_penalty or sampling.presence_penalty):
        made, counts = torch.unique(torch.tensor(row.made, device=scores.device), return_counts=True)
        scores[made] -= sampling.presence_penalty + sampling.frequency_penalty * counts
    for token, bias in sampling.logit_bias.items():
        scores[token] += bias
    return scores


def _logprobs(scores: torch.Tensor, chosen: int, top: int | None) -> tuple[float, tuple[tuple[int, float], ...]]:
    if top is None:
        return 0.0, ()
    logs = torch.log_softmax(scores, dim=-1)
    best, places = logs.topk(top)
    return float(logs[chosen]), tuple(zip(places.tolist(), best.tolist(), strict=True))


def _stack(ours: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """Keys or values (rows, heads, columns, width), the narrower padded on the left."""
    columns = max(ours.shape[2], new.shape[2])
    return torch.cat([pad(part, (0, 0, columns - part.shape[2], 0)) for part in (ours, new)])


def _widen(mask: torch.Tensor, width: int) -> torch.Tensor:
    return pad(mask, (width - mask.shape[1], 0))
