"""The upstreams that are configured, and how long each one's provider lives.

A provider is kept over a change of the configuration for as long as nothing that it is made from changes: no model is
loaded again, no connection is lost. It is closed when nobody can ask it any more: when the last `Upstream` over it is
gone, which the snapshot in force holds, and so does every call that began with an older one. Python's own references
are the count of these calls, so the hot path counts nothing. A call ends within its upstream's total time-out; what it
may have left in a cycle of references is collected then.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import weakref
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson

from gateway.errors import GatewayError
from gateway.faults import BadSettings
from gateway.providers.base import Provider
from gateway.providers.build import Builder, pools_of
from gateway.routing import Pool
from gateway.settings import AnyUpstream, Settings, UpstreamSettings
from gateway.upstreams import Upstream

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """An upstream, and the digest of what its provider is made from."""

    upstream: Upstream
    origin: bytes


@dataclass(frozen=True, slots=True)
class Changes:
    """Upstreams that are new, set otherwise (be it by a secret), or gone."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Fleet:
    """Belongs to a running event loop."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._loop = asyncio.get_running_loop()
        self._made: dict[str, Made] = {}
        self._uses: Counter[Provider] = Counter()
        self._watching: set[weakref.finalize[[Provider], Upstream]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self.upstreams: Mapping[str, Upstream] = {}
        self.pools: Mapping[str, Pool] = {}

    def configure(self, settings: Settings) -> Changes:
        """Make `upstreams` and `pools` what the settings say. Raises `BadSettings`, and then nothing has changed."""
        before = self._made
        made = {name: self._make(name, settings) for name in settings.upstreams}
        changed = [name for name in made.keys() & before.keys() if made[name] is not before[name]]
        added, removed = made.keys() - before.keys(), before.keys() - made.keys()
        for name in (*added, *changed):
            self._watch(made[name].upstream)
        if gone := [before[name].upstream for name in (*changed, *removed)]:
            self._loop.call_later(max(upstream.timeouts.total for upstream in gone), gc.collect)
        self._made = made
        self.upstreams = {name: item.upstream for name, item in made.items()}
        self.pools = pools_of(self.upstreams, settings.pools)
        return Changes(*(tuple(sorted(names)) for names in (added, changed, removed)))

    async def close(self) -> None:
        """Close every provider, in use or not."""
        for watch in self._watching:
            watch.detach()
        providers = list(self._uses)
        self._uses.clear()  # nothing that is let go of from here on is closed a second time
        for provider in providers:
            await provider.close()
        if self._closing:
            await asyncio.wait(self._closing)
        await self._builder.close()

    def _make(self, name: str, settings: Settings) -> Made:
        """The upstream there is, if nothing about it has changed; a new one over the provider there is, if that can
        stay; else a new one over a new one."""
        before, spec = self._made.get(name), settings.upstreams[name]
        try:
            origin = _origin(spec)
            if before is None or before.origin != origin:
                return Made(self._builder.build(name, spec), origin)
            upstream = self._builder.build(name, spec, before.upstream.provider)
        except GatewayError as error:
            fault = settings.fault(error.message, "upstreams", name)
            raise BadSettings("An upstream cannot be made:", [fault]) from error
        if upstream.digest == before.upstream.digest:
            return before
        return Made(replace(upstream, health=before.upstream.health), origin)

    def _watch(self, upstream: Upstream) -> None:
        provider = upstream.provider
        self._uses[provider] += 1
        self._watching.add(watch := weakref.finalize(upstream, self._gone, provider))
        watch.atexit = False

    def _gone(self, provider: Provider) -> None:
        """An upstream over this provider is no more. Called in whichever thread let go of it last."""
        self._loop.call_soon_threadsafe(self._release, provider)

    def _release(self, provider: Provider) -> None:
        self._watching = {watch for watch in self._watching if watch.alive}
        self._uses[provider] -= 1
        if not self._uses[provider]:
            del self._uses[provider]
            task = self._loop.create_task(_close(provider))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


async def _close(provider: Provider) -> None:
    try:
        await provider.close()
    except Exception:
        log.exception("defect while closing a provider")


def _origin(settings: AnyUpstream) -> bytes:
    """What a provider is made from: all that is not every upstream's, and its secrets as they are now."""
    own = settings.model_dump(mode="json", exclude=set(UpstreamSettings.model_fields))
    secrets = [secret.read() for secret in settings.secrets()]
    return hashlib.sha256(orjson.dumps([own, secrets], option=orjson.OPT_SORT_KEYS)).digest()
