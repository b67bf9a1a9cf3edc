"""How the client asks: what it sends, when it asks again, and what it raises."""

from __future__ import annotations

import pytest

from gateway.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GatewayError,
    Internal,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
    error_object,
)
from tests.answering import Told
from tests.client.halves import Half

SLOW_DOWN = error_object(RateLimited("Slow down.", param="key"))
BROKEN = error_object(Internal("Oops."))


def test_it_asks_as_the_key_and_leaves_none_out(half: Half, told: Told) -> None:
    told.answer(200, {"held": 1})
    transport = half.transport(f"{told.url}/", 0)
    assert half.run(transport.get("/admin/calls", limit=3, endpoint=None)) == {"held": 1}
    assert half.run(transport.put("/admin/things", {"a": 1})) == {"held": 1}
    assert half.run(transport.delete("/admin/things", reason="old")) == {"held": 1}
    half.close(transport)
    assert [(asked.method, asked.path, asked.body) for asked in told.asked] == [
        ("GET", "/admin/calls?limit=3", None),
        ("PUT", "/admin/things", {"a": 1}),
        ("DELETE", "/admin/things?reason=old", None),
    ]
    assert {asked.headers["authorization"] for asked in told.asked} == {"Bearer sk-test"}


def test_an_address_is_one_of_http(half: Half) -> None:
    for url in ("127.0.0.1:8080", "ftp://gateway"):
        with pytest.raises(BadRequest, match="begins with http:// or https://"):
            half.client(url, "sk-test")


@pytest.mark.parametrize("kind", [BadRequest, Unauthenticated, Forbidden, NotFound, Conflict])
def test_a_refusal_is_the_gateways_own_error(half: Half, told: Told, kind: type[GatewayError]) -> None:
    told.answer(kind.status, error_object(kind("No.", param="name", code="because")), x_request_id="req_1")
    transport = half.transport(told.url, 2)
    with pytest.raises(kind) as refused:
        half.run(transport.get("/admin/x"))
    half.close(transport)
    error = refused.value
    assert (error.message, error.param, error.code, error.request_id) == ("No.", "name", "because", "req_1")
    assert len(told.asked) == 1


@pytest.mark.parametrize("body", [b"<p>hello</p>", {"error": "text"}, {"error": {}}, []])
@pytest.mark.parametrize("status", [200, 404])
def test_what_is_no_gateway_is_told_apart(half: Half, told: Told, status: int, body: object) -> None:
    if status == 200:
        body = b"<p>hello</p>"
    told.answer(status, body)
    transport = half.transport(told.url, 0)
    with pytest.raises(Unavailable, match=f"status {status}") as refused:
        half.run(transport.get("/admin/x"))
    half.close(transport)
    assert refused.value.code == "gateway_unreachable"


def test_what_passes_is_waited_out_as_long_as_told(half: Half, told: Told) -> None:
    told.answer(429, SLOW_DOWN, retry_after_ms="1", x_should_retry="true")
    told.answer(503, BROKEN, retry_after="0")
    told.answer(200, {"held": 1})
    transport = half.transport(told.url, 2)
    assert half.run(transport.get("/admin/x")) == {"held": 1}
    half.close(transport)
    assert len(told.asked) == 3


def test_attempts_end(half: Half, told: Told) -> None:
    told.answer(429, SLOW_DOWN, retry_after="0.001")
    transport = half.transport(told.url, 2)
    with pytest.raises(RateLimited, match="Slow down") as refused:
        half.run(transport.get("/admin/x"))
    half.close(transport)
    assert (len(told.asked), refused.value.retry_after) == (3, 0.001)


def test_a_gateway_that_says_not_to_try_again_is_believed(half: Half, told: Told) -> None:
    told.answer(429, SLOW_DOWN, x_should_retry="false")
    transport = half.transport(told.url, 2)
    with pytest.raises(RateLimited):
        half.run(transport.get("/admin/x"))
    half.close(transport)
    assert len(told.asked) == 1


def test_a_post_that_may_have_been_done_is_not_made_again(half: Half, told: Told) -> None:
    transport = half.transport(told.url, 2)
    told.hang_up()
    with pytest.raises(Unavailable, match="No gateway answers"):
        half.run(transport.post("/admin/rollouts", {}))
    told.answers.clear()
    told.answer(500, BROKEN)
    with pytest.raises(Internal):
        half.run(transport.post("/admin/rollouts", {}))
    half.close(transport)
    assert len(told.asked) == 2


def test_a_post_that_may_be_repeated_is_under_the_same_key(half: Half, told: Told) -> None:
    told.hang_up()
    told.answer(500, BROKEN, retry_after_ms="1")
    told.answer(200, {"held": 1})
    transport = half.transport(told.url, 2)
    assert half.run(transport.post("/v1/feedback", {"score": 1}, repeatable=True)) == {"held": 1}
    half.run(transport.post("/v1/feedback", {"score": 1}, repeatable=True))
    half.close(transport)
    first, second, third, other = (asked.headers["idempotency-key"] for asked in told.asked)
    assert first == second == third != other


def test_a_post_that_was_not_taken_is_made_again(half: Half, told: Told) -> None:
    told.answer(429, SLOW_DOWN, retry_after_ms="1")
    told.answer(200, {"held": 1})
    transport = half.transport(told.url, 1)
    assert half.run(transport.post("/admin/rollouts", {})) == {"held": 1}
    half.close(transport)


def test_where_no_gateway_is(half: Half) -> None:
    transport = half.transport("http://127.0.0.1:9", 0)
    with pytest.raises(Unavailable, match="No gateway answers at") as refused:
        half.run(transport.get("/admin/x"))
    half.close(transport)
    assert refused.value.code == "gateway_unreachable"
