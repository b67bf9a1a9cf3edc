"""Metrics by OpenTelemetry's GenAI conventions, made from records and sent to a collector by OTLP/HTTP.

They are measured when a record is in the database, so the hot path pays nothing for them; the SDK adds them up and
sends the sums once a period, from a thread of its own. A collector that is away loses no measure, since sums go on, but
it sees them late. Attributes are bounded: configured names and status codes, never what a client or an upstream typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.util.types import AttributeValue

from gateway import __version__
from gateway.record import CallRecord
from gateway.telemetry import names

PERIOD = 15.0
TIMEOUT = 10.0
"""Seconds one export may take, its retries included."""
LAST_PASS = 2.0
DURATIONS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
FIRST_TOKENS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
TOKENS = tuple(4**power for power in range(14))
"""Bounds of the histograms, as the conventions advise."""


class MeasureExport:
    """Owns the sums and the thread that sends them. `offer` is an observer of shipped records."""

    def __init__(self, endpoint: str, period: float = PERIOD, timeout: float = TIMEOUT) -> None:
        self._exporter = _Exporter(endpoint=endpoint, timeout=timeout)
        reader = PeriodicExportingMetricReader(self._exporter, period * 1000, timeout * 1000)
        of_process = {names.SERVICE_INSTANCE: str(uuid4())}  # sums of two processes must not be taken for one's
        resource = Resource.create({names.SERVICE: names.OURSELVES, names.SERVICE_VERSION: __version__, **of_process})
        self._provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        meter = self._provider.get_meter(names.OURSELVES, __version__, names.SCHEMA_URL)
        self._duration = meter.create_histogram(
            names.DURATION, "s", "GenAI operation duration.", explicit_bucket_boundaries_advisory=DURATIONS
        )
        self._first = meter.create_histogram(
            names.FIRST_TOKEN, "s", "Time to the first token.", explicit_bucket_boundaries_advisory=FIRST_TOKENS
        )
        self._tokens = meter.create_histogram(
            names.TOKEN_USAGE, "{token}", "Tokens of a call.", explicit_bucket_boundaries_advisory=TOKENS
        )

    def offer(self, records: Sequence[CallRecord]) -> None:
        for record in records:
            if record.arm == "shadow":
                continue  # nobody waited for it
            of = _attributes(record)
            self._duration.record(record.total_us / 1e6, of)
            if record.first_us is not None:
                self._first.record(record.first_us / 1e6, of)
            if record.input_tokens or record.output_tokens:
                self._tokens.record(record.input_tokens, {**of, names.TOKEN_TYPE: "input"})
                self._tokens.record(record.output_tokens, {**of, names.TOKEN_TYPE: "output"})

    def gauges(self) -> dict[str, tuple[str, float]]:
        return {"measures_failures": ("Exports of metrics the collector did not take.", self._exporter.failures)}

    def close(self) -> None:
        """Send what was measured since the last period, within `LAST_PASS` seconds."""
        self._provider.shutdown(LAST_PASS * 1000)


class _Exporter(OTLPMetricExporter):
    """Counts the exports that failed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.failures = 0

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **rest: Any
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **rest)
        self.failures += result is not MetricExportResult.SUCCESS
        return result


def _attributes(record: CallRecord) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {
        names.OPERATION: names.OPERATIONS[record.surface],
        names.PROVIDER: record.provider or names.OURSELVES,
    }
    if record.upstream is not None:
        found[names.UPSTREAM] = record.upstream
        if record.asked is not None:
            found[names.REQUEST_MODEL] = record.asked
    if record.endpoint is not None:
        found[names.ENDPOINT] = record.endpoint
    if record.error is not None or record.status >= 400:
        found[names.ERROR] = str(record.status)
    return found
