"""Trace context: what is valid goes on under a span of ours, what is not begins nothing and goes nowhere."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.telemetry.trace import TraceContext

HEX = "0123456789abcdef"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@given(
    st.text(HEX, min_size=32, max_size=32), st.text(HEX, min_size=16, max_size=16), st.text(HEX, min_size=2, max_size=2)
)
@example(TRACE, PARENT, "01")
@example("0" * 32, PARENT, "01")
@example(TRACE, "0" * 16, "01")
def test_what_comes_in_goes_on_under_a_span_of_ours(trace: str, parent: str, flags: str) -> None:
    context = TraceContext.read(f"00-{trace}-{parent}-{flags}".encode())
    if set(trace) == {"0"} or set(parent) == {"0"}:
        assert context is None
        return
    assert context is not None
    assert (context.trace_id, context.parent_id, context.flags) == (trace, parent, flags)
    assert len(bytes.fromhex(context.span_id)) == 8
    onward = context.header
    assert onward.endswith(b"\r\n")
    assert TraceContext.read(onward.removeprefix(b"traceparent: ").strip()) is not None
    assert onward == f"traceparent: 00-{trace}-{context.span_id}-{flags}\r\n".encode()


def test_every_call_has_a_span_of_its_own() -> None:
    header = f"00-{TRACE}-{PARENT}-01".encode()
    spans = [context.span_id for context in (TraceContext.read(header) for _ in range(50)) if context is not None]
    assert len(set(spans)) == 50
    assert PARENT not in spans


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"00",
        f"00-{TRACE}-{PARENT}".encode(),
        f"00-{TRACE.upper()}-{PARENT}-01".encode(),
        f"ff-{TRACE}-{PARENT}-01".encode(),
        f"00-{TRACE}-{PARENT}-01-more".encode(),
        f"00-{TRACE}-{PARENT}-01\n".encode(),
        f" 00-{TRACE}-{PARENT}-01".encode(),
        f"00-{TRACE[:-1]}g-{PARENT}-01".encode(),
        "00-é".encode(),
    ],
)
def test_what_is_no_trace_begins_nothing(header: bytes | None) -> None:
    assert TraceContext.read(header) is None


@given(st.binary(max_size=80))
def test_whatever_a_client_sends_what_goes_on_is_one_line(header: bytes) -> None:
    context = TraceContext.read(header)
    if context is not None:
        assert context.header.count(b"\n") == 1
