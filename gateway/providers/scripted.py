"""A provider that says what it was told to: deterministic, offline; for tests, demos and dry runs of a configuration.

Rules are tried in order against the last user message; without a match it repeats the message back. Tokens are words.
"""

from __future__ import annotations

import asyncio
import base64
import re
import struct
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from gateway.errors import Unavailable, UpstreamFailed
from gateway.http.base import Headers, Reply
from gateway.providers import shapes
from gateway.providers.base import Ask, EventReply, WholeReply
from gateway.providers.refusal import refused
from gateway.types import Json, Operation

DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do when `when` (a regular expression) is found in the last user message.

    `say` is the answer; `call` is a tool call `{name, arguments}`; `status` other than 200 refuses as an upstream
    would. `pause` waits that many seconds before each word; `cut` ends a stream after that many words, unfinished.
    """

    when: str = ""
    say: str | None = None
    call: Json | None = None
    status: int = 200
    retry_after: float | None = None
    pause: float = 0.0
    cut: int | None = None


@dataclass(frozen=True, slots=True)
class ScriptedConfig:
    model: str = "scripted"
    rules: tuple[Rule, ...] = ()
    down: bool = False
    """`check` fails: the upstream counts as not ready."""


class ScriptedProvider:
    """A `Provider` that needs nothing."""

    operations: frozenset[Operation] = frozenset(("chat", "completions", "embeddings"))
    refuses: frozenset[str] = frozenset()

    def __init__(self, config: ScriptedConfig) -> None:
        self._config = config

    async def send(self, ask: Ask) -> Reply:
        if ask.operation == "embeddings":
            return WholeReply(orjson.dumps(_embeddings(ask.body, self._config.model)))
        said = _last_user_text(ask.body)
        rule = next((r for r in self._config.rules if re.search(r.when, said)), Rule())
        if rule.status != 200:
            error = {"error": {"message": rule.say or "Scripted.", "type": "scripted", "param": None, "code": None}}
            headers: Headers = []
            if rule.retry_after is not None:
                headers.append((b"retry-after", b"%g" % rule.retry_after))
            raise refused(rule.status, orjson.dumps(error), headers)
        answer = _Answer(rule, rule.say if rule.say is not None else said, ask, self._config.model)
        if ask.stream:
            return EventReply(answer.events())
        await asyncio.sleep(rule.pause)
        if rule.cut is not None:
            raise UpstreamFailed("The upstream cut its reply short.", code="upstream_cut")
        return WholeReply(answer.whole())

    async def check(self) -> None:
        if self._config.down:
            raise Unavailable("The scripted upstream is told to be down.")

    async def close(self) -> None: ...


class _Answer:
    """One answer, in either operation's shape, whole or as events."""

    def __init__(self, rule: Rule, text: str, ask: Ask, model: str) -> None:
        self._rule = rule
        self._words = re.findall(r"\S+\s*|\s+", text) if rule.call is None else []
        self._chat = ask.operation == "chat"
        self._body = ask.body
        self._reply = shapes.Shape(ask.operation, model, ask.body)
        most = ask.body.get("max_completion_tokens") or ask.body.get("max_tokens")
        self._finish = "tool_calls" if rule.call else "stop"
        if most is not None and len(self._words) > most:
            self._words = self._words[:most]
            self._finish = "length"
        self._choices = range(ask.body.get("n") or 1)

    def whole(self) -> bytes:
        return self._reply.whole([self._choice(i) for i in self._choices], self._usage())

    async def events(self) -> AsyncGenerator[bytes, None]:
        for position, event in enumerate(self._deltas()):
            if self._rule.cut is not None and position > self._rule.cut:
                return
            await asyncio.sleep(self._rule.pause)
            yield event
        yield self._reply.end(self._usage())

    def _deltas(self) -> Iterator[bytes]:
        if self._chat:
            for index in self._choices:
                yield self._reply.event(index, {"role": "assistant", "content": None if self._rule.call else ""})
        if self._rule.call:
            for index in self._choices:
                first = {"index": 0, **_tool_call(self._rule.call)}
                arguments = first["function"].pop("arguments")
                yield self._reply.event(
                    index, {"tool_calls": [{**first, "function": {**first["function"], "arguments": ""}}]}
                )
                for piece in re.findall(r".{1,4}", arguments, re.DOTALL):
                    yield self._reply.event(index, {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        for word in self._words:
            for index in self._choices:
                yield self._reply.event(index, {"content": word})
        for index in self._choices:
            yield self._reply.event(index, {}, self._finish)

    def _choice(self, index: int) -> Json:
        message: Json = {"content": "".join(self._words)}
        if self._rule.call:
            message = {"content": None, "tool_calls": [_tool_call(self._rule.call)]}
        return self._reply.choice(index, message, self._finish)

    def _usage(self) -> Json:
        given = len(orjson.dumps(self._body.get("messages") or self._body.get("prompt")).split())
        made = max(len(self._words), 1) * len(self._choices)
        return shapes.usage(given, made)


def _tool_call(call: Json) -> Json:
    arguments = call.get("arguments", {})
    written = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
    return {"id": "call_scripted", "type": "function", "function": {"name": call["name"], "arguments": written}}


def _last_user_text(body: Json) -> str:
    prompt = body.get("prompt")
    if isinstance(prompt, str):
        return prompt
    for message in reversed(body.get("messages") or []):
        if message.get("role") in ("user", "tool"):
            return _text(message.get("content"))
    return ""


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or [])


def _embeddings(body: Json, model: str) -> Json:
    """Vectors made from a digest of the input: equal inputs get equal vectors, and that is all they mean."""
    given = body["input"]
    inputs = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    width = body.get("dimensions") or DIMENSIONS
    data = []
    for index, item in enumerate(inputs):
        seed = sha256(orjson.dumps(item)).digest()
        vector = [(seed[i % 32] - 127.5) / 128 for i in range(width)]
        packed: Any = vector
        if body.get("encoding_format") == "base64":
            packed = base64.b64encode(struct.pack(f"<{width}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": packed})
    tokens = sum(len(str(item).split()) if isinstance(item, str) else len(item) for item in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}
