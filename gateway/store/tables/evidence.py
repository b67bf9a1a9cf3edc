"""What is known of releases, what was decided and done, and who is told."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from gateway.store.tables.base import metadata, serial, where

evidence = Table(
    "evidence",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("release", String(64), nullable=False),
    Column("endpoint", String(64)),
    Column("kind", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("key_id", String(32)),
    Column("digest", String(64), nullable=False, unique=True),
    Column("dataset", String(64)),
    Column("suite", String(64)),
    Column("brief", JSON(none_as_null=True)),
    Column("body", JSON, nullable=False),
    Column("signature", String(88), nullable=False),
    Index("evidence_by_release", "release", "at"),
    Index("evidence_by_suite", "suite", "at"),
    Index("evidence_by_dataset", "dataset", "release", "at"),
)
"""Signed facts about a release, `suite` and `dataset` the digests of what it was judged on. `digest` is of `body` but
for when it was made; `signature`, base64, is this installation's. `brief` is what a list shows of `body`, which may be
large."""

decisions = Table(
    "decisions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("endpoint", String(64), nullable=False),
    Column("release", String(64), nullable=False),
    Column("rollout", String(32)),
    Column("at", Float, nullable=False),
    Column("outcome", String(24), nullable=False),
    Column("expires", Float),
    Column("body", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("signature", String(88), nullable=False),
    Index("decisions_by_endpoint", "endpoint", "at"),
)
"""Go / go with conditions / no-go / return to phase: signed records of who decided what on which evidence."""

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("key_id", String(32)),
    Column("action", String(64), nullable=False),
    Column("object", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("signature", String(88), nullable=False),
    Index("audit_by_object", "object", "seq"),
    Index("audit_by_actor", "actor", "seq"),
    where("audit_gates", "action = 'gate.in_force'", "object", "seq"),
)
"""Every administrative act, chained by hash and signed. `at` is Unix time in microseconds, `detail` canonical JSON."""

feedback = Table(
    "feedback",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("call", String(64), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("key_id", String(32), nullable=False),
    Column("by", String(100), nullable=False),
    Column("source", String(16), nullable=False),
    Column("endpoint", String(64)),
    Column("release", String(64)),
    Column("rollout", String(32)),
    Column("arm", String(16)),
    Column("unit", String(32)),
    Column("metric", String(64), nullable=False),
    Column("score", Float),
    Column("outcome", String(64)),
    Column("correction", Text),
    Column("comment", Text),
    Column("value", BigInteger),
    Column("seconds_saved", Float),
    Column("waiting", String(8)),
    Index("feedback_by_time", "at"),
    Index("feedback_by_endpoint", "endpoint", "at"),
    Index("feedback_by_release", "release", "at"),
    where("feedback_waiting", "waiting IS NOT NULL", "key_id"),
)
"""What became of a call, as its user, a person or a judge (`source`) saw it. `score` is from 0 to 1, `value` in
micro-USD. `waiting` is null once the call's record has been found; until then it says whose call it may be about: `own`
or `any`."""

reviews = Table(
    "reviews",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("call", String(64), nullable=False, index=True),
    Column("act", String(16), nullable=False),
    Column("guard", String(64)),
    Column("at", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("key_id", String(32)),
    Column("note", Text, nullable=False),
    Column("endpoint", String(64)),
    Column("team", String(64)),
    Column("sha256", String(64)),
    Column("text", Text),
    Column("attack", Boolean),
    Column("kind", String(64)),
    Column("lang", String(16)),
    Column("sample", JSON(none_as_null=True)),
    Column("undone", Float),
    Column("undone_by", String(100)),
    where("reviews_standing", "undone IS NULL", "act", "at"),
    Index("reviews_by_endpoint", "endpoint", "at"),
)
"""What people decided on what guards did with calls: `act` is example, allow, sample or dismiss. `text` and `sample`
are what somebody said in a call, and go where the decision is `undone`; `sha256` of the text stays. `team` is whose
calls an allow rule lets through, null for all."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("events", JSON, nullable=False),
    Column("created", Float, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("heard", BigInteger, nullable=False, server_default="0"),
    Column("failing", Float),
    Column("disabled", Float),
    Column("why", Text),
)
"""Who is told. `heard` is the audit log's entry up to which deliveries were made; `failing` is since when nothing has
arrived; `disabled` is when it ended, and `why`. `secret` is sealed (see `gateway.sealing`)."""

deliveries = Table(
    "deliveries",
    metadata,
    serial(),
    Column("webhook", ForeignKey("webhooks.id"), nullable=False),
    Column("message", String(32), nullable=False, server_default=""),
    Column("event", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("created", Float, nullable=False, index=True),
    Column("due", Float, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("last", Text),
    Index("deliveries_by_webhook", "webhook", "id"),
    where("deliveries_due", "state = 'waiting'", "webhook", "due"),
)
"""Messages on their way to webhooks, and those that came to an end: `state` is waiting, delivered or given_up, `last`
what came of the last try. While one is being sent, `due` is when another process may take it for lost."""
