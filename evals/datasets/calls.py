"""Recorded calls of a gateway, as samples: what people asked, and what they were answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field

from evals.datasets.base import DatasetSpec
from evals.datasets.row import Row
from evals.errors import BadInput
from evals.gateway import Gateway
from evals.sample import Json, text_of

PAGE = 500
"""Calls that are asked for at once."""
MOST_PAGES = 10_000
"""A query that finds nothing in so many pages is given up."""
DEFAULT = 1_000
MOST = 100_000
KEPT = ("endpoint", "release", "upstream", "served", "finish", "status", "owner", "team", "project", "key_id")
"""Of a call's record, as columns."""


class Calls(DatasetSpec):
    """The newest calls, at most `limit` (1,000 without one), whose content was kept whole: see the setting `content`.
    They are of one API, `surface`; `endpoint`, `since` and `until` narrow, and in `where` any filter of `GET
    /admin/calls`, as `{release: …, key: …}`; without another `status` only calls that went well. The gateway is at
    SLUICE_URL, the key of an editor in SLUICE_KEY.

    Columns: `id`, `messages`, `tools`, `variables`, `answer`, `started` (ISO 8601), and of the record `endpoint`,
    `release`, `upstream`, `served`, `finish`, `status`, `owner`, `team`, `project`, `key_id`. So `fields: {expected:
    answer, cluster: key_id}` compares with what was answered then. The dataset is what was found: as calls come and go
    its digest changes, and what is to stand in a gate is written to a file first."""

    about: ClassVar[str] = "recorded calls of a gateway, with what was said in them"
    kind: Literal["calls"] = "calls"
    endpoint: str | None = None
    since: str | None = None
    until: str | None = None
    where: Mapping[str, str | bool | float] = Field(default_factory=dict)
    surface: Literal["chat", "completions", "messages", "responses"] = "chat"

    def rows(self, folder: Path) -> Iterator[Row]:
        most = min(self.limit or DEFAULT, MOST)
        found = looked = 0
        with Gateway() as gateway:
            for record in self._records(gateway):
                looked += 1
                content = gateway.content(record["id"])
                row = None if content is None else row_of(record, content)
                if row is not None:
                    found += 1
                    yield row
                if found == most:
                    return
        if looked and not found:
            message = f"{looked} calls were found, and the content of none was kept: see the setting content.capture."
            raise BadInput(message)

    def _records(self, gateway: Gateway) -> Iterator[Json]:
        named = {"endpoint": self.endpoint, "since": self.since, "until": self.until}
        asked: dict[str, Any] = {"status": "2xx", "surface": self.surface, "limit": PAGE}
        asked |= {name: value for name, value in named.items() if value is not None}
        asked |= {name: _query(value) for name, value in self.where.items()}
        for _ in range(MOST_PAGES):
            page = gateway.calls(asked)
            yield from (record for record in page["data"] if self._asked_by_people(record))
            if page["next"] is None:
                return
            asked["after"] = page["next"]

    def _asked_by_people(self, record: Json) -> bool:
        """Not the shadow of another call, unless it is those that are asked for."""
        return record.get("pair") is None or not self.where.keys().isdisjoint(("arm", "pair"))


def _query(value: str | bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else value


def row_of(record: Json, content: Json) -> Row | None:
    """None where the content is not whole, or asks nothing."""
    asked = _parsed(content["request"])
    if content["truncated"] or not isinstance(asked, dict):
        return None
    messages = _messages(asked)
    prompt = asked.get("prompt")
    variables = prompt.get("variables") if isinstance(prompt, dict) else None
    if not messages and not variables:
        return None
    value: Json = {
        "id": record["id"],
        "messages": messages,
        "tools": asked.get("tools") or None,
        "variables": variables,
        "answer": _answer(_parsed(content["answer"])),
        "started": _moment(record["started"]),
        **{name: record.get(name) for name in KEPT},
    }
    return Row(f"the call {record['id']}", value)


def _messages(asked: Json) -> list[Json]:
    """Of any of the APIs: chat completions and messages have them; completions and responses a text, or a list."""
    system = asked.get("system") or asked.get("instructions")
    begun = [{"role": "system", "content": system}] if system else []
    given = asked.get("messages") or asked.get("input") or asked.get("prompt")
    if isinstance(given, str):
        return [*begun, {"role": "user", "content": given}]
    if isinstance(given, list) and all(isinstance(one, dict) and isinstance(one.get("role"), str) for one in given):
        return [*begun, *given]
    return []


def _answer(said: Any) -> str | None:
    """The text of an answer: of a stream, whose texts come by place, or of a body of any of the APIs."""
    if not isinstance(said, dict):
        return None
    for place, text in said.items():
        if isinstance(text, str) and place.endswith((".content", ".text", ".output_text")):
            return text
    choice = next(iter(said.get("choices") or ()), None)
    if isinstance(choice, dict):
        message = choice.get("message")
        return text_of(message) if isinstance(message, dict) else str(choice.get("text") or "")
    blocks = said.get("content") or [
        part for item in said.get("output") or () if isinstance(item, dict) for part in item.get("content") or ()
    ]
    return text_of({"content": blocks}) or None


def _parsed(text: str | None) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None


def _moment(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds")
