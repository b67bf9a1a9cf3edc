"""Models that say what they are told to, and the policy that they say it under."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from guardrails.policy import Policy, parse

KEY = "AKIAIOSFODNN7EXAMPLX"


class Scripted(FakeMessagesListChatModel):
    """Says one message after the other, whole, with the calls that it makes; `asked` is what it was asked each time."""

    asked: list[Any] = []  # noqa: RUF012 - pydantic makes each model its own

    def bind_tools(self, tools: Any, **kwargs: Any) -> Scripted:
        return self

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(messages)
        return super()._generate(messages, *args, **kwargs)


class Talking(GenericFakeChatModel):
    """Streams what it says word by word."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Talking:
        return self


class Saying(Runnable[Any, Any]):
    """Gives these chunks whatever it is given; of texts the first is all that it says at once. `left` counts the
    streams that are over."""

    def __init__(self, *chunks: Any) -> None:
        self._chunks = chunks
        self.left = 0

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return self._chunks[0]

    def stream(self, input: Any, config: Any = None, **kwargs: Any) -> Iterator[Any]:
        try:
            yield from self._chunks
        finally:
            self.left += 1

    async def astream(self, input: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:
        try:
            for chunk in self._chunks:
                yield chunk
        finally:
            self.left += 1


def scripted(*said: str | AIMessage) -> Scripted:
    return Scripted(responses=[AIMessage(one) if isinstance(one, str) else one for one in said])


def talking(*said: str) -> Talking:
    return Talking(messages=iter(said))


def calling(name: str, /, **arguments: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "call-1", "type": "tool_call"}])


def words(name: str, *found: str, action: str, **options: Any) -> dict[str, Any]:
    return {"guard": "patterns", "name": name, "words": list(found), "action": action, **options}


def policy(**changed: Sequence[dict[str, Any]]) -> Policy:
    return parse(
        {
            "input": [words("names", "Ada", action="redact"), words("magic", "frobozz", action="block", message="No.")],
            "documents": [
                words("names", "Ada", action="redact"),
                words("orders", "ignore all", action="block", message="Not this page."),
            ],
            "output": [
                {"guard": "secrets", "action": "redact"},
                words("spells", "xyzzy", action="block", message="No spells."),
            ],
            "tool_calls": [words("commands", "rm -rf", action="block", message="Not that.")],
            **changed,
        }
    )
