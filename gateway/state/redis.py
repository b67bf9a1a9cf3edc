"""The State of several gateways: Redis, or what speaks its protocol. A trade is one script, and one round trip."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.errors import Unavailable
from gateway.state.base import Deal, Trade
from gateway.state.ledger import DEAD, GRACE

ROOT = "{sluice}"
"""Before every key; the braces keep them all in one slot of a cluster."""
RELEASE = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1])"
_DEAL = msgspec.msgpack.Decoder(Deal)
_encode = msgspec.msgpack.Encoder().encode


class RedisState:
    """Belongs to one event loop. Nothing waits for Redis longer than `timeout` seconds, and nothing is tried twice:
    what came late is sorted out by the next trade."""

    def __init__(self, url: str, timeout: float = 0.25, grace: float = GRACE, dead: float = DEAD) -> None:
        self._timeout = timeout
        self._redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
        self._trade = self._redis.register_script(files("gateway.state").joinpath("ledger.lua").read_text("utf-8"))
        self._release = self._redis.register_script(RELEASE)
        self._rules = (str(grace), str(dead))

    async def trade(self, trade: Trade) -> Deal:
        async with self._reached():
            answer = await self._trade([ROOT], [_encode(trade), os.urandom(8).hex(), *self._rules])
        return _DEAL.decode(answer)

    async def get(self, name: str) -> bytes | None:
        async with self._reached():
            found = await self._redis.get(f"{ROOT}:value:{name}")
        return cast("bytes | None", found)  # nothing is decoded

    async def put(self, name: str, value: bytes, ttl: float) -> None:
        async with self._reached():
            await self._redis.set(f"{ROOT}:value:{name}", value, px=max(1, round(ttl * 1000)))

    async def claim(self, name: str, ttl: float, holder: str) -> bool:
        async with self._reached():
            made = await self._redis.set(f"{ROOT}:claim:{name}", holder, px=max(1, round(ttl * 1000)), nx=True)
        return made is True

    async def release(self, name: str, holder: str) -> None:
        async with self._reached():
            await self._release([f"{ROOT}:claim:{name}"], [holder])

    async def close(self) -> None:
        await self._redis.aclose()

    @asynccontextmanager
    async def _reached(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except (RedisError, OSError) as error:  # a time-out is an OSError
            why = f"{error}." if str(error) else f"no answer in {self._timeout:g} s."
            raise Unavailable(f"Redis does not answer: {why} Is it up?", code="state_unavailable") from error
