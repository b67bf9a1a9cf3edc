"""What a gateway and a scoring server say to each other, in JSON over HTTP, and within which bounds.

`POST /score` takes `Scoring` and gives `Scored`, `POST /embed` takes `Embedding` and gives `Embedded`; what is refused
is a status from 400 on and `Refused`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Annotated

from msgspec import Meta, Struct

from guardrails.errors import Cause
from guardrails.guard import Window

MOST_BYTES = 2**20
"""Of a request."""
MOST_ROWS = 256
"""Of a request."""
MOST_ANSWERED = 2**24
"""Bytes of an answer: some 2,700 windows for the longest text, and embeddings of 384 numbers for as many rows as may be
asked about."""

Row = Annotated[list[str], Meta(min_length=1, max_length=2)]
Score = Annotated[float, Meta(ge=0, le=1)]
Place = Annotated[int, Meta(ge=0)]


class Asking(Struct, forbid_unknown_fields=True, kw_only=True):
    """`digest` is the beginning of the SHA-256 of the manifest that the model has to have; empty for any."""

    model: Annotated[str, Meta(max_length=200)]
    digest: Annotated[str, Meta(max_length=64)] = ""


class Scoring(Asking):
    rows: Annotated[list[Row], Meta(min_length=1, max_length=MOST_ROWS)]


class Embedding(Asking):
    texts: Annotated[list[str], Meta(min_length=1, max_length=MOST_ROWS)]


class Scored(Struct):
    """For each row its windows, each as `[start, end, [score, …]]`."""

    digest: str
    rows: list[list[tuple[Place, Place, tuple[Score, ...]]]]


class Embedded(Struct):
    digest: str
    vectors: list[list[float]]


class Fault(Struct):
    """`code` is for machines; `message` and `cause` are those of `NotRun`."""

    code: str
    message: str
    cause: Cause = "failed"


class Refused(Struct):
    error: Fault


class Garbage(ValueError):
    """An answer that cannot be one."""


def windows(scored: Scored, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
    """What was answered about `rows`. Raises `Garbage` unless the windows of each row cover its last text."""
    if len(scored.rows) != len(rows):
        raise Garbage(f"{len(scored.rows)} rows for {len(rows)}")
    found = []
    for told, row in zip(scored.rows, rows, strict=True):
        reached = 0
        for start, end, scores in told:
            if not (start <= reached <= end and scores):
                raise Garbage("windows that leave something out")
            reached = end
        if not told or reached != len(row[-1]):
            raise Garbage("windows that are not those of the text")
        found.append(tuple(Window(*window) for window in told))
    if len({len(window.scores) for told in found for window in told}) > 1:
        raise Garbage("windows with different labels")
    return found


def vectors(embedded: Embedded, count: int) -> list[list[float]]:
    """Raises `Garbage` unless they are `count` unit vectors of one size."""
    found = embedded.vectors
    if len(found) != count or len({len(vector) for vector in found}) != 1:
        raise Garbage(f"{len(found)} vectors for {count} texts")
    for vector in found:
        length = sum(number * number for number in vector)
        if not (isfinite(length) and abs(length - 1) < 0.01):
            raise Garbage("vectors that are no unit vectors")
    return found


def readable(text: str) -> str:
    """The text as it can be sent: a lone surrogate is no text, and becomes `?`, as it does before a model reads it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
