"""The kinds of target there are."""

from __future__ import annotations

from collections.abc import Mapping

from evals import loading
from evals.errors import BadInput
from evals.faults import near
from evals.targets.base import TargetSpec

BUILT_IN: Mapping[str, str] = {
    "agent": "evals.targets.agent:AgentSpec",
    "conversation": "evals.targets.conversation:ConversationSpec",
    "python": "evals.targets.python:PythonSpec",
    "runnable": "evals.targets.runnable:RunnableSpec",
    "openai": "evals.targets.openai:OpenAISpec",
    "endpoint": "evals.targets.endpoint:EndpointSpec",
    "scripted": "evals.targets.scripted:ScriptedSpec",
}


def find(kind: str) -> type[TargetSpec]:
    """Raises `BadInput` for a kind that there is not."""
    if kind not in BUILT_IN:
        raise BadInput(f"there is no kind of target {kind[:80]!r}; {near(kind, BUILT_IN)}.")
    found: type[TargetSpec] = loading.load(BUILT_IN, kind)
    return found
