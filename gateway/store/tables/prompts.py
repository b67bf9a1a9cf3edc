"""Prompts: versions, branches, labels, comments."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from gateway.store.tables.base import metadata, serial

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
    Column("parameters", JSON(none_as_null=True)),
    Column("tools", JSON(none_as_null=True)),
    Column("response_format", JSON(none_as_null=True)),
    Column("partials", JSON(none_as_null=True)),
    Column("branch", String(64), nullable=False, server_default="main"),
    Column("parent", Integer),
    Column("merged", Integer),
    Column("message", Text, nullable=False, server_default=""),
    UniqueConstraint("name", "digest"),
)
"""Versions. `parent` is the version it was made from, `merged` the head of the branch that was merged into it;
`partials` maps the names of included prompts to the numbers they are pinned to."""

prompt_branches = Table(
    "prompt_branches",
    metadata,
    Column("prompt", String(64), primary_key=True),
    Column("branch", String(64), primary_key=True),
    Column("base", Integer, nullable=False),
    Column("head", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("closed", Float),
)
"""`base` is the version a branch was forked from, for `main` its first; `head` the version it is at. Before its first
row `main` is at its newest version."""

prompt_labels = Table(
    "prompt_labels",
    metadata,
    Column("prompt", String(64), primary_key=True),
    Column("label", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
)

prompt_label_history = Table(
    "prompt_label_history",
    metadata,
    serial(),
    Column("prompt", String(64), nullable=False),
    Column("label", String(64), nullable=False),
    Column("before", Integer),
    Column("after", Integer),
    Column("at", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", JSON(none_as_null=True)),
    Index("prompt_label_history_by_prompt", "prompt", "label"),
)
"""`before` and `after` are null where there was no such label, or is none any more."""

protected_labels = Table(
    "protected_labels",
    metadata,
    Column("label", String(64), primary_key=True),
    Column("by", String(100), nullable=False),
    Column("at", Float, nullable=False),
)
"""Beside `production`, which always is."""

prompt_comments = Table(
    "prompt_comments",
    metadata,
    serial(),
    Column("prompt", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("body", Text, nullable=False),
    Index("prompt_comments_by_prompt", "prompt", "number"),
)

prompt_aliases = Table(
    "prompt_aliases",
    metadata,
    Column("alias", String(128), primary_key=True),
    Column("prompt", String(64), nullable=False),
)
"""Ids that prompts had elsewhere, as `pmpt_…`."""
