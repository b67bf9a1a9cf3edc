"""OpenAI's wire, behaviour by behaviour, as clients rely on it: streams, content, parameters and figures.

Between the client's bytes and the upstream's, both of which are looked at, runs the whole gateway.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.upstream import PATIENCE, ScriptedUpstream, scripted_upstream
from tests.running import Gateway, running_gateway

HELLO: list[dict[str, Any]] = [{"role": "user", "content": "hello"}]
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "real-2026"}
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 5,
    "total_tokens": 25,
    "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
DONE = b"data: [DONE]\n\n"


def event(*choices: dict[str, Any], **more: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps({**HEAD, "choices": choices, **more}, ensure_ascii=False).encode()


def delta(finish: str | None = None, index: int = 0, logprobs: Any = None, **made: Any) -> dict[str, Any]:
    return {"index": index, "delta": made, "logprobs": logprobs, "finish_reason": finish}


ROLE = event(delta(role="assistant", content="", refusal=None), usage=None)
WORD = event(delta(content="Grüße 🌍"), usage=None)
STOP = event(delta("stop"), usage=None)
BILL = event(usage=USAGE)


@dataclass(frozen=True)
class Wire:
    """A client, the gateway and its upstream. `upstreams` of the gateway that go there: `wire` and its kin."""

    gateway: Gateway
    upstream: ScriptedUpstream
    http: httpx.Client

    def ask(self, path: str = "/chat/completions", **body: Any) -> httpx.Response:
        asked = {"model": "wire", **({"messages": HELLO} if path == "/chat/completions" else {}), **body}
        return self.http.post(path, json={name: value for name, value in asked.items() if value is not ...})

    def sent_on(self, **body: Any) -> Any:
        """What the upstream was sent for this chat completion."""
        self.upstream.says(completion())
        reply = self.ask(**body)
        assert reply.status_code == 200, reply.text
        return self.upstream.heard().body

    def in_two(self, first: bytes) -> tuple[bytes, bytes]:
        """A stream, whose upstream waits after `first`: what comes before the test tells it to go on, and after."""
        body = {"model": "wire", "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
        with self.http.stream("POST", "/chat/completions", json=body) as reply:
            pieces = reply.iter_raw()
            early = next(pieces)
            while not early.endswith(first):
                early += next(pieces)
            self.upstream.going.set()
            return early, b"".join(pieces)


def completion(**choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "hi", "refusal": None}
    only = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", **choice}
    return {**HEAD, "object": "chat.completion", "choices": [only], "usage": USAGE}


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with scripted_upstream() as upstream:
        reached = {"provider": "openai", "model": "real", "base_url": upstream.url}
        upstreams = {
            "wire": reached,
            "hurried": {**reached, "timeouts": {"first_byte": 0.2}},
            "plain": {**reached, "refuses": ["response_format", "logit_bias"]},
            "lenient": {**reached, "refuses": ["response_format", "logit_bias"], "drop": ["logit_bias"]},
        }
        with (
            running_gateway(tmp_path_factory.mktemp("wire"), upstreams) as gateway,
            httpx.Client(base_url=gateway.api, headers=gateway.headers, timeout=PATIENCE) as http,
        ):
            yield Wire(gateway, upstream, http)


def events(reply: httpx.Response) -> list[dict[str, Any]]:
    """The JSON of every event but `[DONE]`."""
    found = [part.removeprefix("data: ") for part in reply.text.split("\n\n") if part.startswith("data: ")]
    return [json.loads(part) for part in found if part != "[DONE]"]


# SSE framing; chunk identity ------------------------------------------------------------------------------------------


def test_a_stream_passes_byte_by_byte_as_it_came_cut_anywhere(wire: Wire) -> None:
    stream = ROLE + b": keep-alive\n\n" + WORD + STOP + BILL + DONE
    wire.upstream.streams(*(stream[at : at + 1] for at in range(len(stream))))
    reply = wire.ask(stream=True, stream_options={"include_usage": True})
    assert reply.content == stream
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-accel-buffering"] == "no"


def test_a_stream_is_never_compressed(wire: Wire) -> None:
    wire.upstream.streams(ROLE, STOP, DONE)
    body = {"model": "wire", "messages": HELLO, "stream": True}
    reply = wire.http.post("/chat/completions", json=body, headers={"accept-encoding": "gzip, br"})
    assert "content-encoding" not in reply.headers
    assert reply.content.endswith(DONE)


def test_an_event_is_with_the_client_before_the_next_is_made(wire: Wire) -> None:
    wire.upstream.streams(ROLE + WORD, None, STOP + DONE)
    assert wire.in_two(ROLE + WORD) == (ROLE + WORD, STOP + DONE)


def test_a_done_that_is_missing_after_a_whole_answer_is_added(wire: Wire) -> None:
    wire.upstream.streams(ROLE, WORD, STOP)
    assert wire.ask(stream=True).content.endswith(b"\n\n" + DONE)


def test_chunks_keep_their_identity_and_the_first_names_the_role(wire: Wire) -> None:
    wire.upstream.streams(ROLE, WORD, STOP, DONE)
    chunks = events(wire.ask(stream=True))
    assert {(c["id"], c["created"], c["model"], c["object"]) for c in chunks} == {
        tuple(HEAD[k] for k in ("id", "created", "model", "object"))
    }
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert all("role" not in chunk["choices"][0]["delta"] for chunk in chunks[1:])


# Errors within a stream, and before it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ((b'data: {"error":{"message":"overloaded","code":503}}\n\n',), "503"),
        ((b'data: {"error":"overloaded"}\n\n',), "upstream_failed"),
        ((WORD[:40],), "upstream_cut"),
        ((), "upstream_cut"),
        ((b"data: <html>\n\n",), "upstream_garbage"),
    ],
)
def test_a_stream_that_breaks_ends_in_one_error_event_and_never_in_done(
    wire: Wire, broken: tuple[bytes, ...], code: str | None
) -> None:
    wire.upstream.streams(ROLE + WORD, None, *broken)
    early, late = wire.in_two(ROLE + WORD)
    assert early == ROLE + WORD
    assert late.count(b"\n\n") == 1
    last = json.loads(late.removeprefix(b"data: "))
    assert last.keys() == {"error"}
    assert last["error"].keys() == {"message", "type", "param", "code"}
    assert last["error"]["code"] == code


@pytest.mark.parametrize("first", [b'data: {"error":{"message":"overloaded"}}\n\n', b"data: {\n\n", b""])
def test_an_error_before_the_first_event_has_a_status_of_its_own(wire: Wire, first: bytes) -> None:
    wire.upstream.streams(first)
    reply = wire.ask(stream=True)
    assert reply.status_code == 502
    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["error"].keys() == {"message", "type", "param", "code"}


def test_a_refusal_of_a_stream_is_a_plain_error(wire: Wire) -> None:
    wire.upstream.says({"error": {"message": "Too long.", "param": "messages", "code": "too_long"}}, 400)
    reply = wire.ask(stream=True)
    assert reply.status_code == 400
    assert reply.json() == {
        "error": {"message": "Too long.", "type": "invalid_request_error", "param": "messages", "code": "too_long"}
    }


# Usage and obfuscation ------------------------------------------------------------------------------------------------


def test_usage_that_was_asked_for_comes_last_and_without_choices(wire: Wire) -> None:
    wire.upstream.streams(ROLE, WORD, STOP, BILL, DONE)
    chunks = events(wire.ask(stream=True, stream_options={"include_usage": True}))
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == USAGE
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


@pytest.mark.parametrize("options", [..., None, {}, {"include_usage": False}])
def test_usage_nobody_asked_for_is_metered_and_not_shown(wire: Wire, options: Any) -> None:
    wire.upstream.streams(ROLE, WORD, STOP, BILL, DONE)
    reply = wire.ask(stream=True, stream_options=options)
    assert b"usage" not in reply.content
    assert len(events(reply)) == 3
    assert wire.upstream.heard().body["stream_options"]["include_usage"] is True
    assert wire.gateway.record(reply.headers["x-request-id"])["output_tokens"] == 5


def test_obfuscation_passes_both_ways(wire: Wire) -> None:
    padded = event(delta(content="x"), obfuscation="aF3k")
    wire.upstream.streams(padded, STOP, DONE)
    reply = wire.ask(stream=True, stream_options={"include_obfuscation": False})
    assert reply.content.startswith(padded)
    assert wire.upstream.heard().body["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_usage_with_its_details_is_what_is_recorded(wire: Wire) -> None:
    wire.upstream.says(completion())
    reply = wire.ask()
    assert reply.json()["usage"] == USAGE
    record = wire.gateway.record(reply.headers["x-request-id"])
    figures = {name: record[name] for name in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")}
    assert figures == {"input_tokens": 20, "output_tokens": 5, "cached_tokens": 8, "reasoning_tokens": 3}


# Finish reasons, tool calls, choices, log probabilities ---------------------------------------------------------------

TOKEN = {"token": "ü", "logprob": -0.25, "bytes": [195, 188], "top_logprobs": []}
LOGPROBS = {"content": [{**TOKEN, "top_logprobs": [{"token": "u", "logprob": -1.5, "bytes": None}]}], "refusal": None}


def test_tool_calls_and_their_finish_reason_pass_as_they_came(wire: Wire) -> None:
    def call(index: int, arguments: str, **first: Any) -> bytes:
        function = {**first.pop("function", {}), "arguments": arguments}
        return event(delta(tool_calls=[{"index": index, **first, "function": function}]))

    stream = [
        event(delta(role="assistant", content=None)),
        call(0, "", id="call_a", type="function", function={"name": "get_weather"}),
        call(0, '{"city":'),
        call(1, "", id="call_b", type="function", function={"name": "get_time"}),
        call(0, '"Paris"}'),
        call(1, "{}"),
        event(delta("tool_calls")),
        DONE,
    ]
    wire.upstream.streams(*stream)
    reply = wire.ask(stream=True)
    assert reply.content == b"".join(stream)
    assert wire.gateway.record(reply.headers["x-request-id"])["finish"] == "tool_calls"


def test_every_choice_passes_and_every_one_must_finish(wire: Wire) -> None:
    begun = [event(delta(index=i, role="assistant", content="")) for i in (0, 1)]
    ends = [event(delta("stop")), event(delta("length", index=1))]
    wire.upstream.streams(*begun, *ends, DONE)
    assert wire.ask(stream=True, n=2).content == b"".join([*begun, *ends, DONE])
    wire.upstream.streams(*begun, event(delta(content="x")), ends[0])
    assert events(wire.ask(stream=True, n=2))[-1]["error"]["code"] == "upstream_cut"


def test_log_probabilities_pass_whole_and_streamed(wire: Wire) -> None:
    wire.upstream.says(completion(logprobs=LOGPROBS))
    reply = wire.ask(logprobs=True, top_logprobs=1)
    assert reply.json()["choices"][0]["logprobs"] == LOGPROBS
    assert wire.upstream.heard().body["top_logprobs"] == 1
    said = event(delta(content="ü", logprobs=LOGPROBS))
    end = event(delta("stop", logprobs=None))
    wire.upstream.streams(said, end, DONE)
    assert wire.ask(stream=True, logprobs=True).content == said + end + DONE


# Structured outputs and refusals --------------------------------------------------------------------------------------

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}


def test_a_schema_is_sent_on_and_a_refusal_kept(wire: Wire) -> None:
    message = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
    wire.upstream.says(completion(message=message))
    assert wire.ask(response_format=FORMAT).json()["choices"][0]["message"] == message
    assert wire.upstream.heard().body["response_format"] == FORMAT


def test_what_an_upstream_cannot_do_is_refused_by_name_or_dropped_as_declared(wire: Wire) -> None:
    wire.upstream.says(completion())
    refused = wire.ask(model="plain", response_format=FORMAT)
    assert refused.status_code == 400
    assert (refused.json()["error"]["param"], refused.json()["error"]["code"]) == (
        "response_format",
        "unsupported_parameter",
    )
    dropped = wire.ask(model="lenient", logit_bias={"11": 1})
    assert dropped.status_code == 200
    assert dropped.headers["x-sluice-dropped"] == "logit_bias"
    assert "logit_bias" not in wire.upstream.heard().body


# Content and parameters -----------------------------------------------------------------------------------------------


def test_every_kind_of_content_is_sent_on_unchanged(wire: Wire) -> None:
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {
            "role": "user",
            "name": "ada",
            "content": [
                {"type": "text", "text": "What is this? \u2028 \U0001f600"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0=", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "of_next_year", "anything": [1, None]},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "4", "of_next_year": True},
    ]
    assert wire.sent_on(messages=messages)["messages"] == messages


def test_every_parameter_and_unknown_ones_are_sent_on_unchanged(wire: Wire) -> None:
    parameters = {
        "seed": 7,
        "stop": ["\n", "END"],
        "logit_bias": {"50256": -100},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
        "reasoning_effort": "minimal",
        "service_tier": "flex",
        "safety_identifier": "user-1",
        "prompt_cache_key": "k",
        "store": False,
        "metadata": {"team": "a"},
        "max_completion_tokens": 9,
        "temperature": 0,
        "of_next_year": {"deep": [1, 2.5, None, "x"]},
    }
    assert wire.sent_on(**parameters) == {"model": "real", "messages": HELLO, **parameters}
    assert wire.sent_on(max_tokens=9)["max_tokens"] == 9


# Embeddings -----------------------------------------------------------------------------------------------------------

VECTOR = {"object": "list", "model": "e", "data": [{"object": "embedding", "index": 0, "embedding": "AACAPw=="}]}


@pytest.mark.parametrize("given", ["text", ["a", "b"], [1, 2, 3], [[1, 2], [3]]])
def test_embeddings_take_every_kind_of_input_and_never_send_a_null(wire: Wire, given: Any) -> None:
    vectors = {**VECTOR, "usage": {"prompt_tokens": 3, "total_tokens": 3}}
    wire.upstream.says(vectors)
    reply = wire.ask("/embeddings", input=given, encoding_format="base64", dimensions=None, user=None)
    assert reply.json() == vectors
    asked = wire.upstream.heard()
    assert asked.path == "/v1/embeddings"
    assert asked.body == {"model": "real", "input": given, "encoding_format": "base64"}
    assert wire.gateway.record(reply.headers["x-request-id"])["input_tokens"] == 3


# Ids, limits, retries, idempotency ------------------------------------------------------------------------------------


def test_a_reply_names_itself_and_the_record_names_the_client(wire: Wire) -> None:
    wire.upstream.says(completion())
    body = {"model": "wire", "messages": HELLO}
    reply = wire.http.post("/chat/completions", json=body, headers={"x-client-request-id": "mine-1"})
    assert reply.headers["x-request-id"].startswith("req_")
    assert int(reply.headers["openai-processing-ms"]) >= 0
    assert wire.gateway.record(reply.headers["x-request-id"])["client_request_id"] == "mine-1"
    again = wire.http.post("/chat/completions", json=body, headers={"x-client-request-id": "x" * 600})
    assert again.headers["x-request-id"] != reply.headers["x-request-id"]
    assert len(wire.gateway.record(again.headers["x-request-id"])["client_request_id"]) == 128


@pytest.mark.parametrize("status", [200, 400, 429, 503])
def test_the_upstreams_rate_limits_reach_the_client(wire: Wire, status: int) -> None:
    limits: dict[str, Any] = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-reset-tokens": "6m0s",
        "x-ratelimit-reset-requests": "12ms",
    }
    wire.upstream.says(completion() if status == 200 else {"error": {"message": "No."}}, status, **limits)
    reply = wire.ask()
    assert {name: reply.headers[name] for name in limits} == limits


@pytest.mark.parametrize(
    ("status", "headers", "seen", "retry", "after"),
    [
        (429, {"retry-after": "2"}, 429, "true", "2"),
        (429, {"retry-after-ms": "1500"}, 429, "true", "2"),
        (429, {"retry-after": "86400"}, 429, "true", "120"),
        (429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 429, "true", "1"),
        (429, {}, 429, "true", None),
        (500, {}, 502, "true", None),
        (503, {"retry-after": "3"}, 502, "true", "3"),
        (400, {}, 400, "false", None),
        (401, {}, 502, "true", None),
        (404, {}, 502, "true", None),
    ],
)
def test_whether_and_when_to_retry_is_said_and_the_gateway_does_not_retry_itself(
    wire: Wire, status: int, headers: dict[str, Any], seen: int, retry: str, after: str | None
) -> None:
    wire.upstream.says({"error": {"message": "No, sk-secret."}}, status, **headers)
    reply = wire.ask()
    assert reply.status_code == seen
    assert reply.headers["x-should-retry"] == retry
    assert reply.headers.get("retry-after") == after
    assert reply.headers["x-request-id"].startswith("req_")
    assert wire.upstream.asked.qsize() == 1
    assert status not in (401, 404) or "sk-secret" not in reply.text


def test_the_idempotency_key_is_passed_on(wire: Wire) -> None:
    body = {"model": "wire", "messages": HELLO}
    for key in ("stainless-python-retry-1", "x" * 255):
        wire.upstream.says(completion())
        wire.http.post("/chat/completions", json=body, headers={"idempotency-key": key})
        assert wire.upstream.heard().headers.get("idempotency-key") == key
    refused = wire.http.post("/chat/completions", json=body, headers={"idempotency-key": "x" * 256})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "idempotency-key")


def test_the_clients_key_is_never_passed_on(wire: Wire) -> None:
    wire.upstream.says(completion())
    wire.ask()
    assert wire.gateway.key not in str(wire.upstream.heard().headers)


# Time-outs and disconnection ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_is_silent_is_a_504(wire: Wire, stream: bool) -> None:
    wire.upstream.hangs()
    reply = wire.ask(model="hurried", stream=stream)
    assert reply.status_code == 504
    assert reply.json()["error"].keys() == {"message", "type", "param", "code"}
    assert reply.json()["error"]["code"] == "first_token_timeout"
    assert wire.upstream.left.wait(PATIENCE)


def test_a_client_that_leaves_stops_the_upstream_and_is_billed_what_was_made(wire: Wire) -> None:
    wire.upstream.streams(ROLE, WORD, WORD, None)
    body = {"model": "wire", "messages": HELLO, "stream": True}
    with wire.http.stream("POST", "/chat/completions", json=body) as reply:
        request_id = reply.headers["x-request-id"]
        seen = b""
        for piece in reply.iter_raw():
            seen += piece
            if seen.count(b"\n\n") == 3:
                break
    assert wire.upstream.left.wait(PATIENCE)
    record = wire.gateway.record(request_id)
    assert (record["status"], record["error"]) == (499, "client_disconnected")
    assert record["output_tokens"] >= 2
    assert record["estimated"]


def test_a_client_that_leaves_before_the_answer_stops_the_upstream(wire: Wire) -> None:
    wire.upstream.hangs()
    with pytest.raises(httpx.ReadTimeout):
        wire.http.post("/chat/completions", json={"model": "wire", "messages": HELLO}, timeout=0.3)
    assert wire.upstream.left.wait(PATIENCE)


# Large bodies ---------------------------------------------------------------------------------------------------------


def test_an_image_of_twenty_megabytes_arrives_whole(wire: Wire) -> None:
    url = "data:image/png;base64," + "A" * 20_000_000
    content = [{"type": "image_url", "image_url": {"url": url}}]
    sent = wire.sent_on(messages=[{"role": "user", "content": content}])
    assert sent["messages"][0]["content"] == content


# Responses ------------------------------------------------------------------------------------------------------------


def test_responses_are_typed_events_that_count(wire: Wire) -> None:
    wire.upstream.streams(ROLE, WORD, STOP, BILL, DONE)
    reply = wire.ask("/responses", input="hello", stream=True)
    parts = [part.split("\n") for part in reply.text.strip().split("\n\n")]
    made = [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in parts]
    assert [data["sequence_number"] for _, data in made] == list(range(len(made)))
    assert all(name == data["type"] for name, data in made)
    assert [name for name, _ in made] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    final = made[-1][1]["response"]
    nullable = ("error", "incomplete_details", "instructions", "max_output_tokens", "previous_response_id")
    assert all(final[name] is None for name in nullable)
    assert final["usage"]["output_tokens_details"] == {"reasoning_tokens": 3}
    assert b"[DONE]" not in reply.content


def test_encrypted_reasoning_is_taken_back_and_not_sent_to_others(wire: Wire) -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    wire.upstream.says(completion())
    first = wire.ask(
        "/responses", input=[{"role": "user", "content": "a"}, reasoning, {"role": "user", "content": "b"}]
    )
    assert [message["content"] for message in wire.upstream.heard().body["messages"]] == ["a", "b"]
    items = wire.http.get(f"/responses/{first.json()['id']}/input_items").json()["data"]
    assert [item["type"] for item in reversed(items)] == ["message", "reasoning", "message"]
    assert items[1]["encrypted_content"] == "gAAA"


def test_log_probabilities_of_a_response(wire: Wire) -> None:
    wire.upstream.says(completion(logprobs=LOGPROBS))
    reply = wire.ask("/responses", input="hello", include=["message.output_text.logprobs"], top_logprobs=1)
    [token] = reply.json()["output"][0]["content"][0]["logprobs"]
    assert token["bytes"] == [195, 188]
    assert token["top_logprobs"] == [{"token": "u", "logprob": -1.5, "bytes": []}]


def test_a_response_whose_stream_breaks_says_failed(wire: Wire) -> None:
    wire.upstream.streams(ROLE, WORD)
    reply = wire.ask("/responses", input="hello", stream=True)
    last = json.loads(reply.text.strip().split("\n\n")[-1].split("data: ")[1])
    assert last["type"] == "response.failed"
    assert last["response"]["error"]["code"] == "server_error"


# Many at once ---------------------------------------------------------------------------------------------------------


def test_streams_side_by_side_do_not_mix(wire: Wire) -> None:
    wire.upstream.streams(ROLE, None, WORD, STOP, DONE)
    replies: list[bytes] = []

    def watch() -> None:
        options = {"include_usage": True}
        replies.append(wire.ask(stream=True, stream_options=options).content)

    watchers = [threading.Thread(target=watch) for _ in range(8)]
    for watcher in watchers:
        watcher.start()
    for _ in watchers:
        wire.upstream.heard()
    wire.upstream.going.set()
    for watcher in watchers:
        watcher.join()
    assert replies == [ROLE + WORD + STOP + DONE] * 8
