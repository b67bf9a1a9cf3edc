"""What an upstream's error means for our client: its own faults keep their words, ours give nothing away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import (
    BadRequest,
    ContextLength,
    GatewayError,
    RateLimited,
    TooLarge,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
)
from gateway.providers.refusal import LONGEST_WAIT, MAX_MESSAGE, refused, retry_after

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SECRET = "Incorrect API key provided: sk-secret. See https://internal.example"


def body(message: Any = "said", **fields: Any) -> bytes:
    return orjson.dumps({"error": {"message": message, **fields}})


@pytest.mark.parametrize(
    ("status", "kind", "seen"),
    [
        (400, BadRequest, 400),
        (409, BadRequest, 400),
        (422, BadRequest, 400),
        (401, UpstreamFailed, 502),
        (403, UpstreamFailed, 502),
        (404, UpstreamFailed, 502),
        (408, UpstreamTimeout, 504),
        (504, UpstreamTimeout, 504),
        (413, TooLarge, 413),
        (429, RateLimited, 429),
        (500, UpstreamRefused, 502),
        (502, UpstreamRefused, 502),
        (503, UpstreamRefused, 502),
        (529, UpstreamRefused, 502),
        (402, UpstreamRefused, 502),
        (418, UpstreamRefused, 502),
        (301, UpstreamRefused, 502),
        (204, UpstreamRefused, 502),
    ],
)
def test_each_status(status: int, kind: type[GatewayError], seen: int) -> None:
    error = refused(status, body(), [])
    assert type(error) is kind
    assert error.status == seen


@pytest.mark.parametrize("status", [401, 403, 404])
def test_our_own_faults_tell_nothing_of_what_the_upstream_said(status: int) -> None:
    error = refused(status, body(SECRET, code="invalid_api_key", param="sk-secret"), [])
    assert "secret" not in orjson.dumps([error.message, error.code, error.param]).decode()
    assert "operator" in error.message


def test_the_client_s_faults_keep_the_upstream_s_words() -> None:
    error = refused(400, body("Bad 'n'.", param="n", code="invalid_value"), [])
    assert (error.message, error.param, error.code) == ("Bad 'n'.", "n", "invalid_value")


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"message": "whatever", "code": "context_length_exceeded"}},
        {"error": {"message": "This model's maximum context length is 8192 tokens."}},
        {"error": {"message": "the request exceeds the available context size"}},
        {"detail": "Prompt is longer than the context window."},
        {"message": "exceed_context_size_error"},
    ],
)
def test_a_prompt_that_does_not_fit_is_known_by_any_name(answer: Any) -> None:
    error = refused(400, orjson.dumps(answer), [])
    assert type(error) is ContextLength
    assert error.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"error": {"message": "openai"}}, "openai"),
        ({"error": "ollama"}, "ollama"),
        ({"detail": "fastapi"}, "fastapi"),
        ({"message": "mistral"}, "mistral"),
        ({"detail": [{"msg": "pydantic"}]}, "The upstream refused the request."),
        ([1], "The upstream refused the request."),
        ({}, "The upstream refused the request."),
    ],
)
def test_words_are_found_where_each_kind_of_server_puts_them(answer: Any, message: str) -> None:
    assert refused(400, orjson.dumps(answer), []).message == message


@pytest.mark.parametrize("raw", [b"", b"<html>Bad Gateway</html>", b"\xff\xfe", b"{", b"null", b'"text"'])
def test_garbage_is_no_message(raw: bytes) -> None:
    assert refused(502, raw, []).message == "The upstream answered with status 502."


@given(st.integers(201, 599), JSON | st.builds(lambda e: {"error": e}, JSON))
def test_whatever_it_answers_becomes_one_of_our_errors(status: int, answer: Any) -> None:
    error = refused(status, orjson.dumps(answer), [(b"retry-after", b"1")])
    assert error.message
    assert len(error.message) < MAX_MESSAGE + 100
    assert error.code is None or isinstance(error.code, str)
    assert error.param is None or isinstance(error.param, str)


def test_a_refusal_keeps_what_the_upstream_said() -> None:
    error = refused(503, body("Overloaded.", code="overloaded"), [(b"retry-after", b"3")])
    assert isinstance(error, UpstreamRefused)
    assert (error.upstream_status, error.code, error.retry_after) == (503, "overloaded", 3)
    assert error.error == {"message": "Overloaded.", "code": "overloaded"}


# How long to wait ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ([], None),
        ([(b"retry-after", b"2")], 2),
        ([(b"retry-after", b"0.5")], 0.5),
        ([(b"retry-after-ms", b"1500"), (b"retry-after", b"9")], 1.5),
        ([(b"retry-after-ms", b"soon"), (b"retry-after", b"9")], 9),
        ([(b"retry-after", b"-5")], 0),
        ([(b"retry-after", b"86400")], LONGEST_WAIT),
        ([(b"retry-after", b"inf")], LONGEST_WAIT),
        ([(b"retry-after", b"nan")], None),
        ([(b"retry-after", b"soon")], None),
        ([(b"retry-after", b"")], None),
        ([(b"retry-after", b"Wed, 21 Oct 2015 07:28:00 GMT")], 0),
        ([(b"retry-after", b"\xff\xfe")], None),
    ],
)
def test_how_long_to_wait(fields: list[tuple[bytes, bytes]], seconds: float | None) -> None:
    assert retry_after(fields) == seconds


def test_a_date_to_come_is_waited_for() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    wait = retry_after([(b"retry-after", soon.encode())])
    assert wait is not None
    assert 0 < wait <= 60


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_whatever_the_field_holds_the_wait_is_bounded(exact: bytes, plain: bytes) -> None:
    wait = retry_after([(b"retry-after-ms", exact), (b"retry-after", plain)])
    assert wait is None or 0 <= wait <= LONGEST_WAIT
