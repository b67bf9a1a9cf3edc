"""What serves: releases, endpoints, and why they may."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Integer, String, Table, Text

from gateway.store.tables.base import metadata, serial

revision = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""One row: moved on, in the same transaction, by every change of what a snapshot is made of."""

releases = Table(
    "releases",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("prompt_name", String(64)),
    Column("prompt_number", Integer),
    Column("upstream", String(64), nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("tools", JSON, nullable=False),
    Column("response_format", JSON(none_as_null=True)),
    Column("policy", String(64)),
    Column("created", Float, nullable=False),
    Column("author", String(100), nullable=False),
)

policies = Table(
    "policies",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("body", JSON, nullable=False),
    Column("created", Float, nullable=False),
    Column("author", String(100), nullable=False),
)
"""What guards releases that name it; never changes."""

policy_names = Table(
    "policy_names",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("digest", ForeignKey("policies.digest"), primary_key=True),
    Column("at", Float, nullable=False),
)
"""What policies were declared as, and when last: the newest of a name is what it means now."""

endpoints = Table(
    "endpoints",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("description", Text),
    Column("release", ForeignKey("releases.digest")),
    Column("updated", Float, nullable=False),
    Column("updated_by", String(100), nullable=False),
    Column("cache_ttl", Float),
    Column("gate", JSON(none_as_null=True)),
)
"""`release` is null until a protected endpoint's first one is proven; `gate` where it is not protected."""

endpoint_history = Table(
    "endpoint_history",
    metadata,
    serial(),
    Column("endpoint", String(64), nullable=False, index=True),
    Column("release", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("reason", Text, nullable=False),
)

warrants = Table(
    "warrants",
    metadata,
    Column("endpoint", String(64), primary_key=True),
    Column("release", String(64), primary_key=True),
    Column("body", Text, nullable=False),
    Column("signature", String(88), nullable=False),
)
"""Why a protected endpoint may serve a release: a statement signed by this installation, without which it does not."""

gate_changes = Table(
    "gate_changes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("endpoint", String(64), nullable=False, index=True),
    Column("gate", JSON(none_as_null=True)),
    Column("reason", Text, nullable=False),
    Column("author", String(100), nullable=False),
    Column("author_key", String(32), nullable=False),
    Column("created", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided", Float),
    Column("decided_by", String(100)),
)
"""Changes of a protected endpoint's gate, which take a second person; `gate` is null where protection would end."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Float, nullable=False),
)
"""Which process does a job that only one may do at a time, and until when the others leave it to that one."""
