"""Policies in LangChain: a middleware for agents, and a guard around any chain. It is here only where LangChain is."""

from __future__ import annotations

from importlib.util import find_spec

from guardrails.errors import Missing

if find_spec("langchain") is None:
    raise Missing.extra("LangChain", "langchain")
