"""Prompts saved in one line, and what they render."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from gateway.prompts import registry
from gateway.prompts.draft import PromptDraft
from gateway.prompts.registry import Origin, Saved
from gateway.prompts.render import CompiledPrompt

ADA = Origin("ada")


def draft(*contents: str, **others: Any) -> PromptDraft:
    return PromptDraft.parse({"messages": [{"role": "user", "content": content} for content in contents], **others})


def save(connection: Connection, name: str, *contents: str, origin: Origin = ADA, **others: Any) -> Saved:
    return registry.save(connection, name, draft(*contents, **others), origin)


def rendered(connection: Connection, prompt: str, **values: Any) -> list[str]:
    compiled = CompiledPrompt.compile(registry.get(connection, prompt))
    return [message["content"] for message in compiled.render(values)]
