"""Evals in OpenAI's form: what is graded and how, their runs, the rows of a run's data, and what came of each."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, Index, Integer, String, Table, Text

from gateway.store.tables.base import metadata

evals = Table(
    "evals",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("scope", String(100), nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("name", Text, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("config", JSON, nullable=False),
    Column("criteria", JSON, nullable=False),
    Index("evals_by_scope", "scope", "created"),
)
"""`scope` is whose it is: `project:web`, or `key:key_ab12` of a key without a project. `config` is the data source's,
as it was given; `criteria` are the graders."""

eval_runs = Table(
    "eval_runs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("eval", String(64), nullable=False),
    Column("key_id", String(32), nullable=False),
    Column("created", Float, nullable=False),
    Column("name", Text, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("source", JSON, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("error", JSON(none_as_null=True)),
    Column("total", Integer, nullable=False),
    Column("summary", JSON(none_as_null=True)),
    Index("eval_runs_by_eval", "eval", "created"),
)
"""`source` is the data source without its rows; `summary` is there once the run has ended."""

eval_rows = Table(
    "eval_rows",
    metadata,
    Column("run", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("item", JSON, nullable=False),
    Column("sample", JSON(none_as_null=True)),
)
"""What a run goes through, counted from 0."""

eval_items = Table(
    "eval_items",
    metadata,
    Column("run", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("created", Float, nullable=False),
    Column("status", String(16), nullable=False),
    Column("sample", JSON, nullable=False),
    Column("results", JSON, nullable=False),
    Column("usage", JSON, nullable=False),
)
"""What came of a row: `status` is pass, fail or error; `usage` is that of each model call."""
