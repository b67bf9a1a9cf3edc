"""Records of calls, and what is kept with them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from gateway.store.tables.base import metadata, where

SLOW_US = 60_000_000
DEAR = 100_000
"""From how long, and from how many micro-USD, a call is rare enough to be found by an index of its own."""

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
    Column("rollout", String(32)),
    Column("arm", String(16)),
    Column("step", Integer),
    Column("unit", String(32)),
    Column("pair", String(64)),
    Column("guards", Text),
    Column("review", String(16)),
    Index("calls_by_asked", "asked", "started"),
    Index("calls_by_key", "key_id", "started"),
    Index("calls_by_upstream", "upstream", "started"),
    Index("calls_by_release", "release", "started"),
    where("calls_by_surface", "surface <> 'chat'", "surface", "started"),
    where("calls_by_finish", "finish <> 'stop'", "finish", "started"),
    where("calls_by_owner", "owner IS NOT NULL", "owner", "started"),
    where("calls_by_team", "team IS NOT NULL", "team", "started"),
    where("calls_by_project", "project IS NOT NULL", "project", "started"),
    where("calls_by_trace", "trace_id IS NOT NULL", "trace_id", "started"),
    where("calls_by_client_request", "client_request_id IS NOT NULL", "client_request_id", "started"),
    where("calls_by_rollout", "rollout IS NOT NULL", "rollout", "started"),
    where("calls_by_pair", "pair IS NOT NULL", "pair", "started"),
    where("calls_failed", "error IS NOT NULL", "started"),
    where("calls_by_error", "error IS NOT NULL", "error", "started"),
    where("calls_by_status", "status >= 400", "status", "started"),
    where("calls_slow", f"total_us >= {SLOW_US}", "started"),
    where("calls_for_review", "review IS NOT NULL", "started"),
    where("calls_by_review", "review IS NOT NULL", "review", "started"),
    where("calls_dear", f"cost >= {DEAR}", "started"),
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
"""What each key, project, team, endpoint and upstream took, and the shadow of each rollout, on each day (UTC, counted
from 1970), written in the same transaction as the calls, and kept when they go."""

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
    Column("call", String(64)),
    Index("responses_by_created", "created"),
)
"""Stored responses; `call` is what made each, unknown of those that earlier versions stored."""

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
