"""What makes an endpoint serve a release: the one way, for rollouts, rollbacks and manifests alike.

An endpoint without a gate serves what it is told to. A protected one takes a warrant, here and again wherever the
configuration in force is composed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.errors import Conflict, GatewayError, NotFound
from gateway.releases.rollout import Rollout, Stage, State
from gateway.releases.verdicts import Proof, prove
from gateway.releases.warrant import SignedWarrant, Warrant
from gateway.routing import Pool
from gateway.signing import Signer
from gateway.store import catalogue, rollouts, units
from gateway.store.catalogue import EndpointRow


@dataclass(frozen=True, slots=True)
class Installation:
    """What decides together with the database: this installation's signature, and what answers for each upstream."""

    signer: Signer
    identities: Mapping[str, str]

    @classmethod
    def of(cls, signer: Signer, pools: Mapping[str, Pool]) -> Installation:
        return cls(signer, {name: pool.identity for name, pool in pools.items()})

    def identity(self, connection: Connection, release: str) -> str | None:
        """Names what answers for the release's upstream; None where that is not configured."""
        held = catalogue.find_release(connection, release)
        return self.identities.get(held.upstream) if held is not None else None


def endpoint_row(connection: Connection, name: str) -> EndpointRow:
    """Raises `NotFound`."""
    row = catalogue.find_endpoint(connection, name)
    if row is not None:
        return row
    raise NotFound(f"There is no endpoint {name[:80]!r}.", param="endpoint", code="unknown_endpoint")


def warrant(connection: Connection, installation: Installation, proof: Proof, rollout: Rollout | None) -> None:
    """Let a protected endpoint serve what has passed its gate."""
    identity = installation.identity(connection, proof.release)
    if identity is None:
        raise Conflict("The upstream of this release is not configured.", code="upstream_not_configured")
    _sign(
        connection,
        installation.signer,
        Warrant(
            endpoint=proof.endpoint,
            release=proof.release,
            identity=identity,
            ground="gate",
            gate=proof.gate.digest,
            evidence=proof.evidence,
            approved_by=proof.approved_by,
            rollout=rollout.id if rollout is not None else None,
            at=time.time(),
        ),
    )


def warrant_serving(connection: Connection, installation: Installation, endpoint: str, release: str, gate: str) -> None:
    """Protection begins: what serves goes on."""
    identity = installation.identity(connection, release) or ""
    _sign(
        connection,
        installation.signer,
        Warrant(endpoint, release, identity, "serving", gate, (), (), None, time.time()),
    )


def put_live(
    connection: Connection, installation: Installation, endpoint: EndpointRow, release: str, by: str, reason: str
) -> None:
    """Raises `Conflict` where the endpoint is protected and nothing proves the release."""
    if endpoint.gate is not None:
        check_warrant(connection, installation, endpoint.name, release)
    catalogue.set_live(connection, endpoint.name, release, by, reason)


def check_warrant(connection: Connection, installation: Installation, endpoint: str, release: str) -> None:
    """Raises `Conflict` where the release has no warrant here, or not for the upstream that is configured now."""
    held = catalogue.list_warrants(connection).get((endpoint, release))
    if held is None:
        message = f"{endpoint!r} is protected, and the release {release[:12]} did not pass its gate: roll it out."
        raise Conflict(message, code="not_proven")
    try:
        identity = installation.identity(connection, release) or ""
        SignedWarrant(*held).check(installation.signer.public, endpoint, release, identity)
    except Conflict:
        raise
    except GatewayError as error:
        raise Conflict(error.message, code="not_proven") from error


def roll_back(
    connection: Connection, installation: Installation, name: str, by: str, reason: str, to: str | None = None
) -> str:
    """Take away what came last: the candidate of an open canary, else the live release, for the last good one or `to`.
    The digest that is taken away needs new evidence to come back. Gives the digest that serves now.

    Raises `Conflict` where there is nothing to go back to.
    """
    endpoint = endpoint_row(connection, name)
    rollout = rollouts.open_at(connection, name)
    if rollout is not None:
        end(connection, rollout, State.ROLLED_BACK, by, reason)
        if to is None and rollout.stage in (Stage.CANARY, Stage.SHADOW) and endpoint.release is not None:
            return endpoint.release
    target = to or last_good(connection, installation, endpoint)
    if target is None:
        raise Conflict(f"{name!r} has no earlier release to go back to.", code="nothing_to_roll_back_to")
    if to is not None and to not in {was.release for was in catalogue.lived(connection, name)}:
        message = f"The release {to[:12]} was never live at {name!r}: roll it out instead."
        raise Conflict(message, code="never_live", param="to")
    if target == endpoint.release:
        raise Conflict(f"{name!r} serves the release {target[:12]} already.", code="already_live", param="to")
    if rollouts.turned_away_at(connection, name, target):
        message = f"The release {target[:12]} was rolled back itself: it needs new evidence, and a rollout."
        raise Conflict(message, code="not_proven", param="to")
    put_live(connection, installation, endpoint, target, by, f"rollback: {reason}")
    if endpoint.release is not None:
        reject(connection, name, endpoint.release, reason)
    return target


def last_good(connection: Connection, installation: Installation, endpoint: EndpointRow) -> str | None:
    """The newest release that was live before and may be again."""
    for was in catalogue.lived(connection, endpoint.name):
        if was.release == endpoint.release or rollouts.turned_away_at(connection, endpoint.name, was.release):
            continue
        if installation.identity(connection, was.release) is None:
            continue
        if endpoint.gate is not None:
            try:
                check_warrant(connection, installation, endpoint.name, was.release)
            except Conflict:
                continue
        return was.release
    return None


def break_glass(
    connection: Connection, installation: Installation, name: str, release: str, by: str, reason: str
) -> str:
    """Go live at once, without a second person and without the stages between, and stay red until somebody else has
    reviewed it. The gate itself is never left out: without evidence there is nothing to break the glass for but an
    earlier release, and that is `roll_back`. Gives the id of the act."""
    endpoint = endpoint_row(connection, name)
    if not reason.strip():
        raise Conflict("Breaking the glass takes a reason.", code="reason_missing", param="reason")
    if endpoint.gate is not None:
        proof = prove(connection, endpoint, release, approvals=())
        if not proof.passed:
            raise Conflict(f"The gate of {name!r} has not passed: {proof.missing}", code="not_proven")
        warrant(connection, installation, proof, None)
    rollout = rollouts.open_at(connection, name)
    if rollout is not None and rollout.release == release:
        close(connection, rollout, State.LIVE, by, f"The glass was broken: {reason}")
    elif rollout is not None:
        end(connection, rollout, State.ABORTED, by, f"The glass was broken: {reason}")
    put_live(connection, installation, endpoint, release, by, f"break-glass: {reason}")
    breaking = f"brk_{secrets.token_hex(8)}"
    rollouts.break_glass(
        connection, rollouts.Breaking(breaking, name, release, time.time(), by, reason, None, None, None)
    )
    return breaking


def end(connection: Connection, rollout: Rollout, state: State, by: str, reason: str) -> None:
    """End a rollout short of live. What it was begun for needs new evidence to come again."""
    close(connection, rollout, state, by, reason)
    if rollout.stage is not Stage.DRAFT:
        reject(connection, rollout.endpoint, rollout.release, reason)


def close(connection: Connection, rollout: Rollout, state: State, by: str, reason: str) -> None:
    """The end of a rollout, whichever it is."""
    if not rollouts.change(connection, rollout, state=state, why=reason):
        raise Conflict("Somebody else has just changed this rollout: look again.", code="changed_meanwhile")
    rollouts.note(connection, rollout, by, state.value, reason)
    units.forget(connection, rollout.id)


def reject(connection: Connection, endpoint: str, release: str, reason: str) -> None:
    rollouts.turn_away(connection, endpoint, release, reason)
    catalogue.drop_warrant(connection, endpoint, release)


def _sign(connection: Connection, signer: Signer, made: Warrant) -> None:
    signed = SignedWarrant.issue(signer, made)
    catalogue.put_warrant(connection, made.endpoint, made.release, signed.body, signed.signature)
