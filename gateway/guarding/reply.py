"""A reply under the output guards of its release: what an upstream says comes in, what may be seen goes out.

It stands before the translators, where every surface's reply is still OpenAI's wire. Events go on as they came, bytes
and all, once all their text may be seen; only what holds something that is taken out is written anew. Tool calls are
held until the guards of `tool_calls` have judged them whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import orjson

from gateway.errors import GatewayError, UpstreamFailed
from gateway.guarding import made
from gateway.guarding.notes import as_json
from gateway.http.base import MAX_BODY_BYTES, Reply
from gateway.types import Json
from gateway.wire.sse import DONE, EventSplitter, event_data, frame
from guardrails.engine import BLOCKED, Engine
from guardrails.guarded_text import MILD, GuardedText
from guardrails.passage import Passage, Surroundings, ToolCall
from guardrails.redact import cut
from guardrails.verdict import Verdict

MOST_ARGUMENTS = 1_000_000
"""Characters of one tool call's arguments."""
MOST_NAMED = 200
"""Characters of the place of a text, which may hold names that an upstream made up."""
HOLD = 65_536
"""Characters held back from which on the upstream is read no further until some may be seen."""


class Stopped(GatewayError):
    """A guard ended the reply: the upstream is to be let go. The client never sees this."""


@dataclass(slots=True)
class _Piece:
    """Where a part of an event stands in the text that it belongs to."""

    choice: int
    said: made.Said
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.said.text)


@dataclass(slots=True)
class _Event:
    raw: bytes
    body: Json | None = None
    pieces: list[_Piece] = field(default_factory=list)
    calls: list[tuple[int, int]] = field(default_factory=list)
    """The tool calls that it holds a part of: choice, and index."""
    changed: bool = False
    """Something was taken out of its body."""


@dataclass(slots=True)
class _Call:
    name: str = ""
    arguments: str = ""
    judged: bool = False
    refusal: str | None = None
    """What the client is told where it may not be made."""


BESIDE = -1
"""The number of what stands outside the choices."""


class GuardedReply:
    """Of one attempt; belongs to its event loop. A stream goes through `pump`, whose `emit` is given its events as they
    may be seen; a whole reply goes through `whole`. Either way `verdicts` then says what every guard did."""

    def __init__(self, engine: Engine, around: Surroundings) -> None:
        self._engine, self._around = engine, around
        self._emit: Callable[[bytes], None] = _nobody
        self._holds_calls = bool(engine.policy.at("tool_calls", around.tenant))
        self._splitter = EventSplitter()
        self._texts: dict[tuple[int, str], GuardedText] = {}
        self._lengths: dict[tuple[int, str], int] = {}
        self._calls: dict[tuple[int, int], _Call] = {}
        self._queue: deque[_Event] = deque()
        self._queued = 0
        """Bytes of events that are held."""
        self._of_calls: list[Verdict] = []
        self._head: Json = {}
        """What every event of the stream has: id, model, when it was made."""
        self._reply: Reply | None = None
        self._paused = self._done = False
        self._hides = any(guard.action not in MILD for guard in engine.policy.at("output", around.tenant))
        self._completes = False
        """The reply is of legacy completions."""
        self._error: GatewayError | None = None
        """What went wrong beside the stream."""
        self.begun = False
        """Something was said."""
        self.stopped = False
        self._message: str | None = None

    @property
    def verdicts(self) -> list[Verdict]:
        return [verdict for text in self._texts.values() for verdict in text.verdicts()] + self._of_calls

    async def whole(self, body: bytes) -> bytes:
        """Raises `UpstreamFailed` for garbage."""
        try:
            reply = orjson.loads(body)
            if reply.get("error") and not reply.get("choices"):
                return body  # the translator tells it
            choices = reply["choices"]
            around = _Event(b"", reply)
            self._hear(made.beside(reply), BESIDE, around, ())
            events = [_Event(b"", reply) for _ in choices]
            for number, choice in enumerate(choices):
                self._read(choice, number, events[number], number)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            message = "The upstream sent something that is not a completion."
            raise UpstreamFailed(message, code="upstream_garbage") from error
        await self._end_texts()
        await self._judge_calls()
        changed = [self._mended(choice, event) for choice, event in zip(choices, events, strict=True)]
        changed.append(self._silenced(reply, around))
        return orjson.dumps(reply) if any(changed) else body

    def feed(self, data: bytes) -> None:
        """Bytes of the upstream's stream, cut anywhere. Raises `Stopped` once nothing more may be seen."""
        if self.stopped or self._error is not None:
            raise Stopped("The reply is over.")
        for event in self._splitter.feed(data):
            if event_data(event) == b"[DONE]":
                self._done = True
            elif not self._done:
                self._queue.append(self._taken(event))
                self._queued += len(event)
        if self._queued > MAX_BODY_BYTES:
            raise UpstreamFailed("The upstream's reply is too large to be held.", code="upstream_too_large")
        self._release()
        if self.stopped:
            raise Stopped("A guard ended the reply.")
        self._pace()

    async def pump(self, reply: Reply, emit: Callable[[bytes], None]) -> None:
        """Have a reply go through, and let it go where a guard ends it. Raises what the reply does otherwise."""
        self._reply, self._emit = reply, emit
        try:
            await reply.pump(self.feed)
            await self._finish()
        except GatewayError:
            if self._error is None and not self.stopped:
                raise
        finally:
            for text in self._texts.values():
                text.cancel()
        if self._error is not None:
            raise self._error

    async def _finish(self) -> None:
        """The upstream's stream is over: what is held is judged, and goes out or does not."""
        if not self.stopped:
            await self._end_texts()
            self._release()
        if not self.stopped:
            await self._judge_calls()
            self._release()
        if not self.stopped:
            rest = self._splitter.rest
            done = self._done or event_data(rest.strip()) == b"[DONE]"
            self._emit(self._comment() + (DONE if done else rest))

    def _taken(self, raw: bytes) -> _Event:
        """An event, its texts given to the guards."""
        payload = event_data(raw)
        event = _Event(raw)
        if payload is None or payload.strip() in (b"", b"null"):
            return event
        try:
            event.body = body = orjson.loads(payload)
            if not self._head:
                self._head = {name: body[name] for name in ("id", "object", "created", "model") if name in body}
            self._hear(made.beside(body), BESIDE, event, ())
            for place, choice in enumerate(body.get("choices") or ()):
                self._read(choice, int(choice.get("index") or 0), event, place)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            message = "The upstream sent something that is not a completion."
            raise UpstreamFailed(message, code="upstream_garbage") from error
        return event

    def _read(self, choice: Json, number: int, event: _Event, place: int) -> None:
        self._completes |= isinstance(choice.get("text"), str)
        if self._hides and choice.get("logprobs") is not None:
            choice["logprobs"] = None  # they spell what may be taken out
            event.changed = True
        self._hear(made.said(choice), number, event, ("choices", place))
        for position, call in enumerate(made.calls(choice)):
            at = number, int(call.get("index", position) or 0)
            held = self._calls.setdefault(at, _Call())
            name, arguments = made.asked(call)
            held.name += name
            held.arguments += arguments
            if len(held.arguments) > MOST_ARGUMENTS:
                raise UpstreamFailed("The upstream asks a tool with too much.", code="upstream_too_large")
            event.calls.append(at)
            self.begun = True

    def _hear(self, said: Sequence[made.Said], number: int, event: _Event, before: made.Way) -> None:
        """Give texts to the guards; `before` leads to where they stand."""
        for one in said:
            key = number, one.channel
            text = self._texts.get(key)
            if text is None:
                source = f"choices.{number}.{one.channel}"[:MOST_NAMED]
                text = self._texts[key] = GuardedText(self._engine, self._around, source, self._changed)
            start = self._lengths.get(key, 0)
            self._lengths[key] = start + len(one.text)
            one.way = (*before, *one.way)
            event.pieces.append(_Piece(number, one, start))
            text.feed(one.text)
            self.begun = True

    def _changed(self) -> None:
        """Models have judged more, beside the stream."""
        if self.stopped or self._error is not None:
            return
        try:
            self._release()
        except GatewayError as error:
            self._error = error  # whoever pumps raises it
        if (self.stopped or self._error is not None) and self._reply is not None:
            self._reply.close()
        self._pace()

    def _pace(self) -> None:
        """Read no further while too much waits for its verdict."""
        if self._reply is None or self.stopped:
            return
        full = sum(text.held for text in self._texts.values()) > HOLD
        if full != self._paused:
            self._paused = full
            (self._reply.pause if full else self._reply.resume)()

    def _release(self) -> None:
        """Give out what may be seen, in order, and end the stream where a text has to stop."""
        out: list[bytes] = []
        while self._queue:
            event = self._queue[0]
            if any(self._ended(piece) for piece in event.pieces) or any(self._refused(at) for at in event.calls):
                out += self._last(event)
                self._stop()
                break
            if not self._visible(event):
                break
            self._queue.popleft()
            self._queued -= len(event.raw)
            out.append(self._shown(event))
        if out:
            self._emit(b"\n\n".join([*out, b""]))

    def _text(self, piece: _Piece) -> GuardedText:
        return self._texts[piece.choice, piece.said.channel]

    def _ended(self, piece: _Piece) -> bool:
        text = self._text(piece)
        return text.ended is not None and text.visible < piece.end

    def _refused(self, at: tuple[int, int]) -> bool:
        return self._calls[at].refusal is not None

    def _visible(self, event: _Event) -> bool:
        if self._holds_calls and any(not self._calls[at].judged for at in event.calls):
            return False
        return all(self._text(piece).visible >= piece.end for piece in event.pieces)

    def _shown(self, event: _Event) -> bytes:
        """As it came, where nothing is taken out of it."""
        return b"data: %b" % orjson.dumps(event.body) if self._redacted(event) else event.raw

    def _last(self, event: _Event) -> list[bytes]:
        """What may be seen of the event in which the reply has to stop, and the end of it."""
        out = []
        for piece in event.pieces:
            text = self._text(piece)
            part = piece.said.text[: max(0, text.visible - piece.start)]
            seen = cut(part, piece.start, text.spans)
            if seen and piece.said.channel in ("delta.content", "text"):
                out.append(self._event(piece.choice, {"content": seen}, None))
            if text.ended is not None:
                self._message = text.message
        for at in event.calls:
            self._message = self._message or self._calls[at].refusal
        begun = sorted({number for number, _ in (*self._texts, *self._calls)} - {BESIDE}) or [0]
        refusal: Json = {"refusal": self._message or BLOCKED}
        out += [self._event(number, refusal if number == begun[0] else {}, "content_filter") for number in begun]
        return [*out, self._comment() + DONE[:-2]]

    def _comment(self) -> bytes:
        """What the guards did, where a client may read it and no parser stumbles over it."""
        return b": sluice-guards %b\n\n" % as_json(self.verdicts).encode()

    def _event(self, number: int, delta: Json, finish: str | None) -> bytes:
        choice: Json = {"index": number, "delta": delta, "logprobs": None, "finish_reason": finish}
        if self._completes:
            text = delta.get("content", "")
            choice = {"index": number, "text": text, "logprobs": None, "finish_reason": finish}
        return frame(orjson.dumps({**self._head, "choices": [choice]}))[:-2]

    def _stop(self) -> None:
        self.stopped = True
        self._queue.clear()
        for text in self._texts.values():
            text.cancel()

    async def _end_texts(self) -> None:
        for text in list(self._texts.values()):
            await text.end()

    async def _judge_calls(self) -> None:
        asked = self._around.calls
        for (number, index), call in self._calls.items():
            passage = Passage(call.arguments, "tool_calls", "assistant", f"choices.{number}.tool_calls.{index}")
            asked = (*asked, ToolCall(call.name, call.arguments))
            if self._holds_calls:
                report = await self._engine.check("tool_calls", [passage], replace(self._around, calls=asked))
                self._of_calls += report.verdicts
                if report.ends:
                    call.refusal = report.message or BLOCKED
            call.judged = True

    def _mended(self, choice: Json, event: _Event) -> bool:
        """Of a whole reply: whether anything of a choice had to be changed, which then was."""
        messages = [text.message for piece in event.pieces if (text := self._text(piece)).ended is not None]
        messages += [refusal for at in event.calls if (refusal := self._calls[at].refusal) is not None]
        if messages:
            index, legacy = choice.get("index", 0), isinstance(choice.get("text"), str)
            choice.clear()
            choice |= {"index": index, "finish_reason": "content_filter", "logprobs": None}
            choice |= {"text": ""} if legacy else {"message": _refusing(messages[0])}
            return True
        return self._redacted(event)

    def _redacted(self, event: _Event) -> bool:
        """Whether something was taken out of the event's body."""
        changed = event.changed
        for piece in event.pieces:
            seen = cut(piece.said.text, piece.start, self._text(piece).spans)
            if seen != piece.said.text:
                changed = True
                made.put(event.body, piece.said.way, seen)
        return changed

    def _silenced(self, reply: Json, around: _Event) -> bool:
        """Of a whole reply what stands outside its choices: taken away, where a guard ends it, or redacted."""
        ended = {str(piece.said.way[0]) for piece in around.pieces if self._text(piece).ended is not None}
        for name in ended:
            del reply[name]
        return self._redacted(
            _Event(b"", reply, [one for one in around.pieces if one.said.way[0] not in ended])
        ) or bool(ended)


def _nobody(events: bytes) -> None:
    """Takes the events of a reply that has none: a whole one."""


def _refusing(message: str) -> Json:
    return {"role": "assistant", "content": None, "refusal": message}
