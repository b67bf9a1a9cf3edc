"""Upstreams and pools, and how they have been doing in this process."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gateway.api.deps import Running, Viewer

router = APIRouter(tags=["upstreams"])


class UpstreamState(BaseModel):
    name: str
    provider: str
    model: str
    state: str = Field(description="closed: well. open: left alone. half-open: one call tries. resting: told to wait.")
    wait: float = Field(description="Seconds until it may be asked again.")
    opened: int = Field(description="How often its breaker has opened.")
    why: str = Field(description="What went wrong last.")


class PoolState(BaseModel):
    name: str
    members: dict[str, int] = Field(description="Upstream to weight.")
    fallbacks: list[str]
    retries: int
    hedge_after: float | None
    sticky: bool


class Upstreams(BaseModel):
    object: str = "list"
    data: list[UpstreamState]
    pools: list[PoolState]


@router.get("/upstreams")
async def list_upstreams(who: Viewer, running: Running) -> Upstreams:
    """Every upstream with its breaker, and the pools. Each process has breakers of its own: these are this one's."""
    snapshot = running.refresher.snapshots.current
    states = [
        UpstreamState(
            name=upstream.name,
            provider=upstream.kind,
            model=upstream.model,
            state=upstream.health.state,
            wait=round(upstream.health.wait, 3),
            opened=upstream.health.opened,
            why=upstream.health.why,
        )
        for upstream in snapshot.upstreams.values()
    ]
    pools = [
        PoolState(
            name=pool.name,
            members={member.name: weight for member, weight in zip(pool.members, pool.weights, strict=True)},
            fallbacks=[fallback.name for fallback in pool.fallbacks],
            retries=pool.retries,
            hedge_after=pool.hedge_after,
            sticky=pool.sticky,
        )
        for pool in snapshot.pools.values()
        if pool.declared
    ]
    return Upstreams(data=states, pools=pools)
