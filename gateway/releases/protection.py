"""How an endpoint comes under protection, and out of it. Once it is protected, its gate changes only by two people: a
gate that its author could open alone would protect nothing."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.audit import Act, Auditor
from gateway.errors import Conflict, Forbidden, NotFound
from gateway.releases import golive
from gateway.releases.conduct import Actor, comes_from
from gateway.releases.golive import Installation, endpoint_row
from gateway.releases.plan import Gate, parse_gate
from gateway.store import audit, catalogue, gates
from gateway.store.gates import GateChange


@dataclass(frozen=True, slots=True)
class Outcome:
    """`change` waits for a second person; None where the gate is in force."""

    change: GateChange | None


def put_gate(
    connection: Connection, installation: Installation, name: str, gate: Gate | None, reason: str, by: Actor
) -> Outcome:
    """Protect an endpoint at once, or propose another gate, or none, for one that is protected."""
    row = endpoint_row(connection, name)
    if row.gate is None:
        if gate is None:
            raise Conflict(f"{name!r} is not protected.", code="no_gate")
        _set(connection, installation, name, gate, by)
        return Outcome(None)
    if gate is not None and parse_gate(row.gate) == gate:
        if audit.gates(connection).get(name) is None:  # from a version that did not sign gates
            _set(connection, installation, name, gate, by)
        return Outcome(None)
    change = GateChange(
        id=f"gc_{secrets.token_hex(8)}",
        endpoint=name,
        gate=gate.model_dump(mode="json") if gate is not None else None,
        reason=reason,
        author=by.name,
        author_key=by.key_id or "",
        created=time.time(),
        state="waiting",
        decided=None,
        decided_by=None,
    )
    gates.add(connection, change)
    return Outcome(change)


def decide_change(
    connection: Connection, installation: Installation, change_id: str, approved: bool, by: Actor
) -> GateChange:
    """Agree to a change of a gate, or refuse it. Raises `Forbidden` for its author."""
    change = gates.find(connection, change_id)
    if change is None:
        raise NotFound(f"There is no change {change_id[:80]!r} of a gate.", param="id", code="unknown_gate_change")
    if change.state != "waiting":
        raise Conflict(f"This change was {change.state} already.", code="already_decided")
    if approved and (by.name == change.author or comes_from(connection, by, change.author)):
        raise Forbidden("Nobody approves a change of their own: ask a second person.", code="own_change")
    decided = gates.decide(connection, change_id, "approved" if approved else "refused", by.name)
    if approved:
        gate = parse_gate(change.gate) if change.gate is not None else None
        _set(connection, installation, change.endpoint, gate, by)
    return decided


def _set(connection: Connection, installation: Installation, name: str, gate: Gate | None, by: Actor) -> None:
    """The log says, signed, which gate is in force: one that was changed in the database alone protects nothing, and
    lets nothing through (see `gateway.refresh`)."""
    row = endpoint_row(connection, name)
    as_json = gate.model_dump(mode="json") if gate is not None else None
    catalogue.put_endpoint(connection, name, by.name, row.description, row.cache_ttl, as_json)
    in_force = Act(audit.GATE_IN_FORCE, f"endpoint:{name}", "", {"gate": as_json})
    Auditor(installation.signer).append(connection, by.name, by.key_id, in_force)
    if row.gate is None and gate is not None and row.release is not None:
        golive.warrant_serving(connection, installation, name, row.release, gate.digest)
