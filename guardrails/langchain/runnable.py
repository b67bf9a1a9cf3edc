"""A policy around a chat model or a chain: what goes in is judged, and what comes out, whole or chunk by chunk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from guardrails.errors import BadInput, Missing
from guardrails.passage import Surroundings
from guardrails.pii.vault import Vault

try:
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable, RunnableConfig

    from guardrails.langchain.given import given
    from guardrails.langchain.judge import Blocked, Judge
    from guardrails.langchain.judging import Answered, admitted, answered
    from guardrails.langchain.listening import Heard, Listening
    from guardrails.langchain.messages import surroundings
except ImportError as error:
    raise Missing.extra("LangChain", "langchain") from error


def guarded(runnable: Runnable[Any, Any], judge: Judge) -> Runnable[Any, Any]:
    """The chat model or the chain under a policy. It takes texts, prompts, messages, and variables by name, and gives
    what the chain does, which has to be texts or messages: `prompt | guarded(model, judge) | parser`. What is to be
    redacted is so on its way; where a guard ends the call `Blocked` is raised, which `with_fallbacks` can answer. A
    stream goes on as it is judged, and holds back what is not yet."""
    return _Guarded(runnable, judge)


@dataclass(frozen=True, slots=True)
class _Let:
    """What the chain is given, what is around its answer, and the values that were hidden from it."""

    value: Any
    around: Surroundings
    vault: Vault


class _Guarded(Runnable[Any, Any]):
    def __init__(self, runnable: Runnable[Any, Any], judge: Judge) -> None:
        self._runnable, self._judge = runnable, judge

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        let = self._judge.run(self._let(input))
        answer = self._runnable.invoke(let.value, config, **kwargs)
        return self._seen(answer, self._judge.run(self._answered(answer, let)))

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        let = await self._judge.aside(self._let(input))
        answer = await self._runnable.ainvoke(let.value, config, **kwargs)
        return self._seen(answer, await self._judge.aside(self._answered(answer, let)))

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        let = self._judge.run(self._let(input))
        listening = self._judge.run(_listening(self._judge, let))
        chunks = self._runnable.stream(let.value, config, **kwargs)
        try:
            for chunk in chunks:
                heard = self._judge.run(listening.feed(chunk))
                yield from heard.chunks
                _stop(heard)
            heard = self._judge.run(listening.end())
            yield from heard.chunks
            _stop(heard)
        finally:
            if isinstance(chunks, Generator):
                chunks.close()
            self._judge.run(_over(listening))
            self._judge.tell(listening.verdicts)

    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        let = await self._judge.aside(self._let(input))
        listening = await self._judge.aside(_listening(self._judge, let))
        chunks = self._runnable.astream(let.value, config, **kwargs)
        try:
            async for chunk in chunks:
                heard = await self._judge.aside(listening.feed(chunk))
                for one in heard.chunks:
                    yield one
                _stop(heard)
            heard = await self._judge.aside(listening.end())
            for one in heard.chunks:
                yield one
            _stop(heard)
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
            await self._judge.aside(_over(listening))
            self._judge.tell(listening.verdicts)

    async def _let(self, value: Any) -> _Let:
        """Raises `Blocked` where it may not go on."""
        judge, vault = self._judge, Vault(self._judge.engine.key)
        read = given(value, judge.policy.context)
        around = surroundings(read.messages, tenant=judge.tenant)
        found = await admitted(judge.engine, read.messages, around, vault)
        judge.tell(found.verdicts)
        if found.refusal is not None:
            raise Blocked(found.refusal, found.verdicts)
        return _Let(read.back(found.messages) if found.changed else value, around, vault)

    async def _answered(self, answer: Any, let: _Let) -> Answered:
        if not isinstance(answer, str | AIMessage):
            raise BadInput(f"guards read texts and messages, and not {type(answer).__name__}: guard the model instead.")
        message = AIMessage(answer) if isinstance(answer, str) else answer
        return await answered(self._judge.engine, message, let.around, let.vault)

    def _seen(self, answer: Any, found: Answered) -> Any:
        self._judge.tell(found.verdicts)
        if found.refusal is not None:
            raise Blocked(found.refusal, found.verdicts)
        return found.message.content if isinstance(answer, str) else found.message


async def _listening(judge: Judge, let: _Let) -> Listening:
    """Made on the loop that it belongs to."""
    return Listening(judge.engine, let.around, let.vault)


async def _over(listening: Listening) -> None:
    listening.cancel()


def _stop(heard: Heard) -> None:
    if heard.stop is not None:
        raise heard.stop
