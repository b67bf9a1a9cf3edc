"""From settings to what is sent to collectors. OpenTelemetry is loaded only where an address names one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from gateway.errors import Unequipped
from gateway.record import CallRecord
from gateway.settings import OpenAISettings, Settings


class Export(Protocol):
    """Sends what records tell to a collector, from a thread of its own."""

    def offer(self, records: Sequence[CallRecord]) -> None:
        """An observer of shipped records. Never waits."""

    def gauges(self) -> dict[str, tuple[str, float]]:
        """For `/metrics`."""

    def close(self) -> None:
        """Send what waits, for some seconds at most."""


def build_exports(settings: Callable[[], Settings]) -> list[Export]:
    """Of spans and of metrics, each where its collector is configured; `settings` are those in force. Raises
    `Unequipped` without OpenTelemetry."""
    telemetry = settings().telemetry
    if telemetry.otlp_endpoint is None and telemetry.otlp_metrics_endpoint is None:
        return []
    try:
        from gateway.telemetry.measures import MeasureExport
        from gateway.telemetry.spans import Address, SpanExport
    except ImportError as error:
        message = "`telemetry` needs OpenTelemetry: pip install 'sluicegate[otel]'"
        raise Unequipped(message, code="package_missing") from error

    def addresses() -> dict[str, Address]:
        found = {}
        for name, upstream in settings().upstreams.items():
            if isinstance(upstream, OpenAISettings):
                url = urlsplit(upstream.base_url)
                found[name] = Address(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
        return found

    exports: list[Export] = []
    if telemetry.otlp_endpoint is not None:
        exports.append(SpanExport(telemetry.otlp_endpoint, addresses))
    if telemetry.otlp_metrics_endpoint is not None:
        exports.append(MeasureExport(telemetry.otlp_metrics_endpoint))
    return exports
