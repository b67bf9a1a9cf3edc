"""The texts of one reply and the calls it makes, under the output guards: which of them may be seen, and as what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gateway.errors import UpstreamFailed
from gateway.guarding import made
from gateway.types import Json
from guardrails.engine import BLOCKED, Engine
from guardrails.guarded_text import MILD, GuardedText
from guardrails.passage import Passage, Surroundings, ToolCall
from guardrails.pii.vault import Revealer, Vault
from guardrails.verdict import Verdict

MOST_ARGUMENTS = 1_000_000
"""Characters of one tool call's arguments."""
MOST_NAMED = 200
"""Characters of the place of a text, which may hold names that an upstream made up."""
BESIDE = -1
"""The number of what stands outside the choices."""


@dataclass(slots=True)
class Piece:
    """Where a part of an event stands in the text that it belongs to."""

    choice: int
    said: made.Said
    start: int
    guarded: GuardedText

    @property
    def end(self) -> int:
        return self.start + len(self.said.text)

    @property
    def stops(self) -> bool:
        """Its text ends inside it, or before."""
        return self.guarded.ended is not None and self.guarded.visible < self.end


@dataclass(slots=True)
class Asked:
    """Where a part of the arguments of a call stands in them, and in the event that holds it."""

    revealer: Revealer
    made: made.Arguments
    start: int


@dataclass(slots=True)
class Call:
    """A tool call, as far as it is there."""

    name: str = ""
    arguments: str = ""
    judged: bool = False
    refusal: str | None = None
    """What the client is told where it may not be made."""
    revealers: dict[str, Revealer] = field(default_factory=dict)


@dataclass(slots=True)
class Event:
    """A part of a reply, or all of it, and what it holds. `changed`: something was taken out of its body already."""

    raw: bytes
    body: Json | None = None
    pieces: list[Piece] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    changed: bool = False

    @property
    def refusal(self) -> str | None:
        """What the client is told where a call in it may not be made."""
        return next((call.refusal for call in self.calls if call.refusal is not None), None)

    @property
    def stops(self) -> bool:
        """The reply has to stop in it."""
        return any(piece.stops for piece in self.pieces) or self.refusal is not None

    @property
    def visible(self) -> bool:
        if any(not call.judged for call in self.calls):
            return False
        if any(part.revealer.settled < part.start + len(part.made.text) for part in self.asked):
            return False
        return all(piece.guarded.visible >= piece.end for piece in self.pieces)

    def write(self) -> bool:
        """Have its body say what may be seen of it. Whether that is something else than what it said."""
        changed = self.changed
        for piece in self.pieces:
            seen = piece.guarded.shown(piece.said.text, piece.start)
            if seen != piece.said.text:
                changed = True
                made.put(self.body, piece.said.way, seen)
        for part in self.asked:
            seen = part.revealer.shown(part.made.text, part.start)
            if seen != part.made.text:
                changed = True
                part.made.put(seen)
        return changed


class Texts:
    """Of one reply; belongs to its event loop. `changed` is called when models have judged more of it."""

    def __init__(self, engine: Engine, around: Surroundings, vault: Vault, changed: Callable[[], None]) -> None:
        self._engine, self._around, self._vault, self._changed = engine, around, vault, changed
        self._holds_calls = bool(engine.policy.at("tool_calls", around.tenant))
        self._hides = any(guard.action not in MILD for guard in engine.policy.at("output", around.tenant))
        self._texts: dict[tuple[int, str], GuardedText] = {}
        self._lengths: dict[tuple[int, str], int] = {}
        self._unheard: dict[tuple[int, str], list[str]] = {}
        self._calls: dict[tuple[int, int], Call] = {}
        self._others: list[Verdict] = []
        """On calls, and on what was repaired."""
        self.samples: dict[int, tuple[str, ...]] = {}
        """By choice, what the others of a whole reply say: answers of the same model to the same question."""

    @property
    def begun(self) -> bool:
        """Something was said."""
        return bool(self._texts or self._calls)

    @property
    def choices(self) -> list[int]:
        """Those in which something was said."""
        return sorted({number for number, _ in (*self._texts, *self._calls)} - {BESIDE})

    @property
    def held(self) -> int:
        """Characters that came and may not be seen yet."""
        return sum(text.held for text in self._texts.values())

    @property
    def verdicts(self) -> list[Verdict]:
        return [verdict for text in self._texts.values() for verdict in text.verdicts()] + self._others

    def cancel(self) -> None:
        for text in self._texts.values():
            text.cancel()

    async def repair(self, choice: Json, number: int, event: Event) -> None:
        """Have a whole message repaired, where the policy says so: what is judged then is what will be sent."""
        message = choice.get("message")
        text = message.get("content") if isinstance(message, dict) else None
        if isinstance(text, str) and text:
            repaired = await self._engine.repaired(text, f"choices.{number}.message.content", self._around)
            if repaired is not None:
                choice["message"]["content"], verdict = repaired
                self._others.append(verdict)
                event.changed = True

    def read(self, choice: Json, number: int, event: Event, place: int) -> None:
        """Note what a choice says, for the guards; `place` is where it stands in the event. Raises `TypeError`,
        `AttributeError` or `ValueError` for what is none."""
        if self._hides and choice.get("logprobs") is not None:
            choice["logprobs"] = None  # they spell what may be taken out
            event.changed = True
        self.hear(made.said(choice), number, event, ("choices", place))
        for position, call in enumerate(made.calls(choice)):
            at = number, int(call.get("index", position) or 0)
            held = self._calls.setdefault(at, Call(judged=not self._holds_calls))
            name, arguments = made.asked(call)
            held.name += name
            held.arguments += arguments
            if len(held.arguments) > MOST_ARGUMENTS:
                raise UpstreamFailed("The upstream asks a tool with too much.", code="upstream_too_large")
            event.calls.append(held)
            if self._vault.given:
                event.asked += [self._followed(held, part) for part in made.arguments(call)]

    def hear(self, said: Sequence[made.Said], number: int, event: Event, before: made.Way) -> None:
        """Note texts, for `judge` to give to the guards; `before` leads to where they stand."""
        for one in said:
            key = number, one.channel
            text = self._texts.get(key)
            if text is None:
                source = f"choices.{number}.{one.channel}"[:MOST_NAMED]
                around = replace(self._around, samples=self.samples[number]) if self.samples else self._around
                text = GuardedText(self._engine, around, source, self._changed, self._vault)
                self._texts[key] = text
            start = self._lengths.get(key, 0)
            self._lengths[key] = start + len(one.text)
            one.way = (*before, *one.way)
            event.pieces.append(Piece(number, one, start, text))
            self._unheard.setdefault(key, []).append(one.text)

    def judge(self) -> None:
        """Have rules judge what came since: what came at once they read at once, which costs them about as little."""
        for key, pieces in self._unheard.items():
            self._texts[key].feed("".join(pieces))
        self._unheard.clear()

    async def end_texts(self) -> None:
        """No more is said: what is held is judged."""
        self.judge()
        for text in list(self._texts.values()):
            await text.end()

    async def end_calls(self) -> None:
        asked = self._around.calls
        for (number, index), call in self._calls.items():
            for revealer in call.revealers.values():
                revealer.end()
            passage = Passage(call.arguments, "tool_calls", "assistant", f"choices.{number}.tool_calls.{index}")
            asked = (*asked, ToolCall(call.name, call.arguments))
            if self._holds_calls:
                report = await self._engine.check("tool_calls", [passage], replace(self._around, calls=asked))
                self._others += report.verdicts
                if report.ends:
                    call.refusal = report.message or BLOCKED
            call.judged = True

    def _followed(self, call: Call, part: made.Arguments) -> Asked:
        revealer = call.revealers.get(part.kind)
        if revealer is None:
            revealer = call.revealers[part.kind] = self._vault.revealer(as_json=part.kind == "function")
        start = revealer.length
        revealer.feed(part.text)
        return Asked(revealer, part, start)
