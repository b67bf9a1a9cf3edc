"""What guards judged in a call, as far as it is kept: answers of every form, and what a shadow was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from gateway.judged import BLOCKED_ANSWER, CUT, NOT_KEPT, NOT_THERE, causes, judged, said_in
from gateway.record import CallRecord
from gateway.store import contents
from gateway.store.contents import Content
from gateway.store.engine import Store
from gateway.store.migrations import migrate

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("choices", "message", "tool_calls", "function", "text", "content")), inner)
    ),
    max_leaves=12,
)

CALLS = st.fixed_dictionaries({"tool_calls": JSON | st.lists(st.fixed_dictionaries({"function": JSON}))})
CHOICES = st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"message": JSON | CALLS, "text": JSON}))})


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with closing(Store(f"sqlite:///{tmp_path_factory.mktemp('judged') / 'sluice.db'}")) as store:
        migrate(store)
        with store.begin() as opened:
            yield opened


def told(source: str, stage: str = "output", action: str = "flag") -> dict[str, Any]:
    return {"guard": "g", "stage": stage, "action": action, "source": source, "ms": 0.1, "score": 1.0}


def found(connection: Connection, call: str, entry: dict[str, Any], **of: Any) -> tuple[str | None, str | None]:
    record = CallRecord(call, 1, of.pop("surface", "chat"), 200, guards=orjson.dumps([entry]).decode(), **of)
    (one,) = judged(connection, record, causes(record))
    return one.text, one.missing


def keep(connection: Connection, call: str, answer: Any, request: str | None = "{}") -> str:
    text = answer if isinstance(answer, str) or answer is None else orjson.dumps(answer).decode()
    contents.ship(connection, "one", 1, [Content(call, 1, request, text, {}, False)])
    return call


def test_answers_of_every_form(connection: Connection) -> None:
    arguments = {"function": {"name": "f", "arguments": '{"a":1}'}}
    whole = {"choices": [{"message": {"content": "Hi.", "tool_calls": [arguments]}}, {"text": "Ho."}]}
    call = keep(connection, "req_whole", whole)
    assert found(connection, call, told("choices.0.message.content"))[0] == "Hi."
    assert found(connection, call, told("choices.1.text"))[0] == "Ho."
    assert found(connection, call, told("choices.0.tool_calls.0", "tool_calls"))[0] == '{"a":1}'
    assert found(connection, call, told("choices.7.text")) == (None, NOT_THERE)
    assert found(connection, call, told("choices.7.text", action="block")) == (None, BLOCKED_ANSWER)
    said = {"choices.0.content": "Hi.", "choices.1.text": "Ho.", "choices.0.tool_calls.0.arguments": "{}"}
    call = keep(connection, "req_stream", said)
    assert found(connection, call, told("choices.0.delta.content"))[0] == "Hi."
    assert found(connection, call, told("choices.1.text"))[0] == "Ho."
    assert found(connection, call, told("choices.0.tool_calls.0", "tool_calls"))[0] == "{}"


def test_what_is_not_known_says_why(connection: Connection) -> None:
    assert found(connection, "req_none", told("messages.0.content", "input")) == (None, NOT_KEPT)
    call = keep(connection, "req_cut", None, '{"model": "bo')
    assert found(connection, call, told("messages.0.content", "input")) == (None, CUT)
    call = keep(connection, "req_whose", None)
    assert found(connection, call, told("messages.0.content", "input"), release="d") == (None, NOT_THERE)


def test_a_shadow_was_asked_what_its_twin_was(connection: Connection) -> None:
    keep(connection, "req_twin", {"choices": [{"text": "Ho."}]})
    shadow = CallRecord("req_shadow", 1, "completions", 200, pair="req_twin")
    content = said_in(connection, shadow)
    assert content is not None
    assert (content.request, content.answer) == ("{}", None)
    assert said_in(connection, CallRecord("req_other", 1, "chat", 200, pair="req_nobody")) is None


@given(answer=JSON | CHOICES)
def test_whatever_was_kept_is_read(connection: Connection, answer: Any) -> None:
    call = f"req_{sha256(orjson.dumps(answer)).hexdigest()[:20]}"
    if contents.get(connection, call) is None:
        keep(connection, call, orjson.dumps(answer).decode())
    text, missing = found(connection, call, told("choices.0.message.content"))
    assert (text is None) == (missing is not None)
