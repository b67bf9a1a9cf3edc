"""Prompts and their versions."""

from __future__ import annotations

from msgspec import Struct

from gateway.types import Json


class FoundPrompt(Struct, frozen=True):
    """A prompt with the version `main` is at."""

    name: str
    version: int
    digest: str
    versions: int
    message: str
    author: str
    created: float
    labels: dict[str, int]


class VersionEntry(Struct, frozen=True):
    version: int
    digest: str
    branch: str
    parent: int | None
    merged: int | None
    message: str
    author: str
    created: float


class Branch(Struct, frozen=True):
    """`base` is the version it was forked from, `head` the one it is at; `closed` is when it was merged."""

    name: str
    base: int
    head: int
    created: float
    created_by: str
    closed: float | None


class PromptHistory(Struct, frozen=True):
    """A prompt's versions, newest first, its branches and its labels."""

    name: str
    labels: dict[str, int]
    branches: tuple[Branch, ...]
    versions: tuple[VersionEntry, ...]


class Comparison(Struct, frozen=True):
    """What a version changes against the live and the last good one, in words, `tokens` and cost."""

    name: str
    upstream: str | None
    candidate: int
    live: int | None
    good: int | None
    tokens: dict[str, int]
    against_live: Json | None
    against_good: Json | None


class Label(Struct, frozen=True):
    label: str
    version: int
    protected: bool


class LabelMove(Struct, frozen=True):
    """`before` and `after` are the versions a label pointed at; None where it did not exist."""

    label: str
    before: int | None
    after: int | None
    at: float
    by: str
    reason: str
    evidence: tuple[str, ...]


class Labels(Struct, frozen=True):
    data: tuple[Label, ...]
    history: tuple[LabelMove, ...]


class Comment(Struct, frozen=True):
    id: int
    version: int
    at: float
    by: str
    body: str


class ProtectedLabel(Struct, frozen=True):
    """`by` and `at` are None for `production`, which always is."""

    label: str
    by: str | None
    at: float | None
