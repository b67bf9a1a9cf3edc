"""The tables. Types are chosen so that SQLite and PostgreSQL hold the same: JSON, 64-bit integers, text."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

SLOW_US = 60_000_000
DEAR = 100_000
"""From how long, and from how many micro-USD, a call is rare enough to be found by an index of its own."""


def _where(name: str, condition: str, *columns: str) -> Index:
    """An index that holds only some of the rows."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


revision = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""One row: moved on, in the same transaction, by every change of what a snapshot is made of."""

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
)
"""`digest` and `hint` are of the newest secret. `owner` is null where it is the name, `rotated` until there is a second
secret."""

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

prompts = Table(
    "prompts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("messages", JSON, nullable=False),
    Column("variables", JSON, nullable=False),
    Column("created", Float, nullable=False),
    Column("author", String(100), nullable=False),
    UniqueConstraint("name", "digest"),
)

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

endpoints = Table(
    "endpoints",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("description", Text),
    Column("release", ForeignKey("releases.digest"), nullable=False),
    Column("updated", Float, nullable=False),
    Column("updated_by", String(100), nullable=False),
    Column("cache_ttl", Float),
)

endpoint_history = Table(
    "endpoint_history",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("endpoint", String(64), nullable=False, index=True),
    Column("release", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("reason", Text, nullable=False),
)

calls = Table(
    "calls",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("started", BigInteger, nullable=False, index=True),
    Column("surface", String(16), nullable=False),
    Column("status", Integer, nullable=False),
    Column("error", String(100)),
    Column("key_id", String(32)),
    Column("asked", String(200)),
    Column("endpoint", String(64)),
    Column("release", String(64)),
    Column("upstream", String(64)),
    Column("provider", String(32)),
    Column("served", Text),
    Column("stream", Boolean, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Column("total_us", BigInteger, nullable=False),
    Column("upstream_us", BigInteger, nullable=False),
    Column("first_us", BigInteger),
    Column("finish", String(64)),
    Column("client_request_id", String(128)),
    Column("trace_id", String(32)),
    Column("span_id", String(16)),
    Column("parent_id", String(16)),
    Column("snapshot", String(64), nullable=False),
    Column("owner", String(100)),
    Column("team", String(64)),
    Column("project", String(64)),
    Column("attempts", Text),
    Column("replayed", String(16)),
    Index("calls_by_asked", "asked", "started"),
    Index("calls_by_key", "key_id", "started"),
    Index("calls_by_upstream", "upstream", "started"),
    Index("calls_by_release", "release", "started"),
    _where("calls_by_surface", "surface <> 'chat'", "surface", "started"),
    _where("calls_by_finish", "finish <> 'stop'", "finish", "started"),
    _where("calls_by_owner", "owner IS NOT NULL", "owner", "started"),
    _where("calls_by_team", "team IS NOT NULL", "team", "started"),
    _where("calls_by_project", "project IS NOT NULL", "project", "started"),
    _where("calls_by_trace", "trace_id IS NOT NULL", "trace_id", "started"),
    _where("calls_by_client_request", "client_request_id IS NOT NULL", "client_request_id", "started"),
    _where("calls_failed", "error IS NOT NULL", "started"),
    _where("calls_by_error", "error IS NOT NULL", "error", "started"),
    _where("calls_by_status", "status >= 400", "status", "started"),
    _where("calls_slow", f"total_us >= {SLOW_US}", "started"),
    _where("calls_dear", f"cost >= {DEAR}", "started"),
)
"""One column for each field of `CallRecord`. `store.search` has an index for what it is asked that gives it newest
first. An index on all calls makes every call dearer; those on what most lack, or are not, hold only the others."""

spend = Table(
    "spend",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
)
"""What each key, project, team, endpoint and upstream took on each day (UTC, counted from 1970), written in the same
transaction as the calls, and kept when they go."""

shipped = Table(
    "shipped",
    metadata,
    Column("segment", String(128), primary_key=True),
    Column("offset", BigInteger, nullable=False),
)
"""How far each journal segment has come into `calls`, written in the same transaction as the calls."""

responses = Table(
    "responses",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("key_id", String(32), nullable=False),
    Column("created", Float, nullable=False),
    Column("status", String(16), nullable=False),
    Column("body", JSON, nullable=False),
    Column("turn", JSON, nullable=False),
    Column("previous", String(80)),
    Column("expires", Float, nullable=False, index=True),
    Index("responses_by_created", "created"),
)

contents = Table(
    "contents",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("started", BigInteger, nullable=False, index=True),
    Column("request", Text),
    Column("answer", Text),
    Column("redacted", JSON, nullable=False),
    Column("truncated", Boolean, nullable=False),
)
"""What was said in a call, where that is captured: JSON texts without what was taken out, and how often each kind was;
cut to a bound where truncated."""

retention_holds = Table(
    "retention_holds",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("key_id", String(32)),
    Column("project", String(64)),
    Column("endpoint", String(64)),
    Column("reason", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("lifted", Float),
    Column("lifted_by", String(100)),
)
"""Records that are kept whatever their age, for as long as the hold is not lifted."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Float, nullable=False),
)
"""Which process does a job that only one may do at a time, and until when the others leave it to that one."""
