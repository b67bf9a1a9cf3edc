"""What people do with a rollout, and the one move a tick makes of it. Each is a change in the caller's transaction."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.errors import BadRequest, Conflict, Forbidden, NotFound
from gateway.keys import LOCAL
from gateway.releases import golive
from gateway.releases.decide import Action, Comparison, Facts, Move, decide
from gateway.releases.golive import Installation, end, endpoint_row
from gateway.releases.plan import Plan
from gateway.releases.records import criteria, record
from gateway.releases.rollout import Rollout, Stage, State
from gateway.releases.verdicts import Proof, prove
from gateway.store import catalogue, keys, rollouts, units
from gateway.types import Json

ROBOT = "sluicegate"
MOST_CONDITIONS = 20


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or a service, and the key they came with; None for somebody at the database itself."""

    name: str
    key_id: str | None


def propose(connection: Connection, endpoint: str, release: str, plan: Plan, reason: str, by: Actor) -> Rollout:
    """A draft. Raises `NotFound` for an endpoint or a release there is not, `Conflict` for one that is live already."""
    row = endpoint_row(connection, endpoint)
    if catalogue.find_release(connection, release) is None:
        raise NotFound(f"There is no release {release[:80]!r}.", param="release", code="unknown_release")
    if row.release == release:
        raise Conflict(f"{endpoint!r} serves the release {release[:12]} already.", code="already_live", param="release")
    now = time.time()
    rollout = Rollout(
        id=f"ro_{secrets.token_hex(8)}",
        endpoint=endpoint,
        release=release,
        control=row.release,
        plan=plan,
        reason=reason,
        author=by.name,
        author_key=by.key_id or "",
        created=now,
        stage=Stage.DRAFT,
        step=0,
        state=State.RUNNING,
        entered=now,
        updated=now,
        salt=secrets.token_hex(16),
        identity="",
        analysis=None,
        why="It is a draft: submit it.",
        moves=0,
    )
    rollouts.add(connection, rollout)
    rollouts.note(connection, rollout, by.name, "proposed", reason)
    return rollout


def submit(connection: Connection, installation: Installation, rollout_id: str, by: Actor) -> Rollout:
    """To the gate. Raises `Conflict` where another rollout is under way at the endpoint."""
    rollout = open_rollout(connection, rollout_id)
    if rollout.stage is not Stage.DRAFT:
        raise Conflict("It is submitted already.", code="already_submitted")
    other = rollouts.open_at(connection, rollout.endpoint)
    if other is not None:
        message = f"The rollout {other.id} is under way at {rollout.endpoint!r}: end it first, or wait for it."
        raise Conflict(message, code="rollout_under_way")
    identity = installation.identity(connection, rollout.release)
    if identity is None:
        raise Conflict("The upstream of this release is not configured.", code="upstream_not_configured")
    control = endpoint_row(connection, rollout.endpoint).release
    values = {"stage": Stage.GATE.value, "identity": identity, "control": control, "entered": time.time()}
    return _change(connection, rollout, by.name, "submitted", "", **values, why="At the gate.")


def pause(connection: Connection, rollout_id: str, by: Actor, reason: str) -> Rollout:
    """It keeps its stage, and a canary its weight; harm still ends it."""
    rollout = open_rollout(connection, rollout_id)
    if rollout.state is State.PAUSED:
        raise Conflict("It is paused already.", code="already_paused")
    return _change(connection, rollout, by.name, "paused", reason, state=State.PAUSED.value, why=f"Paused: {reason}")


def resume(connection: Connection, rollout_id: str, by: Actor, reason: str) -> Rollout:
    rollout = open_rollout(connection, rollout_id)
    if rollout.state is not State.PAUSED:
        raise Conflict("It is not paused.", code="not_paused")
    return _change(connection, rollout, by.name, "resumed", reason, state=State.RUNNING.value, why="Resumed.")


def abort(connection: Connection, installation: Installation, rollout_id: str, by: Actor, reason: str) -> Rollout:
    rollout = open_rollout(connection, rollout_id)
    end(connection, rollout, State.ABORTED, by.name, reason)
    if rollout.stage is not Stage.DRAFT:
        record(connection, installation.signer, rollout, "no_go", reason, by.name)
    return found(connection, rollout_id)


def approve(
    connection: Connection,
    rollout_id: str,
    by: Actor,
    approved: bool,
    note: str,
    conditions: Sequence[str] = (),
) -> Rollout:
    """Agree, under conditions perhaps, or refuse. Raises `Forbidden` for the author and for a key that comes from the
    author, `Conflict` for whoever has spoken already."""
    rollout = open_rollout(connection, rollout_id)
    if rollout.stage is Stage.DRAFT:
        raise Conflict("It is a draft: its author may still change its mind. Submit it first.", code="not_submitted")
    if by.name == rollout.author:
        raise Forbidden("Nobody approves a rollout of their own: ask a second person.", code="own_rollout")
    if comes_from(connection, by, rollout.author):
        message = f"This key comes from {rollout.author}, the author: ask somebody whose key does not."
        raise Forbidden(message, code="own_rollout")
    if any(said.by == by.name for said in rollouts.approvals_of(connection, rollout_id)):
        raise Conflict("You have said what you think of it already.", code="already_approved")
    if len(conditions) > MOST_CONDITIONS or any(not text.strip() for text in conditions):
        message = f"At most {MOST_CONDITIONS} conditions, none of them empty."
        raise BadRequest(message, param="conditions", code="invalid_value")
    rollouts.approve(connection, rollout_id, by.name, by.key_id or "", approved, note, conditions)
    action = ("approved_with_conditions" if conditions else "approved") if approved else "refused"
    return _change(connection, rollout, by.name, action, note)


def meet(connection: Connection, rollout_id: str, number: int, by: Actor) -> Rollout:
    """Say that a condition is met. Raises `Forbidden` for the author, and for a key that comes from the author."""
    rollout = open_rollout(connection, rollout_id)
    if by.name == rollout.author or comes_from(connection, by, rollout.author):
        raise Forbidden("Whether a condition is met is not for the author to say.", code="own_rollout")
    met = rollouts.meet(connection, rollout_id, number, by.name)
    if met is None:
        raise NotFound(f"This rollout has no condition {number}.", param="number", code="unknown_condition")
    return _change(connection, rollout, by.name, "condition_met", met.text)


def tick(connection: Connection, installation: Installation, rollout: Rollout, comparison: Comparison) -> Move:
    """One move, if there is one to make. The rollout is as it was read in this transaction."""
    row = endpoint_row(connection, rollout.endpoint)
    said = rollouts.approvals_of(connection, rollout.id)
    proof = prove(connection, row, rollout.release, said) if row.gate is not None else None
    facts = Facts(
        gate=proof.gate if proof is not None else None,
        verdicts=proof.verdicts if proof is not None else {},
        approvals=said,
        identity=installation.identity(connection, rollout.release),
        control=row.release,
        comparison=comparison,
    )
    move = decide(rollout, facts, time.time())
    match move.action:
        case Action.ADVANCE:
            _advance(connection, installation, rollout, move, proof)
        case Action.ABORT:
            end(connection, rollout, State.ROLLED_BACK if rollout.weight else State.ABORTED, ROBOT, move.why)
            record(connection, installation.signer, rollout, "no_go", move.why, ROBOT)
        case _ if move.why != rollout.why:
            rollouts.change(connection, rollout, why=move.why)
    return move


def _advance(
    connection: Connection, installation: Installation, rollout: Rollout, move: Move, proof: Proof | None
) -> None:
    assert move.stage is not None
    if rollout.stage is Stage.GATE and proof is not None:
        golive.warrant(connection, installation, proof, rollout)
    if move.stage is Stage.LIVE:
        conditions = [text for said in rollouts.approvals_of(connection, rollout.id) for text in said.conditions]
        record(connection, installation.signer, rollout, "go_with_conditions" if conditions else "go", move.why, ROBOT)
        row = endpoint_row(connection, rollout.endpoint)
        golive.put_live(connection, installation, row, rollout.release, rollout.author, f"rollout {rollout.id}")
        _change(
            connection, rollout, ROBOT, "live", move.why, stage=Stage.LIVE.value, state=State.LIVE.value, why=move.why
        )
        units.forget(connection, rollout.id)
        return
    values = {"stage": move.stage.value, "step": move.step, "entered": time.time()}
    _change(connection, rollout, ROBOT, "advanced", move.why, **values, why=move.why)


def comes_from(connection: Connection, actor: Actor, author: str) -> bool:
    """Whether the key that somebody came with was ever minted, rotated or given its owner by `author`, or with a key
    that was, however many lie between. A key that was rotated since by its owner still comes from who made it: one
    person with two keys could do that too. What is minted at the machine comes from nobody: whoever is there has the
    installation's secret, and needs no second key."""
    if author.startswith(LOCAL):
        return False
    every = keys.list_all(connection)
    made, before = {author}, 0
    while len(made) > before:
        before = len(made)
        made |= {key.owner for key in every if not made.isdisjoint(key.makers)}
    return any(key.id == actor.key_id and not made.isdisjoint(key.makers) for key in every)


def standing(connection: Connection, rollout: Rollout) -> Json | None:
    """How its release stands at the gate, for people to see; None where the endpoint has none."""
    row = endpoint_row(connection, rollout.endpoint)
    if row.gate is None:
        return None
    proof = prove(connection, row, rollout.release, rollouts.approvals_of(connection, rollout.id))
    return {
        "passed": proof.passed,
        "missing": proof.missing,
        "approvals": proof.gate.approvals,
        "approved_by": list(proof.approved_by),
        "requires": criteria(proof),
        "evidence": list(proof.evidence),
    }


def found(connection: Connection, rollout_id: str) -> Rollout:
    """Raises `NotFound`."""
    rollout = rollouts.find(connection, rollout_id)
    if rollout is None:
        raise NotFound(f"There is no rollout {rollout_id[:80]!r}.", param="id", code="unknown_rollout")
    return rollout


def open_rollout(connection: Connection, rollout_id: str) -> Rollout:
    """Raises `Conflict` for one that has ended."""
    rollout = found(connection, rollout_id)
    if not rollout.open:
        raise Conflict(f"This rollout has ended ({rollout.state}): propose another.", code="rollout_ended")
    return rollout


def _change(connection: Connection, rollout: Rollout, by: str, action: str, reason: str, **values: object) -> Rollout:
    if not rollouts.change(connection, rollout, **values):
        raise Conflict("Somebody else has just changed this rollout: look again.", code="changed_meanwhile")
    changed = found(connection, rollout.id)
    rollouts.note(connection, changed, by, action, reason)
    return changed
