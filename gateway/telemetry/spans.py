"""Spans by OpenTelemetry's GenAI conventions, made from records and sent to a collector by OTLP/HTTP.

A span is made when its record is in the database, so the hot path pays nothing for it. A collector that is slow or dead
delays nobody: records wait in a bounded queue for a thread of their own, and what does not fit, or is not taken within
the time-out, is dropped and counted. At most once, in contrast to the records.

OpenTelemetry's own environment variables (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES`) hold here too.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import orjson
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

from gateway import __version__
from gateway.record import CallRecord
from gateway.telemetry import names
from guardrails.verdict import strictest

CAPACITY = 10_000
"""Records that wait for the collector, at most."""
BATCH = 500
TIMEOUT = 10.0
"""Seconds one batch may take, its retries included."""
LAST_PASS = 2.0
"""Seconds for what still waits when the process stops."""

SCOPE = InstrumentationScope(names.OURSELVES, __version__, names.SCHEMA_URL)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an upstream listens."""

    host: str
    port: int


class SpanExport:
    """Owns the queue, the thread and the connection to the collector. `offer` is an observer of shipped records;
    `addresses` are the upstreams', as they are configured now."""

    def __init__(
        self,
        endpoint: str,
        addresses: Callable[[], Mapping[str, Address]],
        capacity: int = CAPACITY,
        timeout: float = TIMEOUT,
    ) -> None:
        self._addresses = addresses
        self._capacity = capacity
        self._resource = Resource.create({names.SERVICE: names.OURSELVES, names.SERVICE_VERSION: __version__})
        self._exporter = OTLPSpanExporter(endpoint=endpoint, timeout=timeout)
        self._queue: deque[CallRecord] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.exported = 0
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def gauges(self) -> dict[str, tuple[str, float]]:
        return {
            "spans_waiting": ("Spans that wait for the collector.", self.waiting),
            "spans_exported": ("Spans the collector took.", self.exported),
            "spans_dropped": ("Spans lost: the queue was full, or the collector did not take them.", self.dropped),
        }

    def offer(self, records: Sequence[CallRecord]) -> None:
        """Take what fits; count what does not. Never waits."""
        with self._changed:
            room = self._capacity - len(self._queue)
            self._queue.extend(records[:room])
            self.dropped += len(records[room:])
            self._changed.notify()

    def close(self) -> None:
        """Send what waits, within `LAST_PASS` seconds; the rest is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(LAST_PASS)
        with self._changed:
            self.dropped += len(self._queue)
            self._queue.clear()
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _run(self) -> None:
        while batch := self._next():
            addresses = self._addresses()
            spans = [span_of(record, self._resource, addresses) for record in batch]
            if self._exporter.export(spans) is SpanExportResult.SUCCESS:
                self.exported += len(batch)
            else:
                with self._changed:
                    self.dropped += len(batch)

    def _next(self) -> list[CallRecord]:
        """The next batch, waited for; empty once the export is closed and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            return [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]


def span_of(record: CallRecord, resource: Resource, addresses: Mapping[str, Address]) -> ReadableSpan:
    """A record's span. It continues the client's trace where there is one; otherwise its ids are made from the
    request's, so that a record has the same span whenever it is asked for."""
    digest = sha256(record.id.encode()).digest()
    trace_id = int(record.trace_id, 16) if record.trace_id is not None else int.from_bytes(digest[:16])
    span_id = int(record.span_id, 16) if record.span_id is not None else int.from_bytes(digest[16:24])
    sampled = TraceFlags(TraceFlags.SAMPLED)
    parent = None
    if record.parent_id is not None:
        parent = SpanContext(trace_id, int(record.parent_id, 16), is_remote=True, trace_flags=sampled)
    return ReadableSpan(
        name=_name(record),
        context=SpanContext(trace_id, span_id, is_remote=False, trace_flags=sampled),
        parent=parent,
        resource=resource,
        attributes=_attributes(record, addresses),
        kind=SpanKind.CLIENT,
        status=Status(StatusCode.UNSET if _error(record) is None else StatusCode.ERROR),
        start_time=record.started,
        end_time=record.started + record.total_us * 1000,
        instrumentation_scope=SCOPE,
    )


def _name(record: CallRecord) -> str:
    """Operation and model, the model only where it is a name of ours: what a client typed knows no bounds."""
    operation = names.OPERATIONS[record.surface]
    return operation if record.upstream is None else f"{operation} {record.asked}"


def _error(record: CallRecord) -> str | None:
    """What went wrong: a code, or the status of an error that has none."""
    return record.error or (str(record.status) if record.status >= 400 else None)


def _attributes(record: CallRecord, addresses: Mapping[str, Address]) -> dict[str, AttributeValue]:
    address = addresses.get(record.upstream) if record.upstream is not None else None
    metered = bool(record.input_tokens or record.output_tokens)
    found: dict[str, AttributeValue | None] = {
        names.OPERATION: names.OPERATIONS[record.surface],
        names.PROVIDER: record.provider or names.OURSELVES,
        names.REQUEST_MODEL: record.asked,
        names.REQUEST_STREAM: record.stream,
        names.RESPONSE_MODEL: record.served,
        names.FINISH_REASONS: (record.finish,) if record.finish is not None else None,
        names.FIRST_CHUNK: record.first_us / 1e6 if record.first_us is not None else None,
        names.INPUT_TOKENS: record.input_tokens if metered else None,
        names.OUTPUT_TOKENS: record.output_tokens if metered else None,
        names.CACHED_TOKENS: record.cached_tokens or None,
        names.REASONING_TOKENS: record.reasoning_tokens or None,
        names.ERROR: _error(record),
        names.STATUS: record.status,
        names.ADDRESS: address.host if address is not None else None,
        names.PORT: address.port if address is not None else None,
        names.REQUEST_ID: record.id,
        names.SURFACE: record.surface,
        names.ENDPOINT: record.endpoint,
        names.RELEASE: record.release,
        names.UPSTREAM: record.upstream,
        names.KEY: record.key_id,
        names.COST: record.cost if metered else None,
        names.ESTIMATED: record.estimated if metered else None,
        names.OVERHEAD: max(0, record.total_us - record.upstream_us),
        names.SNAPSHOT: record.snapshot,
        names.ROLLOUT: record.rollout,
        names.ARM: record.arm,
        **_guarded(record),
    }
    return {name: value for name, value in found.items() if value is not None}


def _guarded(record: CallRecord) -> dict[str, AttributeValue | None]:
    """What guards did, as the record has it."""
    if record.guards is None:
        return {}
    told = orjson.loads(record.guards)
    acted = tuple(f"{one['stage']}/{one['guard']}/{one['action']}" for one in told if one["action"] != "allow")
    missed = tuple(f"{one['stage']}/{one['guard']}" for one in told if "not_run" in one)
    return {
        names.GUARDS_ACTION: strictest(one["action"] for one in told),
        names.GUARDS_ACTED: acted or None,
        names.GUARDS_NOT_RUN: missed or None,
    }
