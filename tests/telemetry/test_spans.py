from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.record import CallRecord
from gateway.telemetry import names
from gateway.telemetry.spans import Address, SpanExport
from tests.running import RULES, running_gateway
from tests.telemetry.listening import Listening, attributes, listening, plain
from tests.waiting import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
CLIENTS_SPAN = "b7ad6b7169203331"
STARTED = 1_700_000_000_000_000_000
FULL = CallRecord(
    id="req_1",
    started=STARTED,
    surface="responses",
    status=200,
    key_id="key_1",
    asked="support-bot",
    endpoint="support-bot",
    release="ab" * 32,
    upstream="azure-eu",
    provider="openai",
    served="gpt-4o-2024-08-06",
    stream=True,
    input_tokens=12,
    output_tokens=8,
    cached_tokens=4,
    reasoning_tokens=2,
    cost=150,
    total_us=2_500_000,
    upstream_us=2_499_900,
    first_us=125_000,
    finish="stop",
    trace_id=TRACE,
    span_id="00f067aa0ba902b7",
    parent_id=CLIENTS_SPAN,
    snapshot="0123456789abcdef",
    rollout="roll_1",
    arm="candidate",
)
REFUSED = CallRecord(id="req_2", started=STARTED, surface="chat", status=401, error="invalid_api_key", total_us=40)


@contextmanager
def exporting(collector: Listening, capacity: int = 100, timeout: float = 10.0) -> Iterator[SpanExport]:
    addresses = {"azure-eu": Address("eu.example.com", 443)}
    export = SpanExport(f"{collector.url}/v1/traces", lambda: addresses, capacity, timeout)
    try:
        yield export
    finally:
        export.close()


def exported(*records: CallRecord) -> list[Span]:
    with listening() as collector, exporting(collector) as export:
        export.offer(records)
        return collector.spans(len(records))


def test_the_names_are_those_of_the_pinned_conventions() -> None:
    held = {name: value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
    assert held == {
        "CONVENTIONS": "1.41.0",
        "SCHEMA_URL": "https://opentelemetry.io/schemas/1.41.0",
        "OPERATION": "gen_ai.operation.name",
        "PROVIDER": "gen_ai.provider.name",
        "REQUEST_MODEL": "gen_ai.request.model",
        "REQUEST_STREAM": "gen_ai.request.stream",
        "RESPONSE_MODEL": "gen_ai.response.model",
        "FINISH_REASONS": "gen_ai.response.finish_reasons",
        "FIRST_CHUNK": "gen_ai.response.time_to_first_chunk",
        "INPUT_TOKENS": "gen_ai.usage.input_tokens",
        "OUTPUT_TOKENS": "gen_ai.usage.output_tokens",
        "CACHED_TOKENS": "gen_ai.usage.cache_read.input_tokens",
        "REASONING_TOKENS": "gen_ai.usage.reasoning.output_tokens",
        "TOKEN_TYPE": "gen_ai.token.type",
        "DURATION": "gen_ai.client.operation.duration",
        "FIRST_TOKEN": "gen_ai.server.time_to_first_token",
        "TOKEN_USAGE": "gen_ai.client.token.usage",
        "ERROR": "error.type",
        "STATUS": "http.response.status_code",
        "ADDRESS": "server.address",
        "PORT": "server.port",
        "SERVICE": "service.name",
        "SERVICE_VERSION": "service.version",
        "SERVICE_INSTANCE": "service.instance.id",
        "REQUEST_ID": "sluice.request_id",
        "SURFACE": "sluice.surface",
        "ENDPOINT": "sluice.endpoint",
        "RELEASE": "sluice.release",
        "UPSTREAM": "sluice.upstream",
        "KEY": "sluice.key_id",
        "COST": "sluice.cost_micro_usd",
        "ESTIMATED": "sluice.tokens_estimated",
        "OVERHEAD": "sluice.overhead_us",
        "SNAPSHOT": "sluice.snapshot",
        "ROLLOUT": "sluice.rollout",
        "ARM": "sluice.arm",
        "GUARDS_ACTION": "sluice.guards.action",
        "GUARDS_ACTED": "sluice.guards.acted",
        "GUARDS_NOT_RUN": "sluice.guards.not_run",
        "OURSELVES": "sluicegate",
    }


def test_a_served_call() -> None:
    (span,) = exported(FULL)
    assert span.trace_id.hex() == TRACE
    assert span.span_id.hex() == "00f067aa0ba902b7"
    assert span.parent_span_id.hex() == CLIENTS_SPAN
    assert span.name == "chat support-bot"
    assert span.kind == Span.SPAN_KIND_CLIENT
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (STARTED, STARTED + 2_500_000_000)
    assert span.status.code == Status.STATUS_CODE_UNSET
    assert attributes(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "support-bot",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.125,
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 8,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "http.response.status_code": 200,
        "server.address": "eu.example.com",
        "server.port": 443,
        "sluice.request_id": "req_1",
        "sluice.surface": "responses",
        "sluice.endpoint": "support-bot",
        "sluice.release": "ab" * 32,
        "sluice.upstream": "azure-eu",
        "sluice.key_id": "key_1",
        "sluice.cost_micro_usd": 150,
        "sluice.tokens_estimated": False,
        "sluice.overhead_us": 100,
        "sluice.snapshot": "0123456789abcdef",
        "sluice.rollout": "roll_1",
        "sluice.arm": "candidate",
    }


def test_a_refused_call() -> None:
    (span,) = exported(REFUSED)
    assert span.name == "chat"
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert span.parent_span_id == b""
    assert attributes(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "sluicegate",
        "gen_ai.request.stream": False,
        "error.type": "invalid_api_key",
        "http.response.status_code": 401,
        "sluice.request_id": "req_2",
        "sluice.surface": "chat",
        "sluice.overhead_us": 40,
        "sluice.snapshot": "",
    }


def test_what_guards_did() -> None:
    told = [
        {"guard": "words", "stage": "input", "action": "redact", "score": 1.0},
        {"guard": "secrets", "stage": "output", "action": "allow", "score": 0.0},
        {"guard": "moderation", "stage": "input", "action": "allow", "not_run": "there is no model prompts"},
    ]
    guarded = msgspec.structs.replace(FULL, guards=orjson.dumps(told).decode())
    (span,) = exported(guarded)
    found = {name: value for name, value in attributes(span).items() if name.startswith("sluice.guards.")}
    assert found == {
        "sluice.guards.action": "redact",
        "sluice.guards.acted": ["input/words/redact"],
        "sluice.guards.not_run": ["input/moderation"],
    }
    (quiet,) = exported(msgspec.structs.replace(FULL, guards="[]"))
    assert attributes(quiet)["sluice.guards.action"] == "allow"
    assert "sluice.guards.acted" not in attributes(quiet)


def test_moderation_is_an_operation_of_our_own() -> None:
    (span,) = exported(CallRecord(id="req_4", started=STARTED, surface="moderations", status=200, asked="omni"))
    assert (span.name, attributes(span)["gen_ai.operation.name"]) == ("moderation", "moderation")


def test_an_error_without_a_code_is_named_by_its_status() -> None:
    (span,) = exported(CallRecord(id="req_3", started=STARTED, surface="embeddings", status=400, asked="x" * 200))
    assert attributes(span)["error.type"] == "400"
    assert span.name == "embeddings", "what a client typed is no part of a span's name"


def test_a_call_without_a_trace_begins_one_that_its_request_id_determines() -> None:
    first, again, other = exported(
        REFUSED, REFUSED, CallRecord(id="req_9", started=STARTED, surface="chat", status=200)
    )
    assert (len(first.trace_id), len(first.span_id)) == (16, 8)
    assert (first.trace_id, first.span_id) == (again.trace_id, again.span_id)
    assert first.trace_id != other.trace_id
    assert first.span_id != other.span_id


def test_the_resource_and_the_scope_name_the_gateway_and_the_conventions() -> None:
    with listening() as collector, exporting(collector) as export:
        export.offer([FULL])
        (part,) = ExportTraceServiceRequest.FromString(collector.post()[1]).resource_spans
    resource = {pair.key: plain(pair.value) for pair in part.resource.attributes}
    assert resource["service.name"] == "sluicegate"
    assert part.scope_spans[0].scope.name == "sluicegate"
    assert part.scope_spans[0].schema_url == names.SCHEMA_URL


def test_a_silent_collector_delays_nobody_and_what_does_not_fit_is_counted() -> None:
    with listening() as collector:
        collector.answering.clear()
        with exporting(collector, capacity=10) as export:
            export.offer([FULL])
            collector.post()  # the thread hangs on this batch now
            export.offer([FULL] * 7)
            export.offer([FULL] * 7)
            assert (export.waiting, export.dropped, export.exported) == (10, 4, 0)
            collector.answering.set()
            assert len(collector.spans(10)) == 10
            wait_until(lambda: export.exported == 11)
            assert (export.waiting, export.dropped) == (0, 4)


def test_a_collector_slower_than_the_time_out_loses_the_batch() -> None:
    with listening() as collector:
        collector.answering.clear()
        with exporting(collector, timeout=0.2) as export:
            export.offer([FULL] * 3)
            wait_until(lambda: export.dropped == 3)
            collector.answering.set()
            export.offer([REFUSED])
            wait_until(lambda: export.exported == 1)


def test_a_collector_that_dies_loses_spans_only_while_it_is_dead() -> None:
    with listening() as collector, exporting(collector, timeout=0.5) as export:
        collector.status = 400
        export.offer([FULL] * 2)
        wait_until(lambda: export.dropped == 2)
        collector.status = 200
        export.offer([FULL])
        wait_until(lambda: export.exported == 1)
    with listening() as gone:
        pass
    with exporting(gone, timeout=0.2) as export:
        export.offer([FULL])
        wait_until(lambda: export.dropped == 1)


def test_close_sends_what_waits() -> None:
    with listening() as collector:
        with exporting(collector) as export:
            export.offer([FULL] * 3)
        assert len(collector.spans(3)) == 3
        assert (export.exported, export.waiting, export.dropped) == (3, 0, 0)


def test_close_gives_up_on_a_silent_collector_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.telemetry.spans.LAST_PASS", 0.1)
    with listening() as collector:
        collector.answering.clear()
        with exporting(collector) as export:
            export.offer([FULL])
            collector.post()
            export.offer([FULL] * 2)
        assert (export.waiting, export.dropped) == (0, 2)
        collector.answering.set()


def test_the_clients_trace_goes_on_to_the_upstream_and_to_the_collector(tmp_path: Path) -> None:
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
    with listening() as collector, listening(body=json.dumps(answer).encode()) as upstream:
        upstreams = {"real": {"provider": "openai", "model": "gpt-4o", "base_url": f"{upstream.url}/v1"}}
        telemetry = {"otlp_endpoint": f"{collector.url}/v1/traces"}
        with running_gateway(tmp_path, upstreams, telemetry=telemetry) as gateway:
            reply = httpx.post(
                f"{gateway.api}/chat/completions",
                headers={**gateway.headers, "traceparent": f"00-{TRACE}-{CLIENTS_SPAN}-01"},
                json={"model": "real", "messages": [{"role": "user", "content": "hello"}]},
            )
            (span,) = collector.spans(1)
            passed_on = upstream.post()[0]["traceparent"]
    assert reply.status_code == 200
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == CLIENTS_SPAN
    assert passed_on == f"00-{TRACE}-{span.span_id.hex()}-01"
    found = attributes(span)
    assert found["sluice.request_id"] == reply.headers["x-request-id"]
    assert found["gen_ai.response.model"] == "gpt-4o-2024-08-06"
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (3, 1)


def test_a_dead_collector_stops_neither_answers_nor_records_and_metrics_tell(tmp_path: Path) -> None:
    with listening(status=400) as refusing:
        telemetry = {"otlp_endpoint": f"{refusing.url}/v1/traces"}
        with running_gateway(tmp_path, {"demo": {"provider": "scripted", "rules": RULES}}, telemetry=telemetry) as held:
            body = {"model": "demo", "messages": [{"role": "user", "content": "the capital?"}]}
            reply = httpx.post(f"{held.api}/chat/completions", headers=held.headers, json=body)
            assert held.record(reply.headers["x-request-id"])["status"] == 200
            metrics = ""

            def told() -> bool:
                nonlocal metrics
                metrics = httpx.get(f"{held.url}/metrics", headers=held.headers).text
                return "sluice_spans_dropped 1.0" in metrics

            wait_until(told)
            assert "sluice_spans_exported 0.0" in metrics
            assert "sluice_spans_waiting 0.0" in metrics
