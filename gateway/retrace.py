"""A call traced back to the prompt that served it, to mend the prompt from it.

The record names the release, which says everything but the words. Those are known as far as contents are captured, and
redacted as they are. What was sent to the upstream is made anew, by the same code, from the same release and what the
client sent; whatever cannot be is said, and left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from gateway.errors import GatewayError, NotFound
from gateway.prompts.render import CompiledPrompt
from gateway.record import CallRecord
from gateway.releases.resolve import LiveRelease
from gateway.store import catalogue, contents, feedback
from gateway.store.contents import Content
from gateway.store.feedback import Feedback
from gateway.store.search import Filter, page
from gateway.types import Json, Release
from gateway.wire.chat import Chat
from gateway.wire.messages import Messages
from gateway.wire.responses import Responses
from gateway.wire.surface import Surface

MOST_SAID = 100
SURFACES: dict[str, Surface] = {surface.name: surface for surface in (Chat(), Messages(), Responses())}
"""Those that serve prompts."""
TEXTS = ("content", "output_text", "text")
"""Where words stand in a reply, of any of the APIs; in one of events, at the end of their place."""


@dataclass(frozen=True, slots=True)
class Retraced:
    """`variables` are those the client gave, `messages` what the upstream was sent, `answer` the words of its reply;
    None where they are not known, and `missing` says why. `said` is the feedback on the call."""

    record: CallRecord
    release: Release | None
    variables: Json | None
    messages: list[Json] | None
    answer: str | None
    said: tuple[Feedback, ...]
    missing: tuple[str, ...]


def retrace(connection: Connection, call_id: str) -> Retraced:
    """Raises `NotFound` where there is no record of the call."""
    found = page(connection, Filter(limit=1, id=call_id)).records
    if not found:
        raise NotFound(f"There is no record of {call_id[:80]!r} (yet).", param="request_id")
    record = found[0]
    release = catalogue.find_release(connection, record.release) if record.release is not None else None
    content = contents.get(connection, call_id)
    said = tuple(feedback.find(connection, feedback.Filter(call=call_id), MOST_SAID))
    missing: list[str] = []
    variables, messages = _sent(record, release, content, missing)
    return Retraced(record, release, variables, messages, _answer(content, missing), said, tuple(missing))


def _sent(
    record: CallRecord, release: Release | None, content: Content | None, missing: list[str]
) -> tuple[Json | None, list[Json] | None]:
    """The client's variables, and the messages made of them."""
    if content is None:
        missing.append("What was said in this call is not kept: see the setting `content`.")
        return None, None
    surface, body = SURFACES.get(record.surface), _whole(content.request)
    if surface is None or not isinstance(body, dict):
        missing.append("What the client sent is cut, or has no messages.")
        return None, None
    try:
        call = surface.read(body)
        variables = call.prompt.variables if call.prompt is not None else {}
        if release is not None:
            prompt = CompiledPrompt.compile(release.prompt) if release.prompt is not None else None
            LiveRelease.of(release, prompt).apply(call, surface.operation)
    except GatewayError as error:
        missing.append(f"What was sent cannot be made anew, perhaps for what was redacted: {error.message}")
        return None, None
    if call.previous is not None:
        missing.append(f"The turns before this one are not shown: it goes on from {call.previous!r}.")
    return variables, call.body["messages"]


def _answer(content: Content | None, missing: list[str]) -> str | None:
    if content is None:
        return None
    reply = _whole(content.answer)
    if reply is None:
        missing.append("What was answered is cut, or was too large to be kept.")
        return None
    return "\n".join(_words(reply))


def _whole(text: str | None) -> Any:
    """None where there is none, or it was cut."""
    try:
        return orjson.loads(text or "null")
    except orjson.JSONDecodeError:
        return None


def _words(reply: Any) -> Iterator[str]:
    if isinstance(reply, list):
        for part in reply:
            yield from _words(part)
    elif isinstance(reply, dict):
        for name, held in reply.items():
            if isinstance(held, str) and name.rpartition(".")[2] in TEXTS:
                yield held
            else:
                yield from _words(held)
