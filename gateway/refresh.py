"""From the database and the upstreams to the snapshot in force, and again whenever one of them changes."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.access import KeyHasher, KeyRing
from gateway.amounts import Allowance
from gateway.errors import GatewayError
from gateway.guarding.warming import Warming
from gateway.keys import principals
from gateway.prompts.render import CompiledPrompt
from gateway.releases.digest import check_content
from gateway.releases.policies import in_force
from gateway.releases.resolve import Endpoint, LiveRelease, Trial
from gateway.releases.rollout import Stage, State
from gateway.releases.warrant import check_gate
from gateway.routing import Pool
from gateway.signing import Signer
from gateway.snapshot import Snapshot, Snapshots
from gateway.store import allowances, catalogue, serving
from gateway.store.catalogue import EndpointRow
from gateway.store.engine import Store
from gateway.store.serving import Serving
from gateway.types import Principal, Release
from gateway.upstreams import Upstream
from guardrails.engine import Engine
from guardrails.guard import Models

log = logging.getLogger(__name__)

EVERY = 0.25
"""Seconds between two looks at the revision: how long a change made by another process takes to be in force here."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the database holds: what serves and is tried; who calls, by the digest of each secret; and what is allowed
    to whom, by scope."""

    serving: Serving
    principals: Mapping[bytes, Principal]
    allowances: Mapping[str, Allowance]


class Refresher:
    """Owns the way a snapshot comes to be: what the database holds, laid over the upstreams that are configured."""

    def __init__(
        self,
        store: Store,
        hasher: KeyHasher,
        signer: Signer,
        upstreams: Mapping[str, Upstream],
        pools: Mapping[str, Pool],
        models: Models,
    ) -> None:
        self._store = store
        self._models = models
        self._hasher = hasher
        self._guards_key = hasher.digest(b"sluicegate guards key")
        self._signer = signer
        self._upstreams = upstreams
        self._pools = pools
        self._held = self._load()
        self._composing = asyncio.Lock()
        self._warming = Warming(models)
        self._engines: dict[str, Engine] = {}
        """Those of the snapshot in force, by their policies: a guard that is ready stays so."""
        self.snapshots = Snapshots(self._compose(self._held, upstreams, pools))

    async def refresh(self) -> None:
        """Bring what is in the database into force, if it changed; then it is, whoever else was about to. Raises
        `Unavailable` when the database is dead."""
        if await asyncio.to_thread(self._revision) != self.snapshots.current.revision:
            self._held = await asyncio.to_thread(self._load)
            await self._swap()

    async def configure(self, upstreams: Mapping[str, Upstream], pools: Mapping[str, Pool]) -> None:
        """Bring other upstreams and pools into force. Needs no database: what was last read from it stays."""
        self._upstreams, self._pools = upstreams, pools
        await self._swap()

    async def run(self) -> None:
        """Refresh for ever. A dead database leaves the last snapshot in force."""
        try:
            async with self._composing:
                await self._warming.ready(self._engines)
            while True:
                await asyncio.sleep(EVERY)
                await self._try()
        finally:
            await self._warming.close()

    async def _try(self) -> None:
        try:
            await self.refresh()
        except GatewayError as error:
            log.warning("the configuration cannot be refreshed: %s", error.message)
        except Exception:
            log.exception("defect while refreshing the configuration")

    async def _swap(self) -> None:
        """One at a time, each from the newest of both, so that none brings back what another has just replaced."""
        async with self._composing:
            snapshot = await asyncio.to_thread(self._compose, self._held, self._upstreams, self._pools)
            await self._warming.ready(self._engines)
            self.snapshots.swap(snapshot)

    def _revision(self) -> int:
        with self._store.reading() as connection:
            return catalogue.revision(connection)

    def _load(self) -> Held:
        with self._store.reading() as connection:
            held = serving.load(connection)
            limits = {row.allowance.scope: row.allowance for row in allowances.list_all(connection)}
            return Held(held, principals(connection, limits), limits)

    def _compose(self, held: Held, upstreams: Mapping[str, Upstream], pools: Mapping[str, Pool]) -> Snapshot:
        endpoints: dict[str, Endpoint] = {}
        broken: dict[str, str] = {}
        for row in held.serving.endpoints:
            try:
                endpoints[row.name] = self._endpoint(row, held, pools)
            except GatewayError as error:
                log.error("endpoint %s cannot serve: %s", row.name, error.message)
                broken[row.name] = error.message
        self._engines = _engines(endpoints.values())
        return Snapshot(
            digest=_digest(endpoints, upstreams, pools),
            revision=held.serving.revision,
            began=int(held.serving.began),
            keys=KeyRing(self._hasher, held.principals),
            endpoints=endpoints,
            upstreams=upstreams,
            pools=pools,
            broken=broken,
        )

    def _endpoint(self, row: EndpointRow, held: Held, pools: Mapping[str, Pool]) -> Endpoint:
        """Raises `GatewayError` where what is live may not serve, or cannot."""
        served = held.serving
        check_gate(self._signer.public, row.name, row.gate, served.gates.get(row.name), row.name in served.warranted)
        own = held.allowances.get(f"endpoint:{row.name}")
        live = None
        if row.release is not None:
            live = self._proven(row, row.release, held.serving, pools)
        return Endpoint(
            name=row.name,
            description=row.description,
            created=int(row.created),
            live=live,
            allowances=(own,) if own is not None else (),
            cache_ttl=row.cache_ttl,
            trial=self._trial(row, held.serving, pools),
        )

    def _trial(self, row: EndpointRow, held: Serving, pools: Mapping[str, Pool]) -> Trial | None:
        """The rollout under way, as calls see it. One whose candidate may not serve, or cannot, is left to its
        controller: the endpoint goes on without it."""
        rollout = held.trials.get(row.name)
        if rollout is None:
            return None
        try:
            if rollout.weight:
                candidate = self._proven(row, rollout.release, held, pools)
            else:
                candidate = self._compiled(held.releases[rollout.release], held, pools)
        except GatewayError as error:
            log.warning("the candidate of %s cannot be asked: %s", rollout.id, error.message)
            return None
        shadow = rollout.plan.shadow if rollout.stage is Stage.SHADOW and rollout.state is State.RUNNING else None
        budget = None
        if shadow is not None:
            budget = Allowance(f"rollout:{rollout.id}", budget=shadow.micro_usd, budget_period="total")
        return Trial(
            rollout=rollout.id,
            release=candidate,
            stage=rollout.stage.value,
            step=rollout.step,
            weight=rollout.weight,
            salt=bytes.fromhex(rollout.salt),
            unit=rollout.plan.canary.unit if rollout.plan.canary is not None else "conversation",
            sample=shadow.sample if shadow is not None else 0.0,
            budget=budget,
        )

    def _proven(self, row: EndpointRow, digest: str, held: Serving, pools: Mapping[str, Pool]) -> LiveRelease:
        """What may answer clients: at a protected endpoint only what carries a warrant."""
        release = held.releases[digest]
        if row.gate is not None:
            warrant = held.warrants.get((row.name, digest))
            if warrant is None:
                raise GatewayError(f"It is protected, and its release {digest[:12]} has no warrant. Roll one out.")
            identity = pools[release.upstream].identity if release.upstream in pools else ""
            turned_away = held.turned_away.get((row.name, digest))
            warrant.check(self._signer.public, row.name, digest, identity, turned_away)
        return self._compiled(release, held, pools)

    def _compiled(self, release: Release, held: Serving, pools: Mapping[str, Pool]) -> LiveRelease:
        if release.upstream not in pools:
            raise GatewayError(f"Its release needs the upstream {release.upstream!r}, which is not configured.")
        check_content(release)
        compiled = CompiledPrompt.compile(release.prompt) if release.prompt is not None else None
        if release.policy is None:
            return LiveRelease.of(release, compiled)
        policy = in_force(release.policy, held.policies)
        if release.policy not in self._engines:
            self._engines[release.policy] = Engine(policy, self._models, self._guards_key)
        return LiveRelease.of(release, compiled, self._engines[release.policy])


def _engines(endpoints: Iterable[Endpoint]) -> dict[str, Engine]:
    """By their policies: of what is live, and of what is tried."""
    found = {}
    for endpoint in endpoints:
        for one in (endpoint.live, endpoint.trial.release if endpoint.trial is not None else None):
            if one is not None and one.release.policy is not None and one.guards is not None:
                found[one.release.policy] = one.guards
    return found


def _digest(endpoints: Mapping[str, Endpoint], upstreams: Mapping[str, Upstream], pools: Mapping[str, Pool]) -> str:
    """Names the configuration: which release is live where, how each upstream is set, and which stand in for each
    other."""
    held = {
        "endpoints": {name: _served(endpoint) for name, endpoint in endpoints.items()},
        "upstreams": {name: [upstream.kind, upstream.model, upstream.digest] for name, upstream in upstreams.items()},
        "pools": {name: _declared(pool) for name, pool in pools.items() if pool.declared},
    }
    return hashlib.sha256(orjson.dumps(held, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _served(endpoint: Endpoint) -> list[Any]:
    live, trial = endpoint.live, endpoint.trial
    tried = [trial.rollout, trial.stage, trial.step] if trial is not None else None
    return [live.release.digest if live is not None else None, tried]


def _declared(pool: Pool) -> list[Any]:
    members, fallbacks = ([upstream.name for upstream in part] for part in (pool.members, pool.fallbacks))
    return [members, pool.weights, fallbacks, pool.retries, pool.hedge_after, pool.sticky]
