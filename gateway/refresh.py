"""From the database and the upstreams to the snapshot in force, and again whenever one of them changes."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.access import KeyHasher, KeyRing
from gateway.amounts import Allowance
from gateway.errors import GatewayError
from gateway.keys import principals
from gateway.prompts.render import CompiledPrompt
from gateway.releases.resolve import Endpoint, LiveRelease
from gateway.routing import Pool
from gateway.snapshot import Snapshot, Snapshots
from gateway.store import allowances, catalogue
from gateway.store.catalogue import Catalogue
from gateway.store.engine import Store
from gateway.types import Principal, Release
from gateway.upstreams import Upstream

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks at the revision: how long a change made by another process takes to be in force here."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the database holds: prompts, releases and endpoints; who calls, by the digest of each secret; and what is
    allowed to whom, by scope."""

    catalogue: Catalogue
    principals: Mapping[bytes, Principal]
    allowances: Mapping[str, Allowance]


class Refresher:
    """Owns the way a snapshot comes to be: what the database holds, laid over the upstreams that are configured."""

    def __init__(
        self, store: Store, hasher: KeyHasher, upstreams: Mapping[str, Upstream], pools: Mapping[str, Pool]
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._upstreams = upstreams
        self._pools = pools
        self._held = self._load()
        self._composing = asyncio.Lock()
        self.snapshots = Snapshots(self._compose(self._held, upstreams, pools))

    async def refresh(self) -> None:
        """Bring what is in the database into force, if it changed. Raises `Unavailable` when the database is dead."""
        if await asyncio.to_thread(self._revision) != self._held.catalogue.revision:
            self._held = await asyncio.to_thread(self._load)
            await self._swap()

    async def configure(self, upstreams: Mapping[str, Upstream], pools: Mapping[str, Pool]) -> None:
        """Bring other upstreams and pools into force. Needs no database: what was last read from it stays."""
        self._upstreams, self._pools = upstreams, pools
        await self._swap()

    async def run(self) -> None:
        """Refresh for ever. A dead database leaves the last snapshot in force."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.refresh()
            except GatewayError as error:
                log.warning("the configuration cannot be refreshed: %s", error.message)
            except Exception:
                log.exception("defect while refreshing the configuration")

    async def _swap(self) -> None:
        """One at a time, each from the newest of both, so that none brings back what another has just replaced."""
        async with self._composing:
            self.snapshots.swap(await asyncio.to_thread(self._compose, self._held, self._upstreams, self._pools))

    def _revision(self) -> int:
        with self._store.begin() as connection:
            return catalogue.revision(connection)

    def _load(self) -> Held:
        with self._store.begin() as connection:
            held = catalogue.load(connection)
            limits = {row.allowance.scope: row.allowance for row in allowances.list_all(connection)}
            return Held(held, principals(connection, limits), limits)

    def _compose(self, held: Held, upstreams: Mapping[str, Upstream], pools: Mapping[str, Pool]) -> Snapshot:
        endpoints: dict[str, Endpoint] = {}
        broken: dict[str, str] = {}
        for row in held.catalogue.endpoints:
            try:
                live = _live(held.catalogue.releases[row.release], pools)
                own = held.allowances.get(f"endpoint:{row.name}")
                allowed = (own,) if own is not None else ()
                made = int(row.created)
                endpoints[row.name] = Endpoint(row.name, row.description, made, live, allowed, row.cache_ttl)
            except GatewayError as error:
                log.error("endpoint %s cannot serve: %s", row.name, error.message)
                broken[row.name] = error.message
        return Snapshot(
            digest=_digest(endpoints, upstreams, pools),
            revision=held.catalogue.revision,
            began=int(held.catalogue.began),
            keys=KeyRing(self._hasher, held.principals),
            endpoints=endpoints,
            upstreams=upstreams,
            pools=pools,
            broken=broken,
        )


def _live(release: Release, pools: Mapping[str, Pool]) -> LiveRelease:
    if release.upstream not in pools:
        raise GatewayError(f"Its release needs the upstream {release.upstream!r}, which is not configured.")
    compiled = CompiledPrompt.compile(release.prompt) if release.prompt is not None else None
    return LiveRelease.of(release, compiled)


def _digest(endpoints: Mapping[str, Endpoint], upstreams: Mapping[str, Upstream], pools: Mapping[str, Pool]) -> str:
    """Names the configuration: which release is live where, how each upstream is set, and which stand in for each
    other."""
    held = {
        "endpoints": {name: _served(endpoint) for name, endpoint in endpoints.items()},
        "upstreams": {name: [upstream.kind, upstream.model, upstream.digest] for name, upstream in upstreams.items()},
        "pools": {name: _declared(pool) for name, pool in pools.items() if pool.declared},
    }
    return hashlib.sha256(orjson.dumps(held, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _served(endpoint: Endpoint) -> str | None:
    return endpoint.live.release.digest if endpoint.live is not None else None


def _declared(pool: Pool) -> list[Any]:
    members, fallbacks = ([upstream.name for upstream in part] for part in (pool.members, pool.fallbacks))
    return [members, pool.weights, fallbacks, pool.retries, pool.hedge_after, pool.sticky]
