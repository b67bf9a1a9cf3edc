"""The guards there are, by kind: ours, and those that installed packages add under `sluicegate.guards`.

A plug-in's entry point names a subclass of `Guard`; its name is the kind. One that carries the name of one of ours is
not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points

from evals.faults import near
from guardrails.errors import BadInput
from guardrails.guard import Guard

GROUP = "sluicegate.guards"

BUILT_IN: Mapping[str, str] = {
    "breakers": "guardrails.guards.breakers:Breakers",
    "citations": "guardrails.guards.citations:Citations",
    "classifier": "guardrails.guards.classifier:Classifier",
    "code": "guardrails.guards.code:Code",
    "groundedness": "guardrails.guards.groundedness:Groundedness",
    "http": "guardrails.guards.http:Http",
    "language": "guardrails.guards.language:Language",
    "leakage": "guardrails.guards.leakage:Leakage",
    "moderation": "guardrails.guards.moderation:Moderation",
    "patterns": "guardrails.guards.patterns:Patterns",
    "pii": "guardrails.guards.pii:Pii",
    "presidio": "guardrails.guards.presidio:Presidio",
    "prompt_attack": "guardrails.guards.prompt_attack:PromptAttack",
    "refusal": "guardrails.guards.refusal:Refusal",
    "safety_model": "guardrails.guards.safety_model:SafetyModel",
    "schema": "guardrails.guards.schema:Schema",
    "secrets": "guardrails.guards.secrets:Secrets",
    "self_consistency": "guardrails.guards.self_consistency:SelfConsistency",
    "tool_policy": "guardrails.guards.tool_policy:ToolPolicy",
    "topics": "guardrails.guards.topics:Topics",
    "urls": "guardrails.guards.urls:Urls",
}


def find(kind: str) -> type[Guard]:
    """Raises `BadInput` for a kind that there is not, and for a plug-in that is no guard."""
    if kind in BUILT_IN:
        module, name = BUILT_IN[kind].split(":")
        found: type[Guard] = getattr(import_module(module), name)
        return found
    for point in entry_points(group=GROUP, name=kind):
        try:
            loaded = point.load()
        except (ImportError, AttributeError) as error:
            raise BadInput(f"The plug-in {point.value} cannot be loaded: {error}.") from error
        if not (isinstance(loaded, type) and issubclass(loaded, Guard)):
            raise BadInput(f"The plug-in {point.value} is not a subclass of guardrails.guard.Guard.")
        return loaded
    raise BadInput(f"there is no guard {kind[:80]!r}; {near(kind, kinds())}.")


def kinds() -> list[str]:
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))})
