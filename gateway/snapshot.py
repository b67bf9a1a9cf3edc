"""The configuration in force: one immutable value, swapped in whole. A request keeps the one it began with."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.access import Access, KeyRing, may_use, no_such_model
from gateway.amounts import Allowance
from gateway.arms import NOWHERE, Place
from gateway.errors import Unavailable
from gateway.health import Health
from gateway.releases.resolve import Endpoint, LiveRelease, Trial
from gateway.routing import Pool
from gateway.types import Principal
from gateway.upstreams import Upstream

DIGEST = re.compile(r"[0-9a-f]{8,64}")
"""How a release is named: the beginning of its digest, long enough to be no other's."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes. `endpoint` and `release` are None when the client asked for an upstream or a
    pool by name."""

    pool: Pool
    model: str
    endpoint: str | None = None
    release: LiveRelease | None = None
    adapter: str | None = None
    allowances: tuple[Allowance, ...] = ()
    """The endpoint's."""
    cache_ttl: float | None = None
    """Seconds a reply may be kept for equal requests, where the endpoint allows that."""
    trial: Trial | None = None
    """The endpoint's rollout, where calls have a part in one."""
    candidate: Route | None = None
    """Where the calls go that are its candidate's."""
    place: Place = NOWHERE
    """Of a request that asks for a candidate by its digest."""

    @property
    def digest(self) -> str | None:
        """The release's."""
        return self.release.release.digest if self.release is not None else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`digest` names this configuration on every record; endpoints and upstreams share one space of names. `began` is
    the Unix time at which this installation came to be."""

    digest: str
    revision: int
    began: int
    keys: KeyRing
    endpoints: Mapping[str, Endpoint]
    upstreams: Mapping[str, Upstream]
    pools: Mapping[str, Pool]
    """Whatever a release or a client can ask for by name: the pools, and each upstream as a pool of its own."""
    broken: Mapping[str, str]
    """Endpoints that cannot serve, and why."""
    _routes: dict[str, Route] = field(init=False, default_factory=dict, compare=False)
    """The endpoints' routes, made once."""
    _allowances: dict[tuple[str, str], tuple[Allowance, ...]] = field(init=False, default_factory=dict, compare=False)
    """Those of keys and endpoints that both have some, made once: limits know them by their identity."""

    def __post_init__(self) -> None:
        for name, endpoint in self.endpoints.items():
            live = endpoint.live
            if live is None:
                continue
            pool = self.pools[live.release.upstream]
            trial = endpoint.trial
            route = Route(pool, name, name, live, None, endpoint.allowances, endpoint.cache_ttl)
            if trial is not None and (trial.weight or trial.sample):
                route = replace(route, trial=trial, candidate=self._candidate(route, trial))
            self._routes[name] = route

    def resolve(self, model: str, principal: Principal) -> Route:
        """An endpoint's live release, or an upstream or a pool by name where the key allows it; for evaluators,
        `endpoint@digest` is that release and no other, live or the candidate of a rollout. Raises `NotFound`, and
        `Unavailable` for an endpoint that cannot serve."""
        route = self._routes.get(model)
        if route is not None and may_use(principal.endpoints, model):
            return route
        pool = self.pools.get(model)
        if pool is not None and may_use(principal.upstreams, model):
            return Route(pool, model)
        if model in self.broken and may_use(principal.endpoints, model):
            raise Unavailable(f"The endpoint {model!r} cannot serve. {self.broken[model]}")
        if model in self.endpoints and may_use(principal.endpoints, model):
            message = f"The endpoint {model!r} has no release yet that was proven. A rollout brings it one."
            raise Unavailable(message, code="nothing_live")
        if model.partition("@")[0] in self.endpoints:
            return self._addressed(model, principal)
        return self._adapter(model, principal)

    def allowances(self, principal: Principal, route: Route) -> tuple[Allowance, ...]:
        """What a call must be covered by: its key's, project's and team's, and its endpoint's. The same object for
        the same key and endpoint."""
        if not route.allowances or not principal.allowances:
            return principal.allowances or route.allowances
        names = (principal.key_id, route.model)
        both = self._allowances.get(names)
        if both is None:
            both = self._allowances[names] = principal.allowances + route.allowances
        return both

    def visible(self, principal: Principal) -> tuple[list[Endpoint], list[Pool]]:
        """What this key may ask for."""
        endpoints = [self.endpoints[name] for name in self._routes if may_use(principal.endpoints, name)]
        pools = [pool for name, pool in self.pools.items() if may_use(principal.upstreams, name)]
        return endpoints, pools

    def _candidate(self, route: Route, trial: Trial) -> Route:
        """Where those calls of an endpoint go that are the candidate's: to answer them, or unseen and paid for by the
        rollout."""
        pool = self.pools[trial.release.release.upstream]
        if trial.weight:
            return replace(route, pool=pool, release=trial.release)
        paid = (trial.budget,) if trial.budget is not None else ()
        return replace(route, pool=_aside(pool), release=trial.release, allowances=paid, cache_ttl=None)

    def _addressed(self, model: str, principal: Principal) -> Route:
        """`endpoint@digest`, for evaluators."""
        name, _, digest = model.partition("@")
        endpoint = self.endpoints.get(name)
        allowed = may_use(principal.endpoints, name) and Access.EVALUATOR.roles & principal.roles
        if endpoint is None or not allowed or DIGEST.fullmatch(digest) is None:
            raise no_such_model(model)
        trial = endpoint.trial
        if trial is not None and trial.release.release.digest.startswith(digest):
            found, place = trial.release, Place(trial.rollout, "candidate")
        elif endpoint.live is not None and endpoint.live.release.digest.startswith(digest):
            found, place = endpoint.live, NOWHERE
        else:
            raise no_such_model(model)
        pool = self.pools[found.release.upstream]
        return Route(pool, name, name, found, None, endpoint.allowances, place=place)

    def _adapter(self, model: str, principal: Principal) -> Route:
        """`upstream:adapter`, fine-tuned weights on an upstream."""
        name, colon, adapter = model.partition(":")
        upstream = self.upstreams.get(name)
        known = upstream is not None and bool(colon) and adapter in upstream.adapters
        if upstream is None or not known or not may_use(principal.upstreams, name):
            raise no_such_model(model)
        return Route(self.pools[name], model, adapter=adapter)


def _aside(pool: Pool) -> Pool:
    """The same upstreams for calls nobody waits for: not asked two at a time, and what comes of it is not told to the
    breakers that clients' calls go by."""
    members = tuple(replace(upstream, health=Health()) for upstream in pool.members)
    fallbacks = tuple(replace(upstream, health=Health()) for upstream in pool.fallbacks)
    return replace(pool, members=members, fallbacks=fallbacks, hedge_after=None)


class Snapshots:
    """Holds the snapshot in force. The one place where it is swapped. `since` is the Unix time at which a configuration
    of its digest came into force."""

    __slots__ = ("current", "since")

    def __init__(self, first: Snapshot) -> None:
        self.current = first
        self.since = time.time()

    def swap(self, snapshot: Snapshot) -> None:
        if snapshot.digest != self.current.digest:
            self.since = time.time()
        self.current = snapshot
