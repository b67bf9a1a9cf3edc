"""Kept replies, for two uses with one mechanism.

The response cache answers a request that equals an earlier one of the same tenant to the same release. It is opt-in
twice: the endpoint allows it, for so many seconds, and the request asks for it (`x-sluice-cache: on`, or `refresh`,
which asks the upstream and keeps its answer). Only what was answered whole and well is kept for it.

An idempotency key makes a POST safe to send again: the second gets the reply of the first, byte for byte, and while
the first is being answered it waits. What sending again may mend is not kept: 429, 5xx, a stream that broke.

Replies lie in the state that all processes share. Where that is away the cache misses; whether a request with an
idempotency key is then served unprotected or refused is the operator's choice. Both are counted.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import Final

import msgspec
import orjson

from gateway.errors import BadRequest, GatewayError, InProgress, Unavailable, Unprocessable
from gateway.front.exchange import Exchange
from gateway.front.transcript import Transcript
from gateway.snapshot import Route
from gateway.state.base import State
from gateway.types import Principal
from gateway.wire.body import dump
from gateway.wire.surface import Call, Surface

log = logging.getLogger(__name__)

KEPT_FOR = 24 * 3600.0
"""Seconds an idempotency key is known."""
MOST_WAITING = 32 * 1024 * 1024
"""Bytes of replies on their way to the state; what comes on top is not kept."""
LEASE = 15.0
"""Seconds after which a request is taken for lost with the process that was answering it; renewed while it lives."""
CLAIM = 5.0
"""Seconds between finding that a request is the first with its key and saying so."""
AT_ONCE = 0.001
"""Seconds until a name is free again."""
PATIENCE = 10.0
"""Seconds a second request waits for the first with its key."""
LOOK_EVERY = 0.05
LAST_WRITES = 2.0

Put = tuple[str, bytes, float]
"""Name, value, and the seconds it is kept."""
WISHES = {b"on": True, b"refresh": True, b"off": False}
REPLAYED: Final = b"x-sluice-replayed: true\r\n"
FINAL: Final = b"x-should-retry: false\r\n"
MISS: Final = b"x-sluice-cache: miss\r\n"


class KeptReply(msgspec.Struct, array_like=True, frozen=True):
    """A reply as it went out; status 0 while it is being made. `at` is Unix time, `request` the digest of what it
    answers, `error` its code."""

    status: int
    stream: bool
    body: bytes
    at: float
    request: bytes
    error: str | None = None
    guards: str | None = None
    """What the guards did when it was made, as records of it tell."""

    def send(self, exchange: Exchange, fields: bytes) -> None:
        if self.stream:
            exchange.begin(fields, self.body)
            exchange.end(b"")
        else:
            exchange.reply(self.status, fields, self.body)


class Plan(msgspec.Struct):
    """What is to be done about the reply to one request. `under` are the names to keep it under, with the seconds."""

    request: bytes
    idempotent: str | None
    cached: str | None
    ttl: float
    refresh: bool
    holder: str
    under: list[tuple[str, float]] = []
    replayed: str | None = None
    """`idempotency` or `cache`, where a reply was found."""
    fields: bytes = b""
    """Header lines that tell the client what was done."""

    def keep_from_others(self) -> None:
        """Have the reply kept for nobody but who sends the same request with the same key again."""
        self.under = [place for place in self.under if place[0] == self.idempotent]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(KeptReply)


class Replies:
    """One per process; belongs to its event loop. `refuses`: without the state, a request with an idempotency key is
    refused (503) and not served unprotected."""

    def __init__(self, state: State, refuses: bool = False) -> None:
        self._state = state
        self._refuses = refuses
        self._process = os.urandom(8).hex()
        self._numbers = count(1)
        self._pending: dict[str, bytes] = {}
        """What this process is answering, as it says in the state, by name."""
        self._putting = asyncio.Lock()
        """That something is being answered is never written over the answer."""
        self._writes: asyncio.Queue[list[Put]] = asyncio.Queue()
        self._waiting = 0
        self.hits = self.misses = self.replayed = self.unprotected = self.dropped = 0

    # what the pipeline calls -----------------------------------------------------------------------------------------

    def plan(self, surface: Surface, principal: Principal, route: Route, call: Call, exchange: Exchange) -> Plan | None:
        """None where nothing is to be kept or looked up, as for most requests. Called once the release is laid over
        the call. Raises `BadRequest` for a header field that makes no sense."""
        headers = exchange.headers
        if b"idempotency-key" not in headers and b"x-sluice-cache" not in headers:
            return None
        key, wish = _key(headers), _wish(headers)
        allowed = route.cache_ttl if WISHES[wish] and not call.store and not call.background else None
        if key is None and allowed is None:
            return None
        return Plan(
            request=hashlib.sha256(surface.name.encode() + b"\0" + exchange.body).digest(),
            idempotent=_name("idempotency", principal.key_id.encode(), key) if key is not None else None,
            cached=_cache_name(surface, principal, route, call) if allowed is not None else None,
            ttl=allowed or 0.0,
            refresh=wish == b"refresh",
            holder=f"{self._process}:{next(self._numbers)}",
        )

    async def find(self, plan: Plan) -> KeptReply | None:
        """The reply to give instead of asking an upstream. Raises `Unprocessable` for a key that came with another
        request, `InProgress` where the first takes too long, and `Unavailable` without the state, where that
        refuses."""
        found = None
        if plan.idempotent is not None:
            try:
                found = await self._first(plan, plan.idempotent)
            except Unavailable:
                if self._refuses:
                    raise
                self.unprotected += 1
        if found is not None:
            self.replayed += 1
            plan.replayed = "idempotency"
            plan.fields = REPLAYED if found.status < 400 else REPLAYED + FINAL
        elif plan.cached is not None:
            found = await self._cached(plan, plan.cached)
        return found

    def keep(self, plan: Plan, transcript: Transcript, error: GatewayError | None, guards: str | None = None) -> None:
        """Called with what went out, and what its record tells of guards; what may be kept is written in the
        background."""
        value = _encoded(plan, transcript, error, guards) if plan.under and _final(transcript, error) else b""
        if value is None or self._waiting + len(value) > MOST_WAITING:
            self.dropped += 1
            value = b""
        under = plan.under
        if error is not None or not value:
            under = [place for place in under if place[0] == plan.idempotent]
        puts = [(name, value, ttl if value else AT_ONCE) for name, ttl in under]
        if puts:
            self._waiting += len(value)
            self._writes.put_nowait(puts)

    def gauges(self) -> dict[str, tuple[str, float]]:
        return {
            "cache_hits": ("Replies given from the cache.", self.hits),
            "cache_misses": ("Replies looked for in the cache and not found.", self.misses),
            "idempotent_replays": ("Replies given again for an idempotency key.", self.replayed),
            "idempotency_unprotected": ("Served with an idempotency key, without the state.", self.unprotected),
            "kept_replies_dropped": ("Replies that could not be kept.", self.dropped),
        }

    # the process's loops ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write what is kept, and renew what is claimed, for ever."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._write())
            loops.create_task(self._renew())

    async def close(self) -> None:
        """Let what waits be written, for `LAST_WRITES` seconds. Called while `run` still runs."""
        try:
            async with asyncio.timeout(LAST_WRITES):
                await self._writes.join()
        except TimeoutError:
            self.dropped += self._writes.qsize()

    async def _write(self) -> None:
        while True:
            puts = await self._writes.get()
            self._waiting -= len(puts[0][1])
            try:
                async with self._putting:
                    for name, value, ttl in puts:
                        self._pending.pop(name, None)
                        await self._state.put(name, value, ttl)
            except GatewayError as error:
                self.dropped += 1
                log.warning("a reply is not kept: %s", error.message)
            except Exception:
                log.exception("defect while keeping a reply")
            self._writes.task_done()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            for name in tuple(self._pending):
                try:
                    async with self._putting:
                        if name in self._pending:
                            await self._state.put(name, self._pending[name], LEASE)
                except GatewayError as error:
                    log.warning("that a request is being answered cannot be said: %s", error.message)
                except Exception:
                    log.exception("defect while saying that a request is being answered")

    # idempotency keys ------------------------------------------------------------------------------------------------

    async def _first(self, plan: Plan, name: str) -> KeptReply | None:
        """The reply of the first request with this key. None: this is the first, and others wait for it."""
        until = time.monotonic() + PATIENCE
        while True:
            found = await self._get(name)
            if found is None and await self._begin(plan, name):
                return None
            if found is not None and found.request != plan.request:
                message = "This idempotency key came with another request before. Use a new key for a new request."
                raise Unprocessable(message, param="idempotency-key")
            if found is not None and found.status:
                return found
            if time.monotonic() > until:
                message = "The first request with this idempotency key is still being answered. Send it again later."
                raise InProgress(message, param="idempotency-key", retry_after=1.0)
            await asyncio.sleep(LOOK_EVERY)

    async def _begin(self, plan: Plan, name: str) -> bool:
        """Whether this is the first request with its key; if so, that is what others see from now on."""
        claim = f"{name}:claim"
        if not await self._state.claim(claim, CLAIM, plan.holder):
            return False
        try:
            if await self._get(name) is not None:
                return False  # since we looked
            pending = _ENCODER.encode(KeptReply(0, False, b"", time.time(), plan.request))
            await self._state.put(name, pending, LEASE)
        finally:
            with suppress(GatewayError):
                await self._state.release(claim, plan.holder)
        self._pending[name] = pending
        plan.under.append((name, KEPT_FOR))
        return True

    # the cache -------------------------------------------------------------------------------------------------------

    async def _cached(self, plan: Plan, name: str) -> KeptReply | None:
        found = None
        if not plan.refresh:
            try:
                found = await self._get(name)
            except Unavailable as error:
                log.debug("the cache misses: %s", error.message)
        if found is None:
            self.misses += 1
            plan.under.append((name, plan.ttl))
            plan.fields = MISS
        else:
            self.hits += 1
            plan.replayed = "cache"
            plan.fields = b"x-sluice-cache: hit\r\nage: %d\r\n" % max(0, time.time() - found.at)
        return found

    async def _get(self, name: str) -> KeptReply | None:
        value = await self._state.get(name)
        try:
            return _DECODER.decode(value) if value else None
        except msgspec.DecodeError:
            return None  # written by another version


def _final(transcript: Transcript, error: GatewayError | None) -> bool:
    """Whether sending the request again could change nothing about the reply."""
    if error is None:
        return True
    return not (error.retryable or error.status >= 499 or transcript.stream)


def _encoded(plan: Plan, transcript: Transcript, error: GatewayError | None, guards: str | None) -> bytes | None:
    """None where the reply is too large."""
    said = transcript.said
    if said is None:
        return None
    code = error.code if error is not None else None
    told = _of_then(guards) if guards is not None else None
    reply = KeptReply(transcript.status, transcript.stream, said, time.time(), plan.request, code, told)
    return _ENCODER.encode(reply)


def _of_then(guards: str) -> str:
    """What guards did, as ASCII, told of a call that is given their verdicts and not judged: it costs no time."""
    return json.dumps([{**entry, "ms": 0.0, "kept": True} for entry in orjson.loads(guards)], separators=(",", ":"))


def _key(headers: Mapping[bytes, bytes]) -> bytes | None:
    key = headers.get(b"idempotency-key")
    if key is not None and re.fullmatch(rb"[ -~]{1,255}", key) is None:
        message = "An Idempotency-Key has 1 to 255 printable ASCII characters."
        raise BadRequest(message, param="idempotency-key", code="invalid_value")
    return key


def _wish(headers: Mapping[bytes, bytes]) -> bytes:
    wish = headers.get(b"x-sluice-cache", b"off").lower()
    if wish not in WISHES:
        raise BadRequest("x-sluice-cache is on, off or refresh.", param="x-sluice-cache", code="invalid_value")
    return wish


def _cache_name(surface: Surface, principal: Principal, route: Route, call: Call) -> str:
    """Everything that a reply depends on, the tenant first: nobody else's request has this name."""
    pool = route.pool
    models = [(upstream.name, upstream.model, upstream.digest) for upstream in (*pool.members, *pool.fallbacks)]
    return _name(
        "cache",
        b"project %b" % principal.project.encode() if principal.project else b"key %b" % principal.key_id.encode(),
        orjson.dumps([route.digest, pool.name, models, route.adapter]),
        b"%b %d" % (surface.name.encode(), call.stream),
        dump(call.body, orjson.OPT_SORT_KEYS),
        b"" if call.asked is call.body else dump(call.asked, orjson.OPT_SORT_KEYS),
    )


def _name(use: str, *parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:%b" % (len(part), part))
    return f"{use}:{digest.hexdigest()}"
