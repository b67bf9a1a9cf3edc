"""A call and the prompt that served it, for those who mend prompts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from gateway.api.deps import Editor, Running
from gateway.feedback import shown
from gateway.prompts.draft import PromptDraft
from gateway.retrace import Retraced, retrace

router = APIRouter(tags=["calls"])


class ServedPrompt(BaseModel):
    """A version of a prompt; `draft` is what a new one can be made from."""

    name: str
    version: int
    digest: str
    draft: dict[str, Any]


class CallPrompt(BaseModel):
    """`variables` are those the client gave, `messages` what the upstream was sent, `answer` the words of its reply:
    redacted, as contents are, and null where they are not known. `missing` says why."""

    object: str = "call_prompt"
    call: str
    started: int
    endpoint: str | None
    release: str | None
    prompt: ServedPrompt | None
    variables: dict[str, Any] | None
    messages: list[dict[str, Any]] | None
    answer: str | None
    feedback: list[dict[str, Any]]
    missing: list[str]


@router.get("/calls/{request_id}/prompt")
async def get_prompt_of_call(request_id: str, who: Editor, running: Running) -> CallPrompt:
    """The prompt that served a call, by the call's `x-request-id`; with what was given to it, sent, answered and said
    of it, as far as contents are captured."""
    found: Retraced = await running.read(lambda connection: retrace(connection, request_id))
    return CallPrompt(
        call=found.record.id,
        started=found.record.started,
        endpoint=found.record.endpoint,
        release=found.record.release,
        prompt=_prompt(found),
        variables=found.variables,
        messages=found.messages,
        answer=found.answer,
        feedback=[shown(said) for said in found.said],
        missing=list(found.missing),
    )


def _prompt(found: Retraced) -> ServedPrompt | None:
    version = found.release.prompt if found.release is not None else None
    if version is None:
        return None
    draft = PromptDraft.of(version).as_json()
    return ServedPrompt(name=version.name, version=version.number, digest=version.digest, draft=draft)
