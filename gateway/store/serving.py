"""What a snapshot is made of, read as of one moment: what serves, what is tried beside it, and why it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection

from gateway.releases.rollout import Rollout
from gateway.releases.warrant import SignedWarrant
from gateway.store import audit, catalogue, policies, rollouts
from gateway.store.catalogue import EndpointRow
from gateway.store.migrations import began
from gateway.types import Json, Release


@dataclass(frozen=True)
class Serving:
    """As of `revision`. `releases` are those that are live or tried, by digest; `trials` the rollouts past their draft,
    by endpoint; `warrants` by endpoint and release, and when such a release was turned away; `gates` what the log says
    protects an endpoint, by its name; `policies` the releases' guard policies, by digest. `began` is when this
    installation came to be."""

    revision: int
    began: float
    endpoints: Sequence[EndpointRow]
    releases: Mapping[str, Release]
    trials: Mapping[str, Rollout]
    warrants: Mapping[tuple[str, str], SignedWarrant]
    turned_away: Mapping[tuple[str, str], float]
    gates: Mapping[str, Json]
    policies: Mapping[str, Json]

    @cached_property
    def warranted(self) -> frozenset[str]:
        """Endpoints that anything was proven for."""
        return frozenset(endpoint for endpoint, _ in self.warrants)


def load(connection: Connection) -> Serving:
    """The caller's transaction must show everything as of one moment."""
    revision = catalogue.revision(connection)
    endpoints = catalogue.list_endpoints(connection)
    trials = {rollout.endpoint: rollout for rollout in rollouts.under_way(connection)}
    digests = {row.release for row in endpoints if row.release is not None}
    digests |= {rollout.release for rollout in trials.values()}
    signed = {at: SignedWarrant(*held) for at, held in catalogue.list_warrants(connection).items()}
    releases = catalogue.find_releases(connection, digests)
    return Serving(
        revision=revision,
        began=began(connection),
        endpoints=endpoints,
        releases=releases,
        trials=trials,
        warrants=signed,
        turned_away=rollouts.turned_away_of(connection, digests),
        gates=audit.gates(connection),
        policies=policies.find(connection, {one.policy for one in releases.values() if one.policy is not None}),
    )
