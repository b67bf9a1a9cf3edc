"""An answer that comes in chunks: what may be seen of it so far, and when it must stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessageChunk

from guardrails.engine import Engine
from guardrails.errors import BadInput
from guardrails.guarded_text import GuardedText
from guardrails.langchain.judge import Blocked
from guardrails.langchain.judging import answered
from guardrails.passage import Surroundings
from guardrails.pii.vault import Vault
from guardrails.verdict import Verdict

Chunk = str | AIMessageChunk


@dataclass(frozen=True, slots=True)
class Heard:
    """Chunks that may be seen now; `stop` says why nothing comes after them."""

    chunks: Sequence[Chunk]
    stop: Blocked | None = None


class Listening:
    """Of one answer; belongs to one event loop. Text goes on as soon as every guard that could hold it up has judged
    it. What a message holds beside its text (calls, thoughts, counts of tokens) is judged and goes on at the end."""

    def __init__(self, engine: Engine, around: Surroundings, vault: Vault) -> None:
        self._engine, self._around, self._vault = engine, around, vault
        self._text = GuardedText(engine, around, "content", _nobody, vault)
        self._held, self._given = "", 0
        """What was said and is not seen yet, and where in the text it begins."""
        self._beside: AIMessageChunk | None = None
        self._verdicts: tuple[Verdict, ...] = ()

    @property
    def verdicts(self) -> list[Verdict]:
        return [*self._text.verdicts(), *self._verdicts]

    async def feed(self, chunk: Any) -> Heard:
        """Raises `BadInput` for what is neither text nor a message's chunk."""
        if isinstance(chunk, str):
            self._say(chunk)
        elif isinstance(chunk, AIMessageChunk):
            self._say(chunk.text)
            beside = chunk.model_copy(update={"content": _beside(chunk.content)})
            self._beside = beside if self._beside is None else self._beside + beside
        else:
            raise BadInput(f"guards read streams of text and messages, and not of {type(chunk).__name__}.")
        return self._seen()

    async def end(self) -> Heard:
        await self._text.end()
        heard = self._seen()
        if heard.stop is not None or self._beside is None:
            return heard
        found = await answered(self._engine, self._beside, self._around, self._vault)
        self._verdicts = found.verdicts
        if found.refusal is not None:
            return Heard(heard.chunks, Blocked(found.refusal, self.verdicts))
        assert isinstance(found.message, AIMessageChunk)
        return Heard([*heard.chunks, found.message])

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self._text.cancel()

    def _say(self, text: str) -> None:
        if text:
            self._held += text
            self._text.feed(text)

    def _seen(self) -> Heard:
        seen = self._text.visible
        piece = self._held[: max(0, seen - self._given)]
        shown = self._text.shown(piece, self._given)
        self._held, self._given = self._held[len(piece) :], self._given + len(piece)
        chunks = [self._as_chunk(shown)] if shown else []
        if self._text.ended is None:
            return Heard(chunks)
        return Heard(chunks, Blocked(self._text.message, self.verdicts))

    def _as_chunk(self, text: str) -> Chunk:
        return text if self._beside is None else AIMessageChunk(content=text, id=self._beside.id)


def _beside(content: str | list[str | dict[Any, Any]]) -> str | list[str | dict[Any, Any]]:
    """What of a chunk's content is no part of its text."""
    if isinstance(content, str):
        return ""
    return [block for block in content if isinstance(block, dict) and block.get("type") != "text"]


def _nobody() -> None:
    """Who listens looks for himself."""
