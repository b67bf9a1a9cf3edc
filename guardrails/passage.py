"""What guards judge: one text of a call at a time, and what the call carries around it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from guardrails.canonical.views import View, views

Stage = Literal["input", "documents", "output", "tool_calls"]
"""Where in a call a text stands. `input` is what people and the system say, `documents` what was retrieved and what
tools returned, `output` what the model says, `tool_calls` what it asks to have done."""

LONG = 10_000
"""Characters from which on a text is read on a thread of its own."""
STAGES: tuple[Stage, ...] = ("input", "documents", "output", "tool_calls")


@dataclass(frozen=True)
class Passage:
    """One text, and where it stands. `source` is its place in the call, as `messages.2.content`; `role` who said it:
    system, developer, user, assistant or tool."""

    text: str
    stage: Stage = "input"
    role: str = "user"
    source: str = ""

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The text as it is read, first, and then what is hidden in it: decoded, unfolded, unspaced. Made once, in
        time in proportion to its length: ask for those of a long text with `read`."""
        return views(self.text)

    async def read(self) -> tuple[View, ...]:
        """Its views; of a long text made on a thread, so that others are not kept waiting."""
        return await asyncio.to_thread(lambda: self.views) if len(self.text) > LONG else self.views


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model asks to have done. `arguments` is the JSON text as the model wrote it."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a call carries around a passage. What it does not have is empty, and guards that need it say *not run*.

    `tools` are the definitions of the tools the model may call, by name, each a JSON Schema of its arguments;
    `calls` those it made so far in this conversation, `results` what they returned; `documents` are what an answer is
    to stand on; `canaries` are texts that were put into the system prompt to be seen where it leaks;
    `samples` are other answers of the same model to the same question."""

    system: str = ""
    question: str = ""
    documents: tuple[str, ...] = ()
    tools: Mapping[str, Any] | None = None
    calls: tuple[ToolCall, ...] = ()
    results: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    response_format: Mapping[str, Any] | None = None
    tenant: str | None = None
    samples: tuple[str, ...] = ()


ALONE = Surroundings()
"""Of a text that comes with nothing."""
