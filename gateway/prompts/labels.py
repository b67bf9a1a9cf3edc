"""Labels: names that point at versions of a prompt, as `production` or `staging`.

A protected label moves only by the hand of an approver who did not write the version, and with a reason. `production`
is protected always. Whatever moves is remembered with who moved it, when and why.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.access import Access, admit
from gateway.errors import BadRequest, Forbidden, NotFound
from gateway.prompts.registry import PRODUCTION, check_label, get
from gateway.store import catalogue, prompt_labels
from gateway.store.evidence import find
from gateway.store.prompt_labels import Move
from gateway.types import Principal


def protected(connection: Connection) -> frozenset[str]:
    return frozenset((PRODUCTION, *(one.label for one in prompt_labels.protected(connection))))


def move(
    connection: Connection, name: str, label: str, to: str, who: Principal, reason: str, evidence: Sequence[str] = ()
) -> Move:
    """Point a label at the version that `to` names. A label that points there already stays, without a trace. Raises
    `Forbidden` for whoever may not, `BadRequest` where a protected label has no reason."""
    catalogue.hold_revision(connection)
    check_label(label)
    version = get(connection, name, to)
    _check(connection, label, who, reason)
    for named in evidence:
        if find(connection, named) is None:
            raise NotFound(f"There is no evidence {named[:80]!r}.", param="evidence", code="evidence_not_found")
    if label in protected(connection) and version.author == who.owner:
        message = f"{label!r} is protected: somebody else than the author of version {version.number} must move it."
        raise Forbidden(message, param="version", code="own_version")
    before = prompt_labels.get(connection, version.name, label)
    made = Move(label, before, version.number, time.time(), str(who.owner), reason, tuple(evidence))
    if before != version.number:
        prompt_labels.record(connection, version.name, made)
    return made


def remove(connection: Connection, name: str, label: str, who: Principal, reason: str) -> Move:
    """Raises `NotFound` where there is no such label, `Forbidden` for whoever may not."""
    catalogue.hold_revision(connection)
    before = prompt_labels.get(connection, name, label)
    if before is None:
        raise NotFound(f"{name[:80]!r} has no label {label[:80]!r}.", param="label", code="label_not_found")
    _check(connection, label, who, reason)
    made = Move(label, before, None, time.time(), str(who.owner), reason, ())
    prompt_labels.record(connection, name, made)
    return made


def _check(connection: Connection, label: str, who: Principal, reason: str) -> None:
    if label not in protected(connection):
        admit(Access.EDITOR, who)
        return
    admit(Access.APPROVER, who)
    if not reason.strip():
        raise BadRequest(f"{label!r} is protected: say why it moves.", param="reason", code="missing_reason")
