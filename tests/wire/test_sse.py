"""Events survive any cut; whatever goes in comes out whole and in order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamFailed
from gateway.wire.sse import EventSplitter, event_data, frame

payloads = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)


def cut(data: bytes, points: list[int]) -> list[bytes]:
    edges = [0, *sorted(p % (len(data) + 1) for p in points), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(
    st.lists(payloads, max_size=8), st.lists(st.integers(0, 10_000), max_size=12), st.sampled_from(["\n", "\r\n", "\r"])
)
def test_any_cut_gives_the_same_events(texts: list[str], points: list[int], newline: str) -> None:
    wire = b"".join(frame(t.encode()) for t in texts).replace(b"\n", newline.encode())
    splitter = EventSplitter()
    got = [event for piece in cut(wire, points) for event in splitter.feed(piece)]
    assert [event_data(e) for e in got] == [t.encode() for t in texts]
    assert splitter.rest == b""


def test_comments_and_named_events() -> None:
    events = EventSplitter().feed(b": keep-alive\n\nevent: x\ndata: {}\n\ndata:a\ndata: b\n\n")
    assert [event_data(e) for e in events] == [None, b"{}", b"a\nb"]


def test_an_event_without_end_is_refused() -> None:
    splitter = EventSplitter(limit=100)
    with pytest.raises(UpstreamFailed):
        splitter.feed(b"data: " + b"x" * 200)


@pytest.mark.parametrize(
    ("end", "torn"),
    [
        (b"", False),
        (b"\n", False),
        (b"data: [DONE]", False),
        (b"data: [DONE]\n", False),
        (b"data:[DONE]\r\n", False),
        (b"data: [DO", True),
        (b"data: {}", True),
        (b": keep-alive", True),
    ],
)
def test_a_stream_is_torn_inside_an_event_unless_that_ends_it(end: bytes, torn: bool) -> None:
    splitter = EventSplitter()
    splitter.feed(b"data: {}\n\n" + end)
    assert splitter.torn is torn
