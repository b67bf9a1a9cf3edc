"""A log of Inspect as it lies on a disk: one JSON file (`.json`), or a ZIP of them (`.eval`), whole or cut off."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import BadInput
from evals.importers.base import slug
from evals.importers.zipped import opened
from evals.sample import Json

ATTACHMENT = "attachment://"
HEADS = ("header.json", "_journal/start.json")
"""The first is written when an eval ends; the second, without results and status, when it begins."""


@dataclass(frozen=True, slots=True)
class Log:
    """`samples` are without their events, which are most of a log; `tools` are those that a model was first given for
    the sample, in OpenAI's form. Texts that a sample keeps apart stand where they belong."""

    name: str
    head: Json
    samples: list[Json]

    @property
    def status(self) -> str:
        return str(self.head.get("status") or "started")

    def by_id(self) -> dict[str, Json]:
        """Samples, each once however many epochs there were."""
        found: dict[str, Json] = {}
        for one in self.samples:
            found.setdefault(str(one["id"]), one)
        return found


def read(path: Path) -> Log:
    """Raises `BadInput` for what is no log, and for one without its samples."""
    try:
        head, samples = _zipped(path) if zipfile.is_zipfile(path) else _plain(path)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}.", file=str(path)) from error
    except ValueError as error:
        raise BadInput(f"is no log of Inspect: {error}.", file=str(path)) from error
    if not isinstance(head, dict) or not isinstance(head.get("eval"), dict):
        raise BadInput("is no log of Inspect: it does not say which eval it is of.", file=str(path))
    if not samples:
        raise BadInput("holds no samples: only its head was kept.", file=str(path))
    return Log(slug(str(head["eval"].get("task") or path.stem)), head, samples)


def _plain(path: Path) -> tuple[Any, list[Json]]:
    head = json.loads(path.read_bytes())
    held = head.pop("samples", None) if isinstance(head, dict) else None
    return head, [_kept(one) for one in held or [] if _is_sample(one)]


def _zipped(path: Path) -> tuple[Any, list[Json]]:
    with opened(path) as held:
        head = next((name for name in HEADS if name in held.names), None)
        if head is None:
            raise ValueError(f"it has no {HEADS[0]}")
        names = [name for name in held.names if name.startswith("samples/") and name.endswith(".json")]
        read = (json.loads(held.read(name)) for name in names)
        return json.loads(held.read(head)), [_kept(one) for one in read if _is_sample(one)]


def _is_sample(one: Any) -> bool:
    return isinstance(one, dict) and "id" in one


def _kept(one: Json) -> Json:
    events = one.pop("events", None) or []
    one.pop("events_data", None)
    attached = one.pop("attachments", None) or {}
    given = next((event.get("tools") for event in events if event.get("event") == "model"), None) or []
    tools = [{"type": "function", "function": _described(tool)} for tool in given if isinstance(tool, dict)]
    found: Json = _resolved({**one, "tools": tools}, attached) if attached else {**one, "tools": tools}
    return found


def _described(tool: Json) -> Json:
    return {key: tool[key] for key in ("name", "description", "parameters") if tool.get(key) is not None}


def _resolved(value: Any, attached: Json) -> Any:
    if isinstance(value, str) and value.startswith(ATTACHMENT):
        return attached.get(value.removeprefix(ATTACHMENT), value)
    if isinstance(value, list):
        return [_resolved(one, attached) for one in value]
    if isinstance(value, dict):
        return {key: _resolved(one, attached) for key, one in value.items()}
    return value


def before_the_answer(one: Json) -> list[Json]:
    """The messages that a model was first asked with: the sample's own, and what solvers made of them and added. Empty
    where the log keeps none."""
    return list(_until_generated(one.get("messages") or [], _own(one)))


def _own(one: Json) -> int:
    return len(one["input"]) if isinstance(one.get("input"), list) else 1


def _until_generated(messages: list[Json], own: int) -> Iterator[Json]:
    """An answer of a log that does not say where its messages come from is one that is not among the sample's own."""
    for at, message in enumerate(messages):
        source = message.get("source")
        if message.get("role") == "assistant" and (source == "generate" or (source is None and at >= own)):
            return
        yield message
