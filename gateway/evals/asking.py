"""How a run's calls go through the gateway's own pipeline, in the name of the key that made the run: with its limits,
budgets and records, as if its owner had asked."""

from __future__ import annotations

import asyncio
import random
import time

import orjson

from evals.errors import TargetFailed
from gateway.errors import GatewayError
from gateway.http.base import Reply
from gateway.pipeline import Pipeline
from gateway.snapshot import Snapshots
from gateway.types import Json, Principal
from gateway.wire.body import JSON
from gateway.wire.chat import Chat

ATTEMPTS = 5
LONGEST_PAUSE = 60.0
TIMEOUT = 900.0
"""Seconds one call may take, tries and pauses included."""
CLIENT_GONE = 499


class Inner:
    """An `Exchange` whose client is the gateway: what is replied is kept."""

    __slots__ = ("answer", "body", "headers", "refusal", "started", "status")

    def __init__(self, name: str, body: bytes) -> None:
        self.headers: dict[bytes, bytes] = {
            b"content-type": JSON,
            b"idempotency-key": name.encode(),
            b"x-client-request-id": name.encode(),
        }
        self.body = body
        self.refusal: GatewayError | None = None
        self.started = time.perf_counter_ns()
        self.status, self.answer = 0, b""

    def reply(self, status: int, fields: bytes, body: bytes, kind: bytes = JSON) -> None:
        self.status, self.answer = status, body

    def begin(self, fields: bytes, events: bytes) -> None:
        self.status, self.answer = 200, events

    def write(self, events: bytes) -> None:
        self.answer += events

    def end(self, events: bytes) -> None:
        self.answer += events

    def flow(self, upstream: Reply) -> None: ...


class Asker:
    """One per process; belongs to its event loop."""

    def __init__(self, pipeline: Pipeline, snapshots: Snapshots) -> None:
        self._pipeline = pipeline
        self._snapshots = snapshots
        self._chat = Chat()

    def principal(self, key_id: str) -> Principal | None:
        """None where the key is in force no longer."""
        return self._snapshots.current.keys.named(key_id)

    async def ask(self, key_id: str, name: str, body: Json) -> Json:
        """The reply to a chat completion, tried again while that may help. `name` is the idempotency key: a call that
        is made again under it, as after the end of a process, is given the reply that was kept. Raises `TargetFailed`
        where there is none."""
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._tried(key_id, name, orjson.dumps(body))
        except TimeoutError as error:
            raise TargetFailed(f"No answer within {TIMEOUT:.0f} seconds.", status=504) from error

    async def _tried(self, key_id: str, name: str, body: bytes) -> Json:
        failed = TargetFailed("The model was not asked.")
        for attempt in range(ATTEMPTS):
            try:
                return await self._once(key_id, f"{name}-{attempt}", body)
            except TargetFailed as error:
                failed = error
                if not error.retryable or attempt == ATTEMPTS - 1:
                    raise
            pause = failed.after if failed.after is not None else 0.5 * 2**attempt
            await asyncio.sleep(min(LONGEST_PAUSE, pause) * (1 + random.random() / 4))  # noqa: S311
        raise failed

    async def _once(self, key_id: str, name: str, body: bytes) -> Json:
        principal = self.principal(key_id)
        if principal is None:
            raise TargetFailed("The key that made the run is in force no longer.", status=401)
        exchange = Inner(name, body)
        await self._pipeline.serve(self._chat, exchange, principal)
        if exchange.status == CLIENT_GONE or not exchange.answer:
            raise asyncio.CancelledError  # which the pipeline took for a client that left
        answer: Json = orjson.loads(exchange.answer)
        if exchange.status == 200:
            return answer
        error = answer["error"]
        retryable = exchange.status in (408, 429, 500, 502, 503, 504) and error.get("code") != "insufficient_quota"
        raise TargetFailed(error["message"], status=exchange.status, retryable=retryable)
