"""Content capture: what was said in a call, redacted, then journalled, then shipped to the database like a record.

Off unless the setting `content` says otherwise. Contents have a journal of their own, so that however large they are
they never delay a record or put one in danger. Nothing that is to be taken out is ever written, the journal included.

It fails open: a call is never held up, and what comes faster than it can be looked through, is too large for that, or
would fill the disk while the database is dead, is dropped and counted. What was offered and not yet journalled is lost
with its process.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson
from sqlalchemy import Connection

from gateway.content_policy import ContentPolicy
from gateway.front.transcript import Transcript
from gateway.journal import Journal, Read, read_as
from gateway.redaction import Redactor
from gateway.shipper import Carrier
from gateway.store import contents as rows
from gateway.store.contents import Content
from gateway.types import Principal
from gateway.wire.spoken import spoken

log = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024
"""Of a request or an answer that is looked through: about 50 ms of one core."""
SMALL = 8 * 1024
"""Looked through between two calls; what is larger goes to a thread."""
MOST_WAITING = 32 * 1024 * 1024
MOST_SEGMENTS = 32
"""Of the journal, that wait for a database which is dead: the disk is the records'."""
BATCH = 50
"""Contents written together."""
LAST_PASS = 2.0


class Said(msgspec.Struct):
    """A request and its answer as they went over the wire."""

    id: str
    started: int
    request: bytes
    answer: bytes | None
    stream: bool

    @property
    def size(self) -> int:
        return len(self.request) + len(self.answer or b"")


_DECODER = msgspec.msgpack.Decoder(Content)


class Contents:
    """One per process; belongs to its event loop."""

    def __init__(self, policy: ContentPolicy, journal: Journal) -> None:
        self._policy = policy
        self._off = policy.off
        self._redactor = Redactor(policy.redact, policy.patterns)
        self._journal = journal
        self._queue: asyncio.Queue[Said] = asyncio.Queue()
        self._waiting = 0
        self.captured = self.dropped = 0

    def wants(self, principal: Principal, endpoint: str | None) -> bool:
        """Whether this call's content is to be captured; endpoint is None for an upstream asked by name."""
        return not self._off and self._policy.wants(principal.key_id, endpoint, random.random())  # noqa: S311

    def offer(self, call_id: str, started: int, transcript: Transcript) -> None:
        """What was asked and answered, at the end of the call."""
        said = Said(call_id, started, transcript.body, transcript.said, transcript.stream)
        if self._waiting + said.size > MOST_WAITING:
            self.dropped += 1
            return
        self._waiting += said.size
        self._queue.put_nowait(said)

    async def run(self) -> None:
        """Redact and journal, for ever."""
        while True:
            said = await self._queue.get()
            try:
                await self._capture(said)
            except Exception:
                self.dropped += 1
                log.exception("defect while capturing the content of %s", said.id)
            self._waiting -= said.size
            self._queue.task_done()
            await asyncio.sleep(0)

    async def _capture(self, said: Said) -> None:
        if len(self._journal.held) > MOST_SEGMENTS:
            self.dropped += 1
            return
        content = self.redacted(said) if said.size <= SMALL else await asyncio.to_thread(self.redacted, said)
        self._journal.append(content)
        self.captured += 1

    async def close(self) -> None:
        """Let what waits be journalled, for `LAST_PASS` seconds. Called while `run` still runs."""
        try:
            async with asyncio.timeout(LAST_PASS):
                await self._queue.join()
        except TimeoutError:
            self.dropped += self._queue.qsize()

    def redacted(self, said: Said) -> Content:
        """What is kept of it. Cut only after it was redacted: half a card number is not known for one."""
        parsed = [_parsed(said.request), _parsed(said.answer, said.stream)]
        done = self._redactor.redact(parsed)
        most = self._policy.max_bytes
        whole = [orjson.dumps(value) if value is not None else None for value in done.value]
        kept = [text[:most].decode("utf-8", "ignore") if text is not None else None for text in whole]
        truncated = any(text is None or len(text) > most for text in whole)
        return Content(said.id, said.started, kept[0], kept[1], dict(done.counts), truncated)

    def gauges(self) -> dict[str, tuple[str, float]]:
        lost = self.dropped + self._journal.dropped
        return {
            "contents_captured": ("Contents of calls redacted and journalled.", self.captured),
            "contents_dropped": ("Contents of calls that were to be captured and are lost.", lost),
        }


class ContentShipper(Carrier[Content]):
    """Ships contents as `Shipper` ships records."""

    def read(self, segment: Path, offset: int, limit: int) -> Read[Content]:
        return read_as(_DECODER, segment, offset, min(limit, BATCH))

    def write(self, connection: Connection, segment: str, offset: int, records: Sequence[Content]) -> None:
        rows.ship(connection, segment, offset, records)


def _parsed(data: bytes | None, stream: bool = False) -> Any:
    """None where there is nothing, or more than is looked through; a text where it is no JSON."""
    if not data or len(data) > MOST_BYTES:
        return None
    if stream:
        return spoken(data)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return data.decode("utf-8", "replace")
