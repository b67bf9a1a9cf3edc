"""Candidates on their way to production."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from gateway.store.tables.base import metadata, serial, where

rollouts = Table(
    "rollouts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("endpoint", String(64), nullable=False),
    Column("release", String(64), nullable=False),
    Column("control", String(64)),
    Column("plan", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", String(100), nullable=False),
    Column("author_key", String(32), nullable=False),
    Column("created", Float, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("entered", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("salt", String(32), nullable=False),
    Column("identity", String(64), nullable=False),
    Column("analysis", JSON(none_as_null=True)),
    Column("why", Text, nullable=False, server_default=""),
    Column("moves", Integer, nullable=False, server_default="0"),
    Index("rollouts_by_endpoint", "endpoint", "created"),
    where("rollouts_open", "state IN ('running', 'paused')", "endpoint"),
)
"""A candidate's way to production. `moves` counts its changes: whoever decided on an older count decides again."""

rollout_events = Table(
    "rollout_events",
    metadata,
    serial(),
    Column("rollout", String(32), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("action", String(32), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", JSON(none_as_null=True)),
)

approvals = Table(
    "approvals",
    metadata,
    serial(),
    Column("rollout", String(32), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("key_id", String(32), nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("conditions", JSON, nullable=False),
)
"""What a second person said of a rollout. A condition is `{"text": …, "met": null or {"at": …, "by": …}}`."""

turned_away = Table(
    "turned_away",
    metadata,
    serial(),
    Column("endpoint", String(64), nullable=False),
    Column("release", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Index("turned_away_by_endpoint", "endpoint", "release"),
)
"""Releases that failed or were rolled back: evidence from before counts no more."""

breakings = Table(
    "breakings",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("endpoint", String(64), nullable=False, index=True),
    Column("release", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("reviewed", Float),
    Column("reviewed_by", String(100)),
    Column("review", Text),
)
"""Acts of breaking the glass, red until somebody else has reviewed them."""

observations = Table(
    "observations",
    metadata,
    serial(),
    Column("rollout", String(32), nullable=False, index=True),
    Column("call", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("arm", String(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("unit", String(32), nullable=False),
    Column("metric", String(64)),
    Column("value", Float),
    Column("failed", Boolean),
    Column("blocked", Boolean),
    Column("total_us", BigInteger),
    Column("first_us", BigInteger),
    Column("cost", BigInteger),
    Column("pair", String(64)),
)
"""What calls under a rollout came to, and scores given to them (`metric`, `value`), until its analysis has taken them
in. `arm` is live, candidate or shadow; `pair` the call that a shadow's is the twin of."""

rollout_units = Table(
    "rollout_units",
    metadata,
    Column("rollout", String(32), primary_key=True),
    Column("unit", String(32), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("arm", String(16), nullable=False),
    Column("first", Float, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("sums", JSON, nullable=False),
    where("rollout_units_open", "NOT closed", "rollout", "first"),
)
"""What is being added up for each unit (a conversation, a user) until its time is over and it counts."""
