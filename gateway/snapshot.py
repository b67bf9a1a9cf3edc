"""The configuration in force: one immutable value, swapped in whole. A request keeps the one it began with."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.access import KeyRing, may_use, no_such_model
from gateway.amounts import Allowance
from gateway.errors import Unavailable
from gateway.releases.resolve import Endpoint, LiveRelease
from gateway.routing import Pool
from gateway.types import Principal
from gateway.upstreams import Upstream


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

    @property
    def digest(self) -> str | None:
        """The live release's."""
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
            self._routes[name] = Route(pool, name, name, live, None, endpoint.allowances, endpoint.cache_ttl)

    def resolve(self, model: str, principal: Principal) -> Route:
        """An endpoint's live release, or an upstream or a pool by name where the key allows it. Raises `NotFound`."""
        route = self._routes.get(model)
        if route is not None and may_use(principal.endpoints, model):
            return route
        pool = self.pools.get(model)
        if pool is not None and may_use(principal.upstreams, model):
            return Route(pool, model)
        if model in self.broken and may_use(principal.endpoints, model):
            raise Unavailable(f"The endpoint {model!r} cannot serve. {self.broken[model]}")
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
        endpoints = [e for name, e in self.endpoints.items() if may_use(principal.endpoints, name)]
        pools = [pool for name, pool in self.pools.items() if may_use(principal.upstreams, name)]
        return endpoints, pools

    def _adapter(self, model: str, principal: Principal) -> Route:
        """`upstream:adapter`, fine-tuned weights on an upstream."""
        name, colon, adapter = model.partition(":")
        upstream = self.upstreams.get(name)
        known = upstream is not None and bool(colon) and adapter in upstream.adapters
        if upstream is None or not known or not may_use(principal.upstreams, name):
            raise no_such_model(model)
        return Route(self.pools[name], model, adapter=adapter)


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
