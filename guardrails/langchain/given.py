"""What a chain is given, as the messages that guards judge, and back as what it was."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage, convert_to_messages
from langchain_core.prompt_values import ChatPromptValue, PromptValue, StringPromptValue

from guardrails.errors import BadInput


@dataclass(frozen=True, slots=True)
class Given:
    """`messages` are what is judged of it; `back` makes of as many others what the chain is to be given instead."""

    messages: Sequence[BaseMessage]
    back: Callable[[Sequence[BaseMessage]], Any]


def given(value: Any, context: Collection[str]) -> Given:
    """Of a text, a prompt, messages, or the variables of a chain by name: those that `context` names, lists of texts
    and LangChain's documents stand as documents. Raises `BadInput` for anything else, since nobody would judge it."""
    if isinstance(value, str):
        return Given([HumanMessage(value)], lambda after: after[0].content)
    if isinstance(value, StringPromptValue):
        return Given([HumanMessage(value.text)], lambda after: StringPromptValue(text=after[0].text))
    if isinstance(value, PromptValue):
        return Given(value.to_messages(), lambda after: ChatPromptValue(messages=list(after)))
    if isinstance(value, BaseMessage):
        return Given([value], lambda after: after[0])
    if isinstance(value, Mapping):
        return _together({name: _variable(name, held, context) for name, held in value.items()})
    if isinstance(value, list | tuple):
        return Given(convert_to_messages(value), list)
    raise _unread(value)


def _together(parts: Mapping[str, Given]) -> Given:
    def back(after: Sequence[BaseMessage]) -> dict[str, Any]:
        rest, out = list(after), {}
        for name, part in parts.items():
            count = len(part.messages)
            out[name], rest = part.back(rest[:count]), rest[count:]
        return out

    return Given([message for part in parts.values() for message in part.messages], back)


def _variable(name: str, held: Any, context: Collection[str]) -> Given:
    if held is None or isinstance(held, bool | int | float):
        return Given([], lambda after: held)
    if isinstance(held, str) and name in context:
        return Given([_document(held)], lambda after: after[0].content)
    if isinstance(held, list | tuple) and all(isinstance(one, str | Document) for one in held):
        documents = list(held)
        texts = [one if isinstance(one, str) else one.page_content for one in documents]
        return Given([_document(text) for text in texts], lambda after: list(map(_as_it_was, documents, after)))
    return given(held, context)


def _document(text: str) -> ToolMessage:
    return ToolMessage(text, tool_call_id="")


def _as_it_was(before: str | Document, after: BaseMessage) -> str | Document:
    return after.text if isinstance(before, str) else before.model_copy(update={"page_content": after.text})


def _unread(value: Any) -> BadInput:
    kind = type(value).__name__
    return BadInput(f"guards read texts, prompts, messages and mappings of these, and not {kind}.")
