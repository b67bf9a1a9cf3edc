"""Metrics sent to a collector: names, attributes that are bounded, and a collector that is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint

from gateway.record import CallRecord
from gateway.telemetry.measures import MeasureExport
from tests.inside import inside
from tests.telemetry.listening import Listening, listening, plain

CALL = CallRecord(
    id="r",
    started=1,
    surface="chat",
    status=200,
    asked="bot",
    endpoint="bot",
    upstream="eu",
    provider="openai",
    served="gpt-9",
    input_tokens=12,
    output_tokens=3,
    total_us=700_000,
    first_us=90_000,
)
OF_CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "bot",
    "sluice.upstream": "eu",
    "sluice.endpoint": "bot",
}
Points = dict[str, list[HistogramDataPoint]]


@contextmanager
def exporting(collector: Listening) -> Iterator[MeasureExport]:
    export = MeasureExport(f"{collector.url}/v1/metrics", period=0.05, timeout=1.0)
    try:
        yield export
    finally:
        export.close()


def measured(collector: Listening) -> Points:
    """The next export's points by metric; sums go on, so the latest has everything."""
    sent = ExportMetricsServiceRequest.FromString(collector.post()[1])
    metrics = [metric for part in sent.resource_metrics for scope in part.scope_metrics for metric in scope.metrics]
    return {metric.name: list(metric.histogram.data_points) for metric in metrics}


def of(point: HistogramDataPoint) -> dict[str, object]:
    return {pair.key: plain(pair.value) for pair in point.attributes}


def test_a_call_is_measured_under_the_conventions_names() -> None:
    with listening() as collector, exporting(collector) as export:
        export.offer([CALL, msgspec.structs.replace(CALL, arm="shadow"), CALL])
        found = measured(collector)
    assert set(found) == {
        "gen_ai.client.operation.duration",
        "gen_ai.server.time_to_first_token",
        "gen_ai.client.token.usage",
    }
    (duration,) = found["gen_ai.client.operation.duration"]
    assert (of(duration), duration.count, duration.sum) == (OF_CALL, 2, pytest.approx(1.4))
    (first,) = found["gen_ai.server.time_to_first_token"]
    assert first.sum == pytest.approx(0.18)
    tokens = {of(point)["gen_ai.token.type"]: point.sum for point in found["gen_ai.client.token.usage"]}
    assert tokens == {"input": 24, "output": 6}


def test_what_strangers_type_is_no_attribute() -> None:
    refused = CallRecord(id="r", started=1, surface="chat", status=401, error="invalid_api_key", asked="x" * 200)
    broken = msgspec.structs.replace(CALL, status=502, error="an upstream's own word")
    with listening() as collector, exporting(collector) as export:
        export.offer([refused, broken])
        shown = [of(point) for point in measured(collector)["gen_ai.client.operation.duration"]]
    assert {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "sluicegate", "error.type": "401"} in shown
    assert {**OF_CALL, "error.type": "502"} in shown


def test_sums_go_on_while_the_collector_fails() -> None:
    with listening(status=400) as collector, exporting(collector) as export:
        export.offer([CALL])
        measured(collector)
        for _ in range(200):
            if export.gauges()["measures_failures"][1]:
                break
            time.sleep(0.01)
        assert export.gauges()["measures_failures"][1] >= 1
        collector.status = 200
        export.offer([CALL])
        counts = [measured(collector)["gen_ai.client.operation.duration"][0].count for _ in range(3)]
    assert counts[-1] == 2


@pytest.mark.anyio
async def test_a_gateway_sends_what_its_calls_were(tmp_path: Path) -> None:
    with listening() as collector:
        telemetry = {"otlp_metrics_endpoint": f"{collector.url}/v1/metrics"}
        async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}, telemetry=telemetry) as whole:
            body = {"model": "demo", "messages": [{"role": "user", "content": "hello"}]}
            reply = await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())
            assert reply.status_code == 200
        (point,) = measured(collector)["gen_ai.client.operation.duration"]
    assert of(point)["sluice.upstream"] == "demo"
