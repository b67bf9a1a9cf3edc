"""A reply under the output guards of its release: what an upstream says comes in, what may be seen goes out.

It stands before the translators, where every surface's reply is still OpenAI's wire. Events go on as they came, bytes
and all, once all their text may be seen; only what holds something that is taken out, or given back, is written anew.
Tool calls are held until the guards of `tool_calls` have judged them whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import orjson

from gateway.errors import GatewayError, UpstreamFailed
from gateway.guarding import made
from gateway.guarding.notes import as_json
from gateway.guarding.texts import BESIDE, Event, Texts
from gateway.http.base import MAX_BODY_BYTES, Reply
from gateway.types import Json
from gateway.wire.sse import DONE, EventSplitter, event_data, frame
from guardrails.engine import BLOCKED, Engine
from guardrails.passage import Surroundings
from guardrails.pii.vault import Vault
from guardrails.verdict import Verdict

HOLD = 65_536
"""Characters held back from which on the upstream is read no further until some may be seen."""
GARBAGE = "The upstream sent something that is not a completion."


class Stopped(GatewayError):
    """A guard ended the reply: the upstream is to be let go. The client never sees this."""


class GuardedReply:
    """Of one attempt; belongs to its event loop. A stream goes through `pump`, whose `emit` is given its events as they
    may be seen; a whole reply goes through `whole`. Either way `verdicts` then says what every guard did. The values of
    `vault` come back in the place of their placeholders, in what no guard took out."""

    def __init__(self, engine: Engine, around: Surroundings, vault: Vault | None = None) -> None:
        self._engine, self._tenant = engine, around.tenant
        self._texts = Texts(engine, around, vault or Vault(engine.key), self._changed)
        self._emit: Callable[[bytes], None] = _nobody
        self._splitter = EventSplitter()
        self._queue: deque[Event] = deque()
        self._queued = 0
        """Bytes of events that are held."""
        self._head: Json = {}
        """What every event of the stream has: id, model, when it was made."""
        self._reply: Reply | None = None
        self._paused = self._done = False
        self._completes = False
        """The reply is of legacy completions."""
        self._error: GatewayError | None = None
        """What went wrong beside the stream."""
        self.stopped = False
        self.again: list[Json] | None = None
        """Of a whole reply: what the model is to be told, after what it was asked, to answer once more."""

    @property
    def begun(self) -> bool:
        """Something was said."""
        return self._texts.begun

    @property
    def verdicts(self) -> list[Verdict]:
        return self._texts.verdicts

    async def whole(self, body: bytes) -> bytes:
        """Raises `UpstreamFailed` for garbage."""
        try:
            reply = orjson.loads(body)
            if reply.get("error") and not reply.get("choices"):
                return body  # the translator tells it
            choices = reply["choices"]
            around = Event(b"", reply)
            self._texts.hear(made.beside(reply), BESIDE, around, ())
            events = [Event(b"", reply) for _ in choices]
            self._texts.samples = _samples(choices)
            for number, choice in enumerate(choices):
                await self._texts.repair(choice, number, events[number])
                self._texts.read(choice, number, events[number], number)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            raise UpstreamFailed(GARBAGE, code="upstream_garbage") from error
        await self._texts.end_texts()
        await self._texts.end_calls()
        self.again = self._turn(choices)
        changed = [_mended(choice, event) for choice, event in zip(choices, events, strict=True)]
        changed.append(_silenced(reply, around))
        return orjson.dumps(reply) if any(changed) else body

    def _turn(self, choices: list[Json]) -> list[Json] | None:
        """What it said and what is wrong with that, where a guard has it answer once more. Of one answer in text alone:
        nobody knows what became of tools that it asked for."""
        message = choices[0].get("message") if len(choices) == 1 else None
        if message is None or message.get("tool_calls") or not isinstance(said := message.get("content"), str):
            return None
        told = self._engine.correction(said, self.verdicts, self._tenant)
        turn: list[Json] = [{"role": "assistant", "content": said}, {"role": "user", "content": told}]
        return turn if told is not None else None

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
        self._texts.judge()
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
            self._texts.cancel()
        if self._error is not None:
            raise self._error

    async def _finish(self) -> None:
        """The upstream's stream is over: what is held is judged, and goes out or does not."""
        if not self.stopped:
            await self._texts.end_texts()
            self._release()
        if not self.stopped:
            await self._texts.end_calls()
            self._release()
        if not self.stopped:
            rest = self._splitter.rest
            done = self._done or event_data(rest.strip()) == b"[DONE]"
            self._emit(self._comment() + (DONE if done else rest))

    def _taken(self, raw: bytes) -> Event:
        """An event, its texts noted for the guards."""
        payload = event_data(raw)
        event = Event(raw)
        if payload is None or payload.strip() in (b"", b"null"):
            return event
        try:
            event.body = body = orjson.loads(payload)
            if not self._head:
                self._head = {name: body[name] for name in ("id", "object", "created", "model") if name in body}
            self._texts.hear(made.beside(body), BESIDE, event, ())
            for place, choice in enumerate(body.get("choices") or ()):
                self._completes |= isinstance(choice.get("text"), str)
                self._texts.read(choice, int(choice.get("index") or 0), event, place)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise UpstreamFailed(GARBAGE, code="upstream_garbage") from error
        return event

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
        full = self._texts.held > HOLD
        if full != self._paused:
            self._paused = full
            (self._reply.pause if full else self._reply.resume)()

    def _release(self) -> None:
        """Give out what may be seen, in order, and end the stream where a text has to stop."""
        out: list[bytes] = []
        while self._queue:
            event = self._queue[0]
            if event.stops:
                out += self._last(event)
                self._stop()
                break
            if not event.visible:
                break
            self._queue.popleft()
            self._queued -= len(event.raw)
            out.append(b"data: %b" % orjson.dumps(event.body) if event.write() else event.raw)
        if out:
            self._emit(b"\n\n".join([*out, b""]))

    def _last(self, event: Event) -> list[bytes]:
        """What may be seen of the event in which the reply has to stop, and the end of it."""
        out, message = [], event.refusal
        for piece in event.pieces:
            text = piece.guarded
            part = piece.said.text[: max(0, text.visible - piece.start)]
            seen = text.shown(part, piece.start)
            if seen and piece.said.channel in ("delta.content", "text"):
                out.append(self._event(piece.choice, {"content": seen}, None))
            if text.ended is not None:
                message = text.message
        begun = self._texts.choices or [0]
        refusal: Json = {"refusal": message or BLOCKED}
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
        self._texts.cancel()


def _samples(choices: Sequence[Json]) -> dict[int, tuple[str, ...]]:
    """For each choice what the others say, where the client asked for several."""
    said = [choice.get("message", choice).get("content") or choice.get("text") for choice in choices]
    texts = [text if isinstance(text, str) else "" for text in said]
    found = {number: tuple(texts[:number] + texts[number + 1 :]) for number in range(len(texts))}
    return found if len(texts) > 1 else {}


def _mended(choice: Json, event: Event) -> bool:
    """Of a whole reply: whether anything of a choice had to be changed, which then was."""
    messages = [piece.guarded.message for piece in event.pieces if piece.guarded.ended is not None]
    messages += [event.refusal] if event.refusal is not None else []
    if messages:
        index, legacy = choice.get("index", 0), isinstance(choice.get("text"), str)
        choice.clear()
        choice |= {"index": index, "finish_reason": "content_filter", "logprobs": None}
        choice |= {"text": ""} if legacy else {"message": _refusing(messages[0])}
        return True
    return event.write()


def _silenced(reply: Json, around: Event) -> bool:
    """Of a whole reply what stands outside its choices: taken away, where a guard ends it, or redacted."""
    ended = {str(piece.said.way[0]) for piece in around.pieces if piece.guarded.ended is not None}
    for name in ended:
        del reply[name]
    left = Event(b"", reply, [piece for piece in around.pieces if piece.said.way[0] not in ended])
    return left.write() or bool(ended)


def _nobody(events: bytes) -> None:
    """Takes the events of a reply that has none: a whole one."""


def _refusing(message: str) -> Json:
    return {"role": "assistant", "content": None, "refusal": message}
