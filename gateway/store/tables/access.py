"""Who may do what, and how much of it."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, String, Table, Text

from gateway.store.tables.base import metadata

keys = Table(
    "keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("hint", String(8), nullable=False),
    Column("roles", JSON, nullable=False),
    Column("endpoints", JSON(none_as_null=True)),
    Column("upstreams", JSON(none_as_null=True)),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("revoked", Float),
    Column("owner", String(100)),
    Column("project", String(64)),
    Column("rotated", Float),
    Column("created_by", String(100)),
    Column("makers", JSON(none_as_null=True)),
)
"""`digest` and `hint` are of the newest secret. `owner` is null where it is the name, `rotated` until there is a second
secret, `created_by` where nobody noted who minted it, `makers` where nobody noted more than that."""

key_secrets = Table(
    "key_secrets",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("key_id", ForeignKey("keys.id"), nullable=False, index=True),
    Column("hint", String(8), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
)
"""The secrets a key had before its newest one, and until when each still opens."""

teams = Table(
    "teams",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("description", Text),
    Column("created", Float, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("team", ForeignKey("teams.name"), nullable=False),
    Column("created", Float, nullable=False),
)

allowances = Table(
    "allowances",
    metadata,
    Column("scope", String(100), primary_key=True),
    Column("requests_per_minute", BigInteger),
    Column("tokens_per_minute", BigInteger),
    Column("concurrent", BigInteger),
    Column("budget", BigInteger),
    Column("budget_period", String(8), nullable=False),
    Column("updated", Float, nullable=False),
    Column("updated_by", String(100), nullable=False),
)
"""`scope` is the kind and the name of whose it is, as `team:search`; `budget` is in micro-USD."""
