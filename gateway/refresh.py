"""From the database to the snapshot in force, and again whenever the database's revision moves."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping

import orjson

from gateway.access import KeyHasher, KeyRing
from gateway.errors import GatewayError
from gateway.prompts.render import CompiledPrompt
from gateway.releases.resolve import Endpoint, LiveRelease
from gateway.snapshot import Snapshot, Snapshots
from gateway.store import catalogue, keys
from gateway.store.engine import Store
from gateway.types import Principal, Release
from gateway.upstreams import Upstream

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks at the revision: how long a change made by another process takes to be in force here."""


class Refresher:
    """Owns the way a snapshot comes to be. Upstreams are fixed for the life of the process."""

    def __init__(self, store: Store, hasher: KeyHasher, upstreams: Mapping[str, Upstream]) -> None:
        self._store = store
        self._hasher = hasher
        self._upstreams = upstreams
        self.snapshots = Snapshots(self._load())

    async def refresh(self) -> None:
        """Bring what is in the database into force, if it changed. Raises `Unavailable` when the database is dead."""
        if await asyncio.to_thread(self._revision) != self.snapshots.current.revision:
            self.snapshots.swap(await asyncio.to_thread(self._load))

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

    def _revision(self) -> int:
        with self._store.begin() as connection:
            return catalogue.revision(connection)

    def _load(self) -> Snapshot:
        with self._store.begin() as connection:
            held = catalogue.load(connection)
            found = keys.find_active(connection)
        principals = {
            bytes.fromhex(key.digest): Principal(key.id, key.name, key.roles, key.endpoints, key.upstreams, key.expires)
            for key in found
        }
        endpoints: dict[str, Endpoint] = {}
        broken: dict[str, str] = {}
        for row in held.endpoints:
            try:
                live = self._live(held.releases[row.release])
                endpoints[row.name] = Endpoint(row.name, row.description, int(row.created), live)
            except GatewayError as error:
                log.error("endpoint %s cannot serve: %s", row.name, error.message)
                broken[row.name] = error.message
        return Snapshot(
            digest=_digest(endpoints, self._upstreams),
            revision=held.revision,
            began=int(held.began),
            keys=KeyRing(self._hasher, principals),
            endpoints=endpoints,
            upstreams=self._upstreams,
            broken=broken,
        )

    def _live(self, release: Release) -> LiveRelease:
        if release.upstream not in self._upstreams:
            raise GatewayError(f"Its release needs the upstream {release.upstream!r}, which is not configured.")
        compiled = CompiledPrompt.compile(release.prompt) if release.prompt is not None else None
        return LiveRelease.of(release, compiled)


def _digest(endpoints: Mapping[str, Endpoint], upstreams: Mapping[str, Upstream]) -> str:
    """Names the configuration: which release is live where, and which model each upstream is."""
    held = {
        "endpoints": {name: endpoint.live.release.digest for name, endpoint in endpoints.items()},
        "upstreams": {name: [upstream.kind, upstream.model] for name, upstream in upstreams.items()},
    }
    return hashlib.sha256(orjson.dumps(held, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
