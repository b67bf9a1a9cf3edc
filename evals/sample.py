"""What an eval is made of: a sample is asked of a target, whose output is scored.

The nouns are Inspect AI's; what it calls a sample's target, the ideal answer, is called `expected` here, as *target* is
what is asked. All are frozen, and JSON on the wire and on disk by msgspec.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

Json = dict[str, Any]

MICRO = 1_000_000
"""Micro-USD in a dollar, and the unit of all costs."""


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question. `messages` are chat messages in OpenAI's form; `expected` is any JSON value that scorers compare
    with; `documents` are texts that the answer is to stand on, and `variables` fill the prompt of a release.

    `cluster` names what this sample shares with others (a conversation, a document, a customer), which makes them less
    than independent; `slices` are parts of the dataset that are looked at by themselves, by name. What a dataset holds
    besides is in `metadata`."""

    id: str
    messages: tuple[Json, ...] = ()
    expected: Any = None
    documents: tuple[str, ...] = ()
    variables: Json = {}
    tools: tuple[Json, ...] = ()
    cluster: str | None = None
    slices: Mapping[str, str] = {}
    metadata: Json = {}

    @property
    def question(self) -> str:
        """The text of the last message of the user; empty where there is none."""
        return next((text_of(message) for message in reversed(self.messages) if message.get("role") == "user"), "")


class ToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """`arguments` is the parsed object, or the text that is none."""

    name: str
    arguments: Any = None
    id: str = ""


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of all calls that went into an output. `cost` is in micro-USD; None where prices are not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: int | None = None

    def __add__(self, other: Usage) -> Usage:
        cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens, cost)


class Output(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a target made of a sample. `text` is the last answer; `messages` are all that came after the sample's own,
    the target's, a simulated user's and the results of tools, in order: the trajectory.

    `seconds` from the question to the end of the answer, `first_token` to its first token where it was streamed.
    `release` is the digest of the release that answered, where the target is a gateway; `reply` the id of the reply.
    `reused` says that a cache somewhere on the way gave the answer. `at` is the Unix time at which it came, which a
    kept answer keeps; 0 where that is not known. `guards` are the verdicts that a gateway tells of its guards."""

    text: str = ""
    messages: tuple[Json, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    finish: str | None = None
    model: str | None = None
    release: str | None = None
    reply: str | None = None
    usage: Usage = Usage(cost=0)
    seconds: float = 0.0
    first_token: float | None = None
    reused: bool = False
    at: float = 0.0
    guards: tuple[Json, ...] = ()


class Score(msgspec.Struct, frozen=True, omit_defaults=True):
    """`value` is what is averaged: for right and wrong 1.0 and 0.0. None says that there is none, and `reason` why: it
    is not the same as 0. `answer` is what was taken for the answer, and `probability` (from 0 to 1) how sure of it the
    target was, where a scorer reads them. `details` are for people and reports."""

    value: float | None
    reason: str = ""
    answer: str | None = None
    probability: float | None = None
    usage: Usage | None = None
    details: Json = {}


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one `repeat` (from 0) of one sample. Where the target failed for good, `error` says how, and there
    are no scores; an error of a scorer is a score without a value. `at` is the Unix time at which the answer came."""

    sample: str
    repeat: int
    output: Output | None
    scores: Mapping[str, Score]
    at: float
    error: str | None = None


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a chat message, its parts put together."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or [] if isinstance(part, dict))
