"""What is told of guards: in the record, in a header field, and at the end of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from gateway.guarding.review import near
from guardrails.verdict import ACTIONS, Verdict

MOST = 64
"""Verdicts told of one call; those that did the most come first."""


def told(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """One entry for each guard and stage: the worst of its verdicts, and the time of the longest, without a word of
    what was said."""
    worst: dict[tuple[str, str], Verdict] = {}
    spent: dict[tuple[str, str], float] = {}
    for verdict in verdicts:
        key = (verdict.stage, verdict.guard)
        spent[key] = max(spent.get(key, 0.0), verdict.milliseconds)
        if key not in worst or _weight(verdict) > _weight(worst[key]):
            worst[key] = verdict
    listed = sorted(worst.items(), key=lambda pair: -ACTIONS.index(pair[1].action))[:MOST]
    return [_entry(verdict, spent[key]) for key, verdict in listed]


def as_json(verdicts: Sequence[Verdict]) -> str:
    return orjson.dumps(told(verdicts)).decode()


def header(verdicts: Sequence[Verdict]) -> bytes:
    """A header line, ended by CRLF; empty where nothing was judged."""
    if not verdicts:
        return b""
    return b"x-sluice-guards: %b\r\n" % json.dumps(told(verdicts), separators=(",", ":")).encode("ascii")


def _weight(verdict: Verdict) -> tuple[int, bool, float]:
    return ACTIONS.index(verdict.would or verdict.action), verdict.not_run is not None, verdict.score or 0.0


def _entry(verdict: Verdict, spent: float) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "guard": verdict.guard,
        "stage": verdict.stage,
        "action": verdict.action,
        "source": verdict.source,
        "ms": round(spent, 2),
    }
    if verdict.not_run is None:
        entry["score"] = round(verdict.score or 0.0, 4)
    else:
        entry["not_run"] = verdict.not_run
    if near(verdict):
        entry["near"] = True
    if verdict.would is not None:
        entry["would"] = verdict.would
    if verdict.allowed_by is not None:
        entry["allowed_by"] = verdict.allowed_by
    return entry
