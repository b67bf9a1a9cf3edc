"""The composition root: settings in, a running gateway out. Read `running` to know what the process is made of."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from gateway import configuration
from gateway.access import KeyHasher
from gateway.conversations import Conversations
from gateway.errors import Unavailable, Unequipped
from gateway.front.asgi import App, AsgiFront, Served
from gateway.front.routes import DataRoutes, hot_routes, unproven
from gateway.journal import Journal
from gateway.pipeline import Pipeline
from gateway.pricing import PriceTable
from gateway.providers.build import Builder, pools_of
from gateway.readiness import Readiness
from gateway.refresh import Refresher
from gateway.services import Services
from gateway.settings import OpenAISettings, Settings
from gateway.shipper import Shipper
from gateway.store.engine import Store
from gateway.store.migrations import migrate
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.workers import Workers

if TYPE_CHECKING:
    from gateway.telemetry.spans import SpanExport


@asynccontextmanager
async def running(settings: Settings, shared: Path | None = None) -> AsyncIterator[Services]:
    """Services for the length of the context, started in order and stopped in the opposite one. `shared` is the folder
    of the processes that serve together, where there are several."""
    store = open_store(settings)
    builder = Builder(PriceTable.load())
    upstreams = {name: builder.build(name, spec) for name, spec in settings.upstreams.items()}
    hasher = KeyHasher(pepper(settings))
    refresher = Refresher(store, hasher, upstreams, pools_of(upstreams, settings.pools))
    journal = Journal(settings.data / "journal")
    spans = span_export(settings)
    shipper = Shipper(journal, settings.data / "journal", store, spans.offer if spans is not None else None)
    metrics = Metrics(lambda: _gauges(journal, shipper, spans))
    workers = Workers(metrics, shared) if shared is not None else None
    conversations = Conversations(store)
    readiness = Readiness(store, shipper, journal, refresher.snapshots)
    pipeline = Pipeline(refresher.snapshots, journal, metrics, conversations)
    loops = [asyncio.create_task(refresher.run()), asyncio.create_task(shipper.run())]
    if workers is not None:
        loops.append(asyncio.create_task(workers.run()))
    try:
        yield Services(
            settings, store, hasher, refresher, journal, shipper, metrics, conversations, readiness, pipeline, workers
        )
    finally:
        await conversations.close()
        for loop in loops:
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop
        for upstream in upstreams.values():
            await upstream.provider.close()
        await builder.close()
        await shipper.drain()
        if spans is not None:
            await asyncio.to_thread(spans.close)
        if workers is not None:
            with suppress(OSError):
                workers.write()
        store.close()


def create(settings: Settings | None = None, shared: Path | None = None) -> AsgiFront:
    """The ASGI application; what `sluice serve` and any ASGI server run. Without settings, `configuration.load()` finds
    them; for `shared` see `running`. Under uvicorn with `front.hot.HotProtocol` the hot paths do not pass through
    ASGI."""
    chosen = settings or configuration.load()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[Served]:
        async with running(chosen, shared) as services:
            from gateway.api.app import admin_app  # FastAPI takes a third of the imports; commands do without

            routes = DataRoutes(
                services.pipeline,
                services.refresher.snapshots,
                services.conversations,
                services.readiness,
                (services.workers or services.metrics).exposition,
            )
            refusal = unproven(services.refresher.snapshots)
            state: dict[str, Any] = {"hot_routes": hot_routes(services.pipeline), "unproven": refusal}
            yield Served(tuple(routes.table()), cast(App, admin_app(services)), refusal, state)

    return AsgiFront(lifespan)


def open_store(settings: Settings) -> Store:
    """The store, its tables up to date. Raises `Unavailable` with the next step."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"The data folder {settings.data} cannot be made: {error.strerror}. Set `data:` to a folder you own."
        raise Unavailable(message, code="bad_data_folder") from error
    store = Store(settings.database_url)
    migrate(store)
    return store


def pepper(settings: Settings) -> bytes:
    """This installation's secret, under which keys are digested: configured, or made once in the data folder."""
    if settings.secret is not None:
        return settings.secret.read().encode()
    path = settings.data / "secret"
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        _write_private(path, os.urandom(32).hex())
    return path.read_text(encoding="ascii").encode()


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by the owner only; the first of two writers wins."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.touch(mode=0o600)
    scratch.write_text(text, encoding="ascii")
    try:
        os.link(scratch, path)
    finally:
        scratch.unlink()


def span_export(settings: Settings) -> SpanExport | None:
    """What sends spans to the collector, where one is configured. Raises `Unavailable` without OpenTelemetry."""
    endpoint = settings.telemetry.otlp_endpoint
    if endpoint is None:
        return None
    try:
        from gateway.telemetry.spans import Address, SpanExport
    except ImportError as error:
        message = "`telemetry.otlp_endpoint` needs OpenTelemetry: pip install 'sluicegate[otel]'"
        raise Unequipped(message, code="package_missing") from error
    addresses = {}
    for name, upstream in settings.upstreams.items():
        if isinstance(upstream, OpenAISettings):
            url = urlsplit(upstream.base_url)
            addresses[name] = Address(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
    return SpanExport(endpoint, addresses)


def _gauges(journal: Journal, shipper: Shipper, spans: SpanExport | None) -> dict[str, tuple[str, float]]:
    found: dict[str, tuple[str, float]] = {
        "journal_dropped_records": ("Records lost because the journal could not be written.", journal.dropped),
        "journal_backlog_bytes": ("Journalled and not yet in the database.", shipper.backlog_bytes),
        "journal_damaged_segments": ("Segments set aside because they are damaged.", shipper.damaged),
        "shipped_records": ("Records moved to the database by this process.", shipper.shipped),
        "shipping_failures": ("Batches that could not be moved and will be tried again.", shipper.failures),
    }
    if spans is not None:
        found["spans_waiting"] = ("Spans that wait for the collector.", spans.waiting)
        found["spans_exported"] = ("Spans the collector took.", spans.exported)
        found["spans_dropped"] = ("Spans lost: the queue was full, or the collector did not take them.", spans.dropped)
    return found
