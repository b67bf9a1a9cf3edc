"""What a snapshot is made of, read as of one moment: what serves, what is tried beside it, and why it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.releases.rollout import Rollout
from gateway.releases.warrant import SignedWarrant
from gateway.store import catalogue, rollouts
from gateway.store.catalogue import EndpointRow
from gateway.store.migrations import began
from gateway.types import Release


@dataclass(frozen=True, slots=True)
class Serving:
    """As of `revision`. `releases` are those that are live or tried, by digest; `trials` the rollouts past their draft,
    by endpoint; `warrants` by endpoint and release. `began` is when this installation came to be."""

    revision: int
    began: float
    endpoints: Sequence[EndpointRow]
    releases: Mapping[str, Release]
    trials: Mapping[str, Rollout]
    warrants: Mapping[tuple[str, str], SignedWarrant]


def load(connection: Connection) -> Serving:
    """The caller's transaction must show everything as of one moment."""
    revision = catalogue.revision(connection)
    endpoints = catalogue.list_endpoints(connection)
    trials = {rollout.endpoint: rollout for rollout in rollouts.under_way(connection)}
    digests = {row.release for row in endpoints if row.release is not None}
    digests |= {rollout.release for rollout in trials.values()}
    signed = {at: SignedWarrant(*held) for at, held in catalogue.list_warrants(connection).items()}
    return Serving(revision, began(connection), endpoints, catalogue.find_releases(connection, digests), trials, signed)
