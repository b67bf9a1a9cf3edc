"""One call as all three saw it: the caller, the upstream's own log, and the record."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from openai import APIConnectionError, APIError, APIStatusError, AsyncOpenAI

from benchmarks.chaos.client import ask
from benchmarks.chaos.gateway import Gateway
from benchmarks.chaos.upstream import Attempt, FaultyUpstream


@dataclass
class Seen:
    """What the caller has is text, finish, and an error or none; `status` is 0 where no head of a reply came."""

    id: str = ""
    status: int = 0
    text: str = ""
    finish: str | None = None
    error: str | None = None
    said: str = ""
    """The error's message."""
    seconds: float = 0.0
    record: dict[str, Any] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def success(self) -> bool:
        """It looks like one to the caller."""
        return self.error is None and self.finish is not None

    @property
    def listed(self) -> list[Any]:
        """Upstream and error of each attempt, as the record has it."""
        tries = self.record.get("attempts")
        tries = json.loads(tries) if isinstance(tries, str) else tries
        if tries:
            return [[name, error] for name, error, _ in tries]
        return [[self.record.get("upstream"), self.record.get("error")]]

    def asked(self, model: str) -> list[float]:
        """When the upstream was asked for this model."""
        return [attempt.at for attempt in self.attempts if attempt.model == model]


def request(model: str, user: str, stream: bool) -> dict[str, Any]:
    return {"model": model, "user": user, "stream": stream, "messages": [{"role": "user", "content": "Go on."}]}


async def by_sdk(client: AsyncOpenAI, upstream: FaultyUpstream, model: str, user: str, stream: bool) -> Seen:
    """Through the official client, which must make no attempts of its own."""
    seen = Seen()
    started = time.monotonic()
    try:
        raw = await client.chat.completions.with_raw_response.create(**request(model, user, stream))
        seen.id, seen.status = raw.headers["x-request-id"], raw.status_code
        if stream:
            async for part in raw.parse():
                for choice in part.choices:
                    seen.text += choice.delta.content or ""
                    seen.finish = choice.finish_reason or seen.finish
        else:
            (choice,) = raw.parse().choices
            seen.text, seen.finish = choice.message.content or "", choice.finish_reason
    except APIStatusError as error:
        seen.id, seen.status = error.response.headers.get("x-request-id", ""), error.status_code
        seen.error, seen.said = error.code or error.type or "status", error.message
    except (APIConnectionError, httpx.HTTPError) as error:
        seen.error = seen.said = f"the connection broke: {type(error).__name__}"
    except APIError as error:  # an error event within a stream
        seen.error, seen.said = error.code or error.type or "event", error.message
    seen.seconds = time.monotonic() - started
    seen.attempts = list(upstream.attempts[user])
    return seen


async def by_socket(gateway: Gateway, upstream: FaultyUpstream, model: str, user: str) -> Seen:
    """A stream as bytes: success is what ends with `[DONE]` after a finish reason, and nothing less."""
    reply = await ask(gateway, request(model, user, True))
    seen = Seen(id=reply.id or "", status=reply.status, seconds=reply.seconds)
    done = False
    for event in reply.body.decode().split("\n\n"):
        payload = event.removeprefix("data: ")
        if payload == "[DONE]":
            done = True
        elif event:
            _read(seen, json.loads(payload))
    if seen.error is None and not (done and reply.whole):
        seen.error = "the stream broke off"
    seen.attempts = list(upstream.attempts[user])
    return seen


def _read(seen: Seen, event: dict[str, Any]) -> None:
    if "error" in event:
        seen.error, seen.said = event["error"]["code"], event["error"]["message"]
    for choice in event.get("choices", ()):
        seen.text += choice["delta"].get("content") or ""
        seen.finish = choice["finish_reason"] or seen.finish
