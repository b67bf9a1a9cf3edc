"""What was said before, as rows of a run: recorded calls whose content is captured, and stored responses."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection

from gateway.errors import BadRequest
from gateway.evals.requests import MOST_ROWS, FileContent, StoredCompletions, StoredResponses
from gateway.store import evals as store
from gateway.store.evals import DataRow
from gateway.types import Json, Principal

FIRST = 100
"""Recorded calls taken where no limit is given."""


def rows(
    connection: Connection, source: FileContent | StoredCompletions | StoredResponses, who: Principal
) -> list[DataRow]:
    """In their order, the earliest first. Raises `BadRequest` where there are none."""
    match source:
        case FileContent():
            return [DataRow(number, row.item, row.sample) for number, row in enumerate(source.content)]
        case StoredCompletions():
            found = _completions(connection, source, who)
            hint = "Content is kept where the setting `content` says so"
        case StoredResponses():
            found = _responses(connection, source, who)
            hint = "A response is kept where it was made with store: true, for the key that made it"
    if not found:
        message = f"Nothing that was recorded fits. {hint}."
        raise BadRequest(message, param="data_source.source", code="no_rows")
    return [DataRow(number, item, sample) for number, (item, sample) in enumerate(found)]


def _completions(connection: Connection, source: StoredCompletions, who: Principal) -> list[tuple[Json, Json]]:
    found: list[tuple[Json, Json]] = []
    most = source.limit or FIRST
    span = (source.created_after, source.created_before)
    for asked, answered in store.said(connection, who.key_id, who.project, span, source.model):
        request, answer = _parsed(asked), _parsed(answered)
        choices = answer.get("choices")
        if not isinstance(request.get("messages"), list) or not choices or not _fits(request, source.metadata):
            continue
        found.append((_item(request["messages"], request), _answered(choices[0], answer)))
        if len(found) == most:
            break
    return found[::-1]


def _responses(connection: Connection, source: StoredResponses, who: Principal) -> list[tuple[Json, Json]]:
    span = (source.created_after, source.created_before)
    found = []
    for body, turn in store.answered(connection, who.key_id, span):
        if (source.model in (None, body.get("model"))) and _fits(body, source.metadata) and len(turn) > 1:
            said = {"message": turn[-1], "finish_reason": "stop"}
            found.append((_item(turn[:-1], body), _answered(said, body)))
    return found[:MOST_ROWS][::-1]


def _fits(body: Json, wanted: Any) -> bool:
    held = body.get("metadata") or {}
    return all(held.get(name) == value for name, value in (wanted or {}).items())


def _item(messages: list[Json], body: Json) -> Json:
    return {"input": messages, "metadata": body.get("metadata") or {}}


def _answered(choice: Json, body: Json) -> Json:
    message = choice.get("message") or {}
    content = message.get("content")
    text = content if isinstance(content, str) else ""
    tools = message.get("tool_calls") or []
    finish = choice.get("finish_reason") or ""
    return {"output_text": text, "output_tools": tools, "finish_reason": finish, "model": str(body.get("model") or "")}


def _parsed(text: str) -> Json:
    """Empty for what was cut."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
