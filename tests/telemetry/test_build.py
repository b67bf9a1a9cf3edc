"""What is exported where, by the settings."""

from __future__ import annotations

import sys

import pytest

from gateway.errors import Unequipped
from gateway.record import CallRecord
from gateway.settings import OpenAISettings, Settings, TelemetrySettings
from gateway.telemetry.build import build_exports
from gateway.telemetry.spans import Address
from tests.telemetry.listening import attributes, listening

RECORD = CallRecord(id="req_1", started=1, surface="chat", status=200, key_id="key_1", upstream="azure-eu")


@pytest.mark.parametrize(("setting", "module"), [("otlp_endpoint", "spans"), ("otlp_metrics_endpoint", "measures")])
def test_without_opentelemetry_the_error_names_what_to_install(
    setting: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, f"gateway.telemetry.{module}", None)
    settings = Settings(upstreams={}, telemetry=TelemetrySettings.model_validate({setting: "http://127.0.0.1:9/v1"}))
    with pytest.raises(Unequipped, match=r"pip install 'sluicegate\[otel\]'"):
        build_exports(lambda: settings)


def test_without_an_endpoint_nothing_is_exported() -> None:
    assert build_exports(lambda: Settings(upstreams={})) == []


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("https://eu.example.com/v1", Address("eu.example.com", 443)),
        ("http://[::1]/v1", Address("::1", 80)),
        ("http://vllm:8000/v1", Address("vllm", 8000)),
    ],
)
def test_a_span_says_where_its_upstream_listens(base_url: str, address: Address) -> None:
    upstream = OpenAISettings(provider="openai", model="m", base_url=base_url)
    with listening() as collector:
        telemetry = TelemetrySettings(otlp_endpoint=f"{collector.url}/v1/traces")
        (export,) = build_exports(lambda: Settings(upstreams={"azure-eu": upstream}, telemetry=telemetry))
        export.offer([RECORD])
        (span,) = collector.spans(1)
        export.close()
    found = attributes(span)
    assert Address(str(found["server.address"]), int(str(found["server.port"]))) == address
