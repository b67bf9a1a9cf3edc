"""How an upstream is asked: what it cannot honour is refused by name, or dropped as declared, never silently."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest, UnsupportedParam
from gateway.http.base import Timeouts
from gateway.providers.transformers import TransformersConfig, TransformersProvider
from gateway.types import Json
from gateway.upstreams import Upstream
from gateway.wire.surface import Call

HELLO = [{"role": "user", "content": "hello"}]
FIELDS = ("temperature", "seed", "tools", "logprobs", "new_field")
NAMES = st.frozensets(st.sampled_from(FIELDS))


class Refusing(TransformersProvider):
    """A provider that refuses what the test says. It is never asked anything."""

    def __init__(self, refuses: frozenset[str]) -> None:
        super().__init__(TransformersConfig("none"))
        self.refuses = refuses


def upstream(refuses: frozenset[str] = frozenset(), drops: frozenset[str] = frozenset()) -> Upstream:
    return Upstream("u", "test", "m", Refusing(refuses), drops=drops, timeouts=Timeouts(1, 2, 3, 4))


def call(stream: bool = False, **fields: Any) -> Call:
    body: Json = {"model": "u", "messages": HELLO, **fields}
    return Call("u", body, stream, dict(body))


@given(NAMES, NAMES, st.dictionaries(st.sampled_from(FIELDS), st.none() | st.integers(0, 3)))
def test_a_field_is_sent_dropped_or_refused(refuses: frozenset[str], drops: frozenset[str], sent: Json) -> None:
    """Fields it can honour are always sent; what it cannot is dropped where that is declared, or was null."""
    asked = call(**sent)
    wanted = {name for name in sent if name in refuses and sent[name] is not None and name not in drops}
    if wanted:
        with pytest.raises(UnsupportedParam) as refused:
            upstream(refuses, drops).ask(asked, "chat", b"")
        assert refused.value.param == min(wanted)
        assert "`drop`" in refused.value.message
        return
    ask = upstream(refuses, drops).ask(asked, "chat", b"")
    assert ask.body == {"model": "u", "messages": HELLO, **{n: v for n, v in sent.items() if n not in refuses}}
    assert asked.dropped == sorted(sent.keys() & refuses)


def test_a_stream_always_asks_for_its_figures() -> None:
    for given_ in ({}, {"stream_options": None}, {"stream_options": {"include_usage": False, "new": 1}}):
        ask = upstream().ask(call(stream=True, **given_), "chat", b"trace")
        assert ask.body["stream"] is True
        assert ask.body["stream_options"] == {**(given_.get("stream_options") or {}), "include_usage": True}
        assert (ask.stream, ask.trace, ask.timeouts) == (True, b"trace", Timeouts(1, 2, 3, 4))


def test_without_a_stream_nothing_is_added() -> None:
    ask = upstream().ask(call(), "chat", b"", "v1")
    assert ask.body == {"model": "u", "messages": HELLO}
    assert (ask.stream, ask.adapter) == (False, "v1")


def test_an_operation_it_does_not_serve() -> None:
    with pytest.raises(BadRequest) as refused:
        upstream().ask(call(), "embeddings", b"")
    assert (refused.value.code, refused.value.param) == ("unsupported_operation", "model")


def test_without_a_message_there_is_nothing_to_answer() -> None:
    with pytest.raises(BadRequest) as refused:
        upstream().ask(call(messages=[]), "chat", b"")
    assert (refused.value.param, refused.value.code) == ("messages", "invalid_value")
