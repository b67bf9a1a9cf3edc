"""Days on which requests, upstreams and the network go wrong: the right error, in OpenAI's shape, never a success."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.upstream import Answer, ScriptedUpstream, scripted_upstream
from tests.running import Gateway, running_gateway

TEXT = "naïve ☃ 𐍈 日本"
"""Characters of one to four bytes."""
USER = {"role": "user", "content": "hello"}
SURFACES = ("chat/completions", "completions", "embeddings", "responses")


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as started:
        yield started


ODD = {
    "mute": (b"", "upstream_cut"),
    "ssh": (b"SSH-2.0-OpenSSH_9.9\r\n", "upstream_garbage"),
    "tls": (b"\x15\x03\x03\0\x02\x02\x28", "upstream_garbage"),
    "two-lengths": (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "upstream_garbage"),
    "bad-chunk": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "upstream_garbage"),
}
"""What servers that speak no HTTP say to a request, and what that is called."""


@contextmanager
def says(data: bytes) -> Iterator[str]:
    """A server that takes what comes, sends `data` and closes; gives its URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(data)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def relay(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway in front of `upstream` (`demo`), of those who speak no HTTP, and of nobody."""
    with ExitStack() as stack:
        urls = {name: stack.enter_context(says(data)) for name, (data, _) in ODD.items()}
        urls["demo"] = upstream.url
        urls["nameless"] = "http://no-such-host.invalid/v1"
        urls["deaf"] = "http://127.0.0.1:9/v1"
        urls["plain"] = upstream.url.replace("http://", "https://")
        upstreams = {name: {"provider": "openai", "model": "m", "base_url": url} for name, url in urls.items()}
        yield stack.enter_context(running_gateway(tmp_path_factory.mktemp("relay"), upstreams))


def post(gateway: Gateway, surface: str, body: bytes) -> httpx.Response:
    headers = {**gateway.headers, "content-type": "application/json"}
    return httpx.post(f"{gateway.api}/{surface}", content=body, headers=headers, timeout=30)


def ask(gateway: Gateway, model: str = "demo", **more: Any) -> httpx.Response:
    body = {"model": model, "messages": [USER], **more}
    return post(gateway, "chat/completions", json.dumps(body).encode())


def ask_in_steps(gateway: Gateway, upstream: ScriptedUpstream) -> httpx.Response:
    """A stream whose upstream waits until the first event has reached the client."""
    body = {"model": "demo", "messages": [USER], "stream": True}
    with httpx.stream("POST", f"{gateway.api}/chat/completions", json=body, headers=gateway.headers) as reply:
        content = b""
        for piece in reply.iter_raw():
            content += piece
            upstream.going.set()
        return httpx.Response(reply.status_code, headers=reply.headers, content=content)


def refusal(reply: httpx.Response) -> dict[str, Any]:
    """The error object of a refused call: OpenAI's four keys, a sentence to read, ids and advice in the headers."""
    assert reply.status_code >= 400
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"].startswith("req_")
    assert reply.headers["x-should-retry"] in ("true", "false")
    return error_of(reply.json())


def error_of(body: Any) -> dict[str, Any]:
    assert body.keys() == {"error"}
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"].endswith((".", "`"))
    return error


def events(reply: httpx.Response) -> list[Any]:
    """The data of a stream's events; `[DONE]` as it is."""
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/event-stream")
    data = [event.removeprefix("data: ") for event in reply.text.split("\n\n") if event]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


def broken_off(reply: httpx.Response) -> dict[str, Any]:
    """The error that ended a stream after it had begun: the last event, and no `[DONE]`, so that no client takes what
    came for the whole."""
    *before, last = events(reply)
    assert before
    assert "[DONE]" not in before
    return error_of(last)


def chunk(content: str | None = None, finish: str | None = None, index: int = 0) -> bytes:
    choice = {"index": index, "delta": {} if content is None else {"content": content}, "finish_reason": finish}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def completion(content: str = "hi", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **more}


DONE = b"data: [DONE]\n\n"

# What clients send ---------------------------------------------------------------------------------------------------

BAD_BODIES = {
    "nothing": (b"", "invalid_json", None),
    "no JSON": (b"hello", "invalid_json", None),
    "half of it": (b'{"model": "demo"', "invalid_json", None),
    "two of it": (b"{}{}", "invalid_json", None),
    "a list": (b"[]", "invalid_json", None),
    "not a number": (b'{"model": "demo", "temperature": NaN}', "invalid_json", None),
    "no UTF-8": (b'{"model": "\xff"}', "invalid_json", None),
    "half a character": (b'{"model": "\\ud800"}', "invalid_json", None),
    "a mark at its start": (b'\xef\xbb\xbf{"model": "demo"}', "invalid_json", None),
    "deep": (b'{"model": "demo", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid_json", None),
    "deep and without end": (b'{"a":' * 1_000_000, "invalid_json", None),
    "the model twice": (b'{"model": "demo", "model": "other"}', "duplicate_key", "model"),
    "the model twice, once escaped": (b'{"model": "demo", "mod\\u0065l": "other"}', "duplicate_key", "model"),
    "another case": (b'{"Model": "demo"}', "invalid_field_name", "Model"),
    "both cases": (b'{"model": "demo", "MODEL": "other"}', "invalid_field_name", "MODEL"),
}


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_body_that_cannot_be_read_in_one_way_is_refused_by_name(gateway: Gateway, case: str, surface: str) -> None:
    body, code, param = BAD_BODIES[case]
    reply = post(gateway, surface, body)
    error = refusal(reply)
    assert reply.status_code == 400
    assert reply.headers["x-should-retry"] == "false"
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/xml"])
def test_another_content_type_is_refused(gateway: Gateway, kind: str) -> None:
    headers = {**gateway.headers, "content-type": kind}
    reply = httpx.post(f"{gateway.api}/chat/completions", content=b"{}", headers=headers)
    assert reply.status_code == 415
    assert "application/json" in refusal(reply)["message"]


def test_a_compressed_body_is_refused(gateway: Gateway) -> None:
    headers = {**gateway.headers, "content-type": "application/json", "content-encoding": "gzip"}
    reply = httpx.post(f"{gateway.api}/chat/completions", content=b"\x1f\x8b", headers=headers)
    assert reply.status_code == 415
    assert "uncompressed" in refusal(reply)["message"]


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_many_keys_and_long_names_are_only_slow_to_write_for_the_client(gateway: Gateway, size: int) -> None:
    body = {"model": "demo", "messages": [{"role": "user", "content": "many"}], "x" * size: 1}
    body |= {f"x{number}": number for number in range(size)}
    assert post(gateway, "chat/completions", json.dumps(body).encode()).status_code == 200


# What upstreams answer, whole ----------------------------------------------------------------------------------------

GARBAGE = {
    "nothing": b"",
    "a page": b"<html><body>It works!</body></html>",
    "half of it": json.dumps(completion()).encode()[:-9],
    "a list": b"[]",
    "null": b"null",
    "deep": b'{"choices": ' + b"[" * 100_000,
    "deep, where nobody looks": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b', "choices": []}',
    "no choices": b'{"id": "c", "object": "chat.completion"}',
    "choices of another kind": b'{"choices": {"0": "hi"}}',
    "no UTF-8": b'{"choices": [{"index": 0, "message": {"content": "\xff\xfe"}}]}',
    "a number beyond all numbers": json.dumps(completion(usage={"prompt_tokens": 10**400})).encode(),
}


@pytest.mark.parametrize("case", GARBAGE)
@pytest.mark.parametrize("surface", ["chat/completions", "embeddings"])
def test_an_upstream_that_answers_garbage(relay: Gateway, upstream: ScriptedUpstream, case: str, surface: str) -> None:
    upstream.answer = Answer((GARBAGE[case],), 200, {"content-type": "application/json"})
    body = {"model": "demo", "input": "x"} if surface == "embeddings" else {"model": "demo", "messages": [USER]}
    reply = post(relay, surface, json.dumps(body).encode())
    assert reply.status_code == 502
    error = refusal(reply)
    assert (error["type"], error["code"]) == ("upstream_error", "upstream_garbage")
    assert reply.headers["x-should-retry"] == "true"


def test_an_upstream_that_reports_an_error_with_status_200(relay: Gateway, upstream: ScriptedUpstream) -> None:
    upstream.says({"error": {"message": "Out of memory.", "type": "x", "param": None, "code": "oom"}})
    reply = ask(relay)
    assert reply.status_code == 502
    assert refusal(reply)["code"] == "oom"
    assert "Out of memory" in refusal(reply)["message"]


def test_an_upstream_that_cuts_its_answer(relay: Gateway, upstream: ScriptedUpstream) -> None:
    upstream.says(completion(), content_length="100000")
    reply = ask(relay)
    assert reply.status_code == 502
    assert refusal(reply)["code"] == "upstream_cut"


@pytest.mark.parametrize(
    ("status", "mine", "code"),
    [
        (301, 502, "upstream_failed"),
        (400, 400, None),
        (401, 502, "upstream_credentials"),
        (404, 502, "upstream_model_not_found"),
        (429, 429, "rate_limit_exceeded"),
        (500, 502, "upstream_failed"),
        (503, 502, "upstream_failed"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_refuses_with_a_page(
    relay: Gateway, upstream: ScriptedUpstream, status: int, mine: int, code: str | None, stream: bool
) -> None:
    page = b"<html><h1>nginx</h1></html>"
    upstream.answer = Answer((page,), status, {"content-type": "text/html"})
    reply = ask(relay, stream=stream)
    assert reply.status_code == mine
    assert refusal(reply)["code"] == code
    assert "nginx" not in refusal(reply)["message"]


@pytest.mark.parametrize("figure", [-1, 2**62, 2**63, 2**64, 10**30])
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_figures_beyond_reason_are_garbage_and_stop_no_record(
    relay: Gateway, upstream: ScriptedUpstream, name: str, figure: int
) -> None:
    upstream.says(completion(usage={name: figure}))
    reply = ask(relay)
    assert refusal(reply)["code"] == "upstream_garbage"
    assert relay.record(reply.headers["x-request-id"])["status"] == 502


@pytest.mark.parametrize(
    "body",
    [
        completion() | {"model": "x" * 17_000_000},
        {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "x" * 17_000_000}]},
        {"error": {"message": "m", "code": "x" * 17_000_000}},
    ],
    ids=["model", "finish_reason", "code"],
)
def test_names_beyond_reason_do_not_keep_the_client_waiting(
    relay: Gateway, upstream: ScriptedUpstream, body: dict[str, Any]
) -> None:
    upstream.says(body)
    reply = ask(relay)
    record = relay.record(reply.headers["x-request-id"])
    assert record["status"] == reply.status_code == (502 if "error" in body else 200)
    assert all(len(str(value)) <= 200 for value in record.values())


# What upstreams stream -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"", b"data: [DONE]", b"data: [DONE]\n"])
def test_a_stream_without_done_is_ended_with_it(relay: Gateway, upstream: ScriptedUpstream, end: bytes) -> None:
    upstream.streams(chunk("hi"), chunk(finish="stop"), end)
    found = events(ask(relay, stream=True))
    assert found[-1] == "[DONE]"
    assert len(found) == 3


CUTS = {
    "before its end": (chunk("one"), chunk(" two")),
    "inside an event": (chunk("one"), chunk(" two", "stop")[:-20]),
    "inside the last line end": (chunk("one"), chunk(" two")[:-1]),
    "with one of two choices unfinished": (chunk("one"), chunk("two", "stop", index=1)),
}


@pytest.mark.parametrize("case", CUTS)
def test_a_stream_that_is_cut_is_never_a_success(relay: Gateway, upstream: ScriptedUpstream, case: str) -> None:
    upstream.streams(*CUTS[case])
    reply = ask(relay, stream=True)
    assert broken_off(reply)["code"] == "upstream_cut"
    record = relay.record(reply.headers["x-request-id"])
    assert record["error"] == "upstream_cut"
    assert record["output_tokens"] >= 1


def test_a_stream_shorter_than_it_said_is_cut(relay: Gateway, upstream: ScriptedUpstream) -> None:
    upstream.streams(chunk("one"), content_length="100000")
    assert broken_off(ask(relay, stream=True))["code"] == "upstream_cut"


@pytest.mark.parametrize("piece", [b"", b"data: {", b": keep-alive\n"])
def test_a_stream_cut_before_its_first_event_has_a_status_of_its_own(
    relay: Gateway, upstream: ScriptedUpstream, piece: bytes
) -> None:
    upstream.streams(piece)
    reply = ask(relay, stream=True)
    assert reply.status_code == 502
    assert refusal(reply)["code"] == "upstream_cut"


SPOILED = {
    "no JSON": b"data: {oops\n\n",
    "half a character": b'data: {"choices": [{"index": 0, "delta": {"content": "\xe2\x98"}}]}\n\n',
    "another kind": b"data: []\n\n",
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_stream_with_a_spoiled_event_is_broken_off(relay: Gateway, upstream: ScriptedUpstream, case: str) -> None:
    upstream.streams(chunk("one"), None, SPOILED[case], chunk(" two", "stop"), DONE)
    assert broken_off(ask_in_steps(relay, upstream))["code"] == "upstream_garbage"
    upstream.streams(SPOILED[case], chunk(" two", "stop"), DONE)
    reply = ask(relay, stream=True)
    assert reply.status_code == 502
    assert refusal(reply)["code"] == "upstream_garbage"


def test_an_error_inside_a_stream_is_passed_on_and_ends_it(relay: Gateway, upstream: ScriptedUpstream) -> None:
    error = {"error": {"message": "Overloaded.", "type": "x", "param": None, "code": "overloaded"}}
    upstream.streams(chunk("one"), None, b"data: " + json.dumps(error).encode() + b"\n\n", DONE)
    assert broken_off(ask_in_steps(relay, upstream))["code"] == "overloaded"


@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/plain"])
def test_a_stream_that_is_none(relay: Gateway, upstream: ScriptedUpstream, kind: str) -> None:
    upstream.says(completion(), content_type=kind)
    reply = ask(relay, stream=True)
    assert reply.status_code == 502
    assert refusal(reply)["code"] == "upstream_garbage"
    assert "stream" in refusal(reply)["message"]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_events_may_be_cut_at_any_byte(relay: Gateway, upstream: ScriptedUpstream, ends: bytes) -> None:
    """Between two bytes of one character too."""
    stream = (chunk(TEXT) + chunk(" end", "stop") + DONE).replace(b"\n", ends)
    first = stream.index(TEXT.encode())
    for at in (*range(first, first + len(TEXT.encode())), *range(len(stream) - 20, len(stream))):
        upstream.streams(stream[:at], stream[at:])
        found = events(ask(relay, stream=True))
        assert found[-1] == "[DONE]"
        assert "".join(one["choices"][0]["delta"].get("content", "") for one in found[:-1]) == TEXT + " end"


def test_events_may_come_byte_by_byte(relay: Gateway, upstream: ScriptedUpstream) -> None:
    stream = chunk(TEXT) + chunk(" end", "stop") + DONE
    upstream.streams(*(stream[at : at + 1] for at in range(len(stream))))
    found = events(ask(relay, stream=True))
    assert found[0]["choices"][0]["delta"]["content"] == TEXT
    assert found[-1] == "[DONE]"


# Nobody there --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "code"),
    [("nameless", "upstream_unreachable"), ("deaf", "upstream_unreachable"), ("plain", "upstream_tls")],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_cannot_be_reached(relay: Gateway, model: str, code: str, stream: bool) -> None:
    reply = ask(relay, model, stream=stream)
    assert reply.status_code == 502
    assert refusal(reply)["code"] == code
    record = relay.record(reply.headers["x-request-id"])
    assert (record["status"], record["error"], record["upstream"], record["cost"]) == (502, code, model, 0)


@pytest.mark.parametrize("name", ODD)
def test_an_upstream_that_does_not_speak_http(relay: Gateway, name: str) -> None:
    reply = ask(relay, name)
    assert reply.status_code == 502
    assert refusal(reply)["code"] == ODD[name][1]
