"""The guard policies that releases name: read where they are declared, and again where they come into force."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import Connection

from evals.digest import sha256
from gateway.errors import BadRequest, GatewayError
from gateway.store import catalogue, policies
from gateway.types import Json
from guardrails.errors import BadInput, GuardError
from guardrails.policy import Policy, parse, shipped

DIGEST = re.compile(r"[0-9a-f]{64}")


def parsed(body: Json, place: str) -> Policy:
    """Raises `BadRequest` naming the place in the manifest."""
    try:
        return parse(body)
    except BadInput as error:
        message = f"{place}: {error.message if not error.place else error}"
        raise BadRequest(message, param=place, code="invalid_manifest") from error


def guard_policy(name: str | None, declared: Mapping[str, Policy], place: str) -> Policy | None:
    """The one declared under that name, else the one shipped under it; None for no name."""
    if name is None or name in declared:
        return declared[name] if name is not None else None
    try:
        return shipped(name)
    except BadInput as error:
        message = f"{place}: {name!r} is not declared under `policies`, and {error.message}"
        raise BadRequest(message, param=place, code="invalid_manifest") from error


def kept(connection: Connection, reference: str, author: str) -> str:
    """The digest of a policy that was declared, by that digest, or of one that is shipped, by its name. Raises
    `BadRequest` where it is neither."""
    if DIGEST.fullmatch(reference) and policies.find(connection, {reference}):
        return reference
    try:
        policy = shipped(reference)
    except BadInput as error:
        message = f"policy: {reference[:80]!r} is the digest of no policy that was declared, and {error.message}"
        raise BadRequest(message, param="policy", code="unknown_policy") from error
    policies.add(connection, policy.digest, policy.as_json(), author, reference)
    return policy.digest


def named_at(connection: Connection, live: str | None, policy: Policy) -> str:
    """The digest that a policy has at an endpoint: the one that the live release names, where that is the same policy,
    written before its guards had all of the options that they have by now; else its own. So that an endpoint is not
    proposed anew for nothing but another version of the gateway."""
    release = catalogue.find_release(connection, live) if live is not None else None
    if release is None or release.policy is None:
        return policy.digest
    try:
        before = in_force(release.policy, policies.find(connection, {release.policy}))
    except GatewayError:
        return policy.digest
    return release.policy if before.digest == policy.digest else policy.digest


def in_force(digest: str, held: Mapping[str, Json]) -> Policy:
    """Of a release that is to serve. Raises `GatewayError` where it is not there, is not what its digest names, or
    needs a guard that is not installed."""
    body = held.get(digest)
    if body is None:
        raise GatewayError(f"Its guard policy {digest[:12]} is not in the database.")
    if sha256(body) != digest:
        message = f"Its guard policy {digest[:12]} was changed in the database: it is not what was released."
        raise GatewayError(message)
    try:
        return parse(body)
    except GuardError as error:
        raise GatewayError(f"Its guard policy {digest[:12]} cannot be read: {error.message}") from error
