"""W3C trace context (https://www.w3.org/TR/trace-context/): it comes in with a request and goes on to the upstream."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Ids in hex. `parent_id` is the caller's span, `span_id` ours."""

    trace_id: str
    span_id: str
    parent_id: str
    flags: str

    @classmethod
    def read(cls, traceparent: bytes | None) -> TraceContext | None:
        """None without a valid header: the span then begins a trace of its own, made when it is exported."""
        found = _TRACEPARENT.fullmatch(traceparent) if traceparent is not None else None
        if found is None or found[1] == b"0" * 32 or found[2] == b"0" * 16:
            return None
        return cls(found[1].decode(), os.urandom(8).hex(), found[2].decode(), found[3].decode())

    @property
    def header(self) -> bytes:
        """The `traceparent` field for the upstream, ended by CRLF."""
        return f"traceparent: 00-{self.trace_id}-{self.span_id}-{self.flags}\r\n".encode()
