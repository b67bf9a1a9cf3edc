"""The fields of a chat request beside its messages, which other formats keep in a mapping of their own."""

from __future__ import annotations

from gateway.parameters import NOT_PARAMETERS
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats.source import left_out
from gateway.types import Json
from gateway.wire.chat import FIELDS

PARAMETERS = FIELDS - NOT_PARAMETERS.keys()
BESIDE = ("tools", "response_format")
"""What has a place of its own in a draft."""


def read(settings: Json, at: str) -> tuple[Json, list[str]]:
    """The parts of a draft that are in the settings, and what is left out."""
    parts = {name: settings[name] for name in BESIDE if settings.get(name)}
    parameters = {name: value for name, value in settings.items() if name in PARAMETERS and value is not None}
    return {**parts, "parameters": parameters}, left_out(settings, (*PARAMETERS, *BESIDE), at)


def write(draft: PromptDraft) -> Json:
    held = draft.as_json()
    return {**draft.parameters, **{name: held[name] for name in BESIDE if name in held}}
