"""What guards judged in a call, at the places that its record names: as far as contents are kept, and redacted as they
are.

The texts of a request are found by the code that gave them to the guards, from the same release and what the client
sent. Of an answer only what the client got is kept: what was blocked of it is nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from sqlalchemy import Connection

from gateway.errors import GatewayError
from gateway.guarding.passages import passages
from gateway.guarding.review import MARKS
from gateway.prompts.render import CompiledPrompt
from gateway.record import CallRecord
from gateway.releases.policies import in_force
from gateway.releases.resolve import LiveRelease
from gateway.store import catalogue, contents, policies
from gateway.store.contents import Content
from gateway.types import Json
from gateway.wire.chat import Chat
from gateway.wire.completions import Completions
from gateway.wire.embeddings import Embeddings
from gateway.wire.messages import Messages
from gateway.wire.responses import Responses
from gateway.wire.surface import Surface

SURFACES: Mapping[str, Surface] = {
    surface.name: surface for surface in (Chat(), Completions(), Embeddings(), Messages(), Responses())
}
NOT_KEPT = "What was said in this call is not kept: see the setting `content`. Give the text that was judged."
CUT = "What was said in this call is cut, or was too large to be kept. Give the text that was judged."
NOT_THERE = "What was judged is not in what is kept of this call. Give the text that was judged."
BLOCKED_ANSWER = "What was blocked of an answer is not kept. Give the text that was judged."
ANSWERED = ("output", "tool_calls")


@dataclass(frozen=True, slots=True)
class Judged:
    """One entry of a record's `guards`, and the text that it is about; None where that is not known, and `missing` says
    why. `redacted`: it is not what the guard saw, since something was taken out of it before it was kept."""

    entry: Json
    text: str | None
    missing: str | None = None
    redacted: bool = False


def entries(record: CallRecord) -> list[Json]:
    """What every guard did, as it is recorded."""
    told: list[Json] = orjson.loads(record.guards or "[]")
    return told


def causes(record: CallRecord) -> list[Json]:
    """The entries for which a person is to look at it. Few calls have none though they are marked: those in which a
    guard was near at one place, and at another did not run, which is what is told of it."""
    return [entry for entry in entries(record) if (entry.get("would") or entry["action"]) in MARKS or "near" in entry]


def said_in(connection: Connection, record: CallRecord) -> Content | None:
    """What is kept of it. A shadow was asked what the call that it is the twin of was; its answer is nowhere."""
    content = contents.get(connection, record.id)
    if content is not None or record.pair is None:
        return content
    twin = contents.get(connection, record.pair)
    return msgspec.structs.replace(twin, answer=None) if twin is not None else None


def judged(connection: Connection, record: CallRecord, told: list[Json]) -> list[Judged]:
    """The texts of these entries of its record."""
    content = said_in(connection, record)
    if content is None:
        return [Judged(entry, None, NOT_KEPT) for entry in told]
    asked, why = _asked(connection, record, content)
    answered = _answered(content)
    found = []
    for entry in told:
        if entry["stage"] in ANSWERED:
            text, missing = answered.get(entry["source"]), BLOCKED_ANSWER if entry["action"] == "block" else NOT_THERE
        else:
            text, missing = asked.get(entry["source"]), why or NOT_THERE
        redacted = text is not None and any(f"[{kind}]" in text for kind in content.redacted)
        found.append(Judged(entry, text, missing if text is None else None, redacted))
    return found


def _asked(connection: Connection, record: CallRecord, content: Content) -> tuple[dict[str, str], str | None]:
    """The texts of the request by their places; and why they are not known."""
    surface, body = SURFACES.get(record.surface), _whole(content.request)
    if surface is None or not isinstance(body, dict):
        return {}, CUT
    release = catalogue.find_release(connection, record.release) if record.release is not None else None
    if release is None or release.policy is None:
        return {}, NOT_THERE
    try:
        policy = in_force(release.policy, policies.find(connection, {release.policy}))
        call = surface.read(body)
        prompt = CompiledPrompt.compile(release.prompt) if release.prompt is not None else None
        if call.previous is not None:
            return {}, NOT_THERE  # the turns before it are not its own
        live = LiveRelease.of(release, prompt)
        live.apply(call, surface.operation)
        placed = passages(call, surface.operation, live, policy.context)
    except GatewayError:
        return {}, NOT_THERE
    return {one.passage.source: one.passage.text for one in placed}, None


def _answered(content: Content) -> dict[str, str]:
    """The texts of a reply of chat completions or completions by the places that guards name; of a stream they are kept
    put together."""
    reply = _whole(content.answer)
    if not isinstance(reply, dict):
        return {}
    if "choices" not in reply:
        return dict(_of_events(reply))
    return dict(_of_choices(reply["choices"]))


def _of_choices(choices: Any) -> Iterator[tuple[str, str]]:
    for number, choice in enumerate(_sequence(choices)):
        message = _mapping(_mapping(choice).get("message"))
        for name in ("content", "refusal", "reasoning_content", "reasoning"):
            if isinstance(message.get(name), str):
                yield f"choices.{number}.message.{name}", message[name]
        if isinstance(_mapping(choice).get("text"), str):
            yield f"choices.{number}.text", choice["text"]
        for place, call in enumerate(_sequence(message.get("tool_calls"))):
            arguments = _mapping(_mapping(call).get("function")).get("arguments")
            if isinstance(arguments, str):
                yield f"choices.{number}.tool_calls.{place}", arguments


def _of_events(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for place, text in said.items():
        if isinstance(text, str) and (of := re.fullmatch(r"(choices\.\d+)\.(\w+)", place)):
            yield (place if of[2] == "text" else f"{of[1]}.delta.{of[2]}"), text
        elif isinstance(text, str) and place.endswith(".arguments"):
            yield place.removesuffix(".arguments"), text


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _whole(text: str | None) -> Any:
    """None where there is none, or it was cut."""
    try:
        return orjson.loads(text or "null")
    except orjson.JSONDecodeError:
        return None
