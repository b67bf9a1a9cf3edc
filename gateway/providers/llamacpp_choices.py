"""Several choices of llama.cpp in one reply: streamed it tells the usage of each, whole that of the first alone.

So several are always asked for as a stream, and their figures are added up; a client who wants them whole gets them
put together from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from gateway.errors import UpstreamFailed
from gateway.http.base import Headers, Reply, Sink
from gateway.providers.base import Ask
from gateway.providers.shapes import usage
from gateway.types import Json
from gateway.wire.chunks import in_band
from gateway.wire.sse import DONE, EventSplitter, event_data, frame


def several(body: Json) -> bool:
    """Whether the answer has more than one choice."""
    prompt = body.get("prompt")
    return (body.get("n") or 1) > 1 or (isinstance(prompt, list) and len(prompt) > 1 and not isinstance(prompt[0], int))


def as_stream(ask: Ask) -> Ask:
    """The same call, answered by a stream that tells its usage."""
    body = {**ask.body, "stream": True, "stream_options": {"include_usage": True}}
    return msgspec.structs.replace(ask, body=body, stream=True)


class Choices:
    """A `Reply` of several choices over llama.cpp's stream of them; `copies` are made for each prompt."""

    def __init__(self, stream: Reply, copies: int) -> None:
        self.status = 200
        self.complete = False
        self.headers: Headers = []
        self._stream = stream
        self._copies = copies
        self._prompts: dict[int, Json] = {}
        """Figures of the first choice of each prompt that ended: those of its prompt are counted once."""
        self._made = 0

    async def read(self) -> bytes:
        """The whole reply."""
        whole: Json = {}
        choices: dict[int, Json] = {}

        def take(chunk: Json) -> None:
            for choice in chunk.pop("choices"):
                index = choice["index"]
                choices[index] = _grown(choices.get(index, {"logprobs": None}), choice)
            whole.update(chunk)

        await self._each(take)
        whole["object"] = whole["object"].removesuffix(".chunk")
        whole["choices"] = [_as_whole(choices[index]) for index in sorted(choices)]
        return orjson.dumps(whole)

    async def pump(self, sink: Sink) -> None:
        await self._each(lambda chunk: sink(frame(orjson.dumps(chunk))))
        sink(DONE)

    async def _each(self, take: Callable[[Json], None]) -> None:
        """Every chunk without its usage, and at the end one with the usage of all."""
        splitter = EventSplitter()
        last: Json | None = None
        done = False

        def feed(data: bytes) -> None:
            nonlocal last, done
            for payload in map(event_data, splitter.feed(data)):
                if payload == b"[DONE]":
                    done = True
                elif payload not in (None, b"null"):  # null comes between the answers to several prompts
                    last = self._counted(orjson.loads(payload))
                    if last["choices"]:
                        take(last)

        await self._stream.pump(feed)
        if last is None or not done:
            raise UpstreamFailed("The model's stream ended before the answer did.", code="upstream_cut")
        take({**last, "choices": [], "usage": self._usage()})

    def _counted(self, chunk: Json) -> Json:
        if "error" in chunk:
            raise in_band(chunk["error"])
        chunk.pop("timings", None)
        figures = chunk.pop("usage", None)
        if figures:
            index = chunk["choices"][0]["index"] if chunk["choices"] else 0
            self._prompts.setdefault(index // self._copies, figures)
            self._made += figures["completion_tokens"]
        return chunk

    def _usage(self) -> Json:
        read = self._prompts.values()
        total = usage(sum(figures["prompt_tokens"] for figures in read), self._made)
        cached = sum(figures["prompt_tokens_details"]["cached_tokens"] for figures in read)
        return {**total, "prompt_tokens_details": {"cached_tokens": cached}}

    def pause(self) -> None:
        self._stream.pause()

    def resume(self) -> None:
        self._stream.resume()

    def close(self) -> None:
        self._stream.close()


def _grown(held: Any, more: Any) -> Any:
    """What was said so far, with what comes next: texts and lists go on, tool calls each at its `index`."""
    if held is None or more is None:
        return held if more is None else more
    if isinstance(held, str):
        return held + more
    if isinstance(held, list):
        for item in more:
            at = item.get("index", len(held))
            if at < len(held):
                held[at] = _grown(held[at], item)
            else:
                held.append(item)
        return held
    if isinstance(held, dict):
        return held | {name: _grown(held.get(name), value) for name, value in more.items()}
    return more


def _as_whole(choice: Json) -> Json:
    """A choice put together from deltas as it stands in a whole reply."""
    if "delta" not in choice:
        return choice
    message = {"content": None, **choice.pop("delta")}
    for call in message.get("tool_calls") or ():
        del call["index"]
    return {**choice, "message": message}
