"""What people decide on calls that guards stopped, let through with a flag, or nearly stopped.

The queue is a query over the records; only decisions are stored. One decision does one thing: it keeps the text as an
example of what a guard should, or should not, have caught; lets the text through by a rule, in a policy that is made
ready to be proposed; keeps the call as a sample for evals; or says that there is nothing to do. None of them changes
what serves. Deciding the same again changes nothing, and everything can be undone.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import msgspec
import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import Connection

from evals.datasets.calls import row_of
from gateway.errors import BadRequest, Conflict, NotFound
from gateway.judged import Judged, causes, entries, judged, said_in
from gateway.record import CallRecord
from gateway.releases.amended import Amended, amended, digest_of, rule_of
from gateway.store import catalogue, search
from gateway.store import reviews as rows
from gateway.store.reviews import Decision
from gateway.types import Json, Principal

Label = Literal["attack", "harmless"]
MOST_TEXT = 100_000
MOST_NOTE = 1000
VARIABLE = "prompt.variables."
OF_A_SAMPLE = ("id", "messages", "tools", "variables", "endpoint", "release")
"""Of a row that evals make of a call, what does not depend on how it was answered then, or on who asked."""


class Said(BaseModel):
    """The body of a decision. `guard` is needed where several are to be looked at. `text` is what was judged, where it
    is not kept, or was redacted before it was."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    act: rows.ActName = Field(description="example, allow, sample or dismiss.")
    guard: str | None = Field(None, min_length=1, max_length=64, description="What verdicts call it.")
    label: Label | None = Field(None, description="Whether a guard should catch it (attack) or not (harmless).")
    text: str | None = Field(None, min_length=1, max_length=MOST_TEXT, description="What was judged.")
    kind: str | None = Field(None, min_length=1, max_length=64, description="Of an example: what it is one of.")
    lang: str | None = Field(None, pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$", description="Its language, as `en`.")
    note: str = Field("", max_length=MOST_NOTE, description="Why, for those who look later.")
    everyone: bool = Field(False, description="Let it through for all teams, and not only for the call's own.")

    @field_validator("text", "note", "kind")
    @classmethod
    def _storable(cls, value: str | None) -> str | None:
        if value is not None and "\0" in value:
            raise ValueError("a text has no NUL")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        needs = self.act in ("example", "sample")
        if needs != (self.label is not None):
            raise ValueError(
                "an example or a sample needs a label, attack or harmless (--label), and nothing else has one"
            )
        if self.act != "example" and (self.kind is not None or self.lang is not None):
            raise ValueError("kind and lang are of an example")
        if self.act == "dismiss" and self.text is not None:
            raise ValueError("what is dismissed needs no text")
        return self


@dataclass(frozen=True, slots=True)
class Decided:
    """`new` where it was not decided before; `changed` is the policy that was made ready with it, or without it."""

    decision: Decision
    new: bool
    changed: Amended | None


def of_call(connection: Connection, call_id: str) -> CallRecord:
    """Raises `NotFound`."""
    found = search.page(connection, search.Filter(limit=1, id=call_id)).records
    if not found:
        raise NotFound(f"There is no record of {call_id[:80]!r} (yet).", param="request_id")
    return found[0]


def decide(connection: Connection, call_id: str, said: Said, who: Principal) -> Decided:
    """Raises `Conflict` where the same was decided otherwise before."""
    catalogue.hold_revision(connection)  # one decides at a time
    record = of_call(connection, call_id)
    entry = _entry(record, said)
    made = _made(connection, record, entry, said, who)
    before = rows.get(connection, made.id)
    if before is not None and before.undone is None:
        if _content(before) != _content(made):
            message = f"{before.by} has decided otherwise: undo {before.id} first, to decide anew."
            raise Conflict(message, code="already_decided")
        return Decided(before, False, _changed(connection, before))
    rows.put(connection, made)
    return Decided(made, True, _changed(connection, made))


def undo(connection: Connection, decision_id: str, who: Principal) -> Decided:
    """Take a decision back. What was put in force by way of it meanwhile stays, until a policy without it is."""
    catalogue.hold_revision(connection)
    found = rows.get(connection, decision_id)
    if found is None:
        raise NotFound(f"There is no decision {decision_id[:80]!r}.", param="decision_id")
    new = found.undone is None
    if new:
        at, by = time.time(), who.owner or who.name
        rows.undo(connection, decision_id, at, by)
        found = replace(found, undone=at, undone_by=by, text=None, sample=None)
    return Decided(found, new, _changed(connection, found))


def _changed(connection: Connection, decision: Decision) -> Amended | None:
    """None where the decision changes no policy."""
    if decision.act not in ("allow", "example"):
        return None
    return amended(connection, decision.endpoint, decision.undone_by or decision.by)


def _content(decision: Decision) -> tuple[Any, ...]:
    """What makes it the same decision."""
    sample = {name: held for name, held in (decision.sample or {}).items() if name != "note"}
    return decision.attack, decision.kind, decision.lang, decision.sha256, decision.team, sample


def _entry(record: CallRecord, said: Said) -> Json | None:
    """What the guard in question did; None for a decision that is about no guard."""
    if said.act == "dismiss" and said.guard is None:
        return None
    told = entries(record)
    if said.guard is not None:
        found = [entry for entry in told if entry["guard"] == said.guard]
        if not found:
            others = ", ".join(sorted({entry["guard"] for entry in told})) or "none"
            message = f"No guard {said.guard!r} judged this call; those that did: {others}."
            raise BadRequest(message, param="guard", code="unknown_guard")
        caused = [entry for entry in causes(record) if entry in found]
        return (caused or found)[0]
    names = sorted({entry["guard"] for entry in causes(record)})
    if len(names) != 1:
        which = f"one of {', '.join(names)}" if names else "one of those in the call's record"
        raise BadRequest(f"Say which guard this is about: {which}.", param="guard", code="missing_required_parameter")
    return next(entry for entry in causes(record) if entry["guard"] == names[0])


def _made(connection: Connection, record: CallRecord, entry: Json | None, said: Said, who: Principal) -> Decision:
    guard = entry["guard"] if entry is not None else None
    named = "\0".join((record.id, said.act, guard or ""))
    made = Decision(
        id=f"review_{hashlib.blake2b(named.encode(), digest_size=8).hexdigest()}",
        call=record.id,
        act=said.act,
        guard=guard,
        at=time.time(),
        by=who.owner or who.name,
        key_id=who.key_id,
        note=said.note,
        endpoint=record.endpoint,
        attack=said.label == "attack" if said.label is not None else None,
    )
    if entry is None or said.act == "dismiss":
        return made
    if said.act == "sample":
        return replace(made, sample=_sample(connection, record, entry, said))
    known = judged(connection, record, [entry])[0]
    text = said.text or known.text
    if text is None:
        raise BadRequest(known.missing or "", param="text", code="text_not_kept")
    if said.act == "example":
        return replace(made, text=text, sha256=digest_of(text), kind=said.kind, lang=said.lang)
    if said.text is None and known.redacted:
        message = "What is kept of it was redacted, and is not what was judged: give the text itself to let it through."
        raise BadRequest(message, param="text", code="text_redacted")
    return replace(made, sha256=digest_of(text), team=None if said.everyone else record.team)


def _sample(connection: Connection, record: CallRecord, entry: Json, said: Said) -> Json:
    """As evals read it from a file of JSON lines: the call as the client made it, or its text alone."""
    held = _as_made(connection, record) if said.text is None else _of_text(record, entry["source"], said.text)
    if held is None:
        missing = judged(connection, record, [entry])[0].missing or "The call is no sample as it was made: give a text."
        raise BadRequest(missing, param="text", code="text_not_kept")
    return {**held, "expected": {"refuse": said.label == "attack"}, "guard": entry["guard"], "note": said.note}


def _as_made(connection: Connection, record: CallRecord) -> Json | None:
    """None where what the client sent is not kept whole."""
    content = said_in(connection, record)
    if content is None:
        return None
    row = row_of(msgspec.structs.asdict(record), msgspec.structs.asdict(content))
    return {name: row.value[name] for name in OF_A_SAMPLE if row.value[name]} if row is not None else None


def _of_text(record: CallRecord, source: str, text: str) -> Json:
    held: Json = {"id": record.id, "endpoint": record.endpoint, "release": record.release}
    if source.startswith(VARIABLE):
        return {**held, "variables": {source.removeprefix(VARIABLE).split(".")[0]: text}}
    return {**held, "messages": [{"role": "user", "content": text}]}


# what is shown -------------------------------------------------------------------------------------------------------


def shown(decision: Decision) -> Json:
    """As the API shows a decision to those who may read what calls said."""
    more = ("text", "sha256", "kind", "lang", "sample", "team")
    return {**brief(decision), **{name: getattr(decision, name) for name in more}}


def brief(decision: Decision) -> Json:
    """Without what was said."""
    return {
        "object": "review_decision",
        "id": decision.id,
        "call": decision.call,
        "act": decision.act,
        "guard": decision.guard,
        "label": label_of(decision),
        "at": decision.at,
        "by": decision.by,
        "key_id": decision.key_id,
        "note": decision.note,
        "endpoint": decision.endpoint,
        "undone": decision.undone,
        "undone_by": decision.undone_by,
    }


def label_of(decision: Decision) -> Label | None:
    if decision.attack is None:
        return None
    return "attack" if decision.attack else "harmless"


def outcome(decided: Decided) -> Json:
    """What came of deciding, or of undoing: with the rule to be written where policies are kept in files, and the
    policy that has it."""
    decision, changed = decided.decision, decided.changed
    rule = rule_of(decision) if decision.act == "allow" else None
    return {
        **shown(decision),
        "new": decided.new,
        "rule": rule,
        "yaml": yaml.safe_dump([rule], sort_keys=False, allow_unicode=True) if rule is not None else None,
        "policy": changed.policy if changed is not None else None,
        "why": changed.why if changed is not None else "",
    }


def queued(record: CallRecord, decisions: list[Decision]) -> Json:
    """A call in the queue."""
    names = ("endpoint", "release", "arm", "surface", "key_id", "team", "project", "status", "error", "review")
    return {
        "object": "review",
        "call": record.id,
        "started": record.started,
        **{name: getattr(record, name) for name in names},
        "guards": causes(record),
        "decisions": [brief(one) for one in decisions],
    }


def passage(one: Judged) -> Json:
    """What a guard judged, as far as it is known; the digest is that of what an allow rule would name."""
    digest = digest_of(one.text) if one.text is not None and not one.redacted else None
    told = {name: one.entry[name] for name in ("guard", "stage", "source")}
    return {**told, "text": one.text, "sha256": digest, "redacted": one.redacted, "missing": one.missing}


def example_line(decision: Decision) -> Json:
    """An example as training and scoring read it: `label` 1 is what should be caught."""
    return {
        "text": decision.text,
        "label": int(bool(decision.attack)),
        "kind": decision.kind or label_of(decision),
        "guard": decision.guard,
        "source": f"review:{decision.endpoint}",
        "lang": decision.lang or "und",
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(decision.at)),
    }
