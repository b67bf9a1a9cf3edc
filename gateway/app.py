"""The composition root: settings in, a running gateway out. Read `running` to know what the process is made of."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from gateway.access import KeyHasher
from gateway.configuration import Source
from gateway.contents import Contents, ContentShipper
from gateway.conversations import Conversations
from gateway.errors import Unavailable, Unequipped
from gateway.front.asgi import App, AsgiFront, Served
from gateway.front.routes import DataRoutes, hot_routes, unproven
from gateway.jobs.retention import Retention
from gateway.journal import Journal
from gateway.limits import Limits, Spent
from gateway.pipeline import Pipeline
from gateway.pricing import PriceTable
from gateway.providers.build import Builder
from gateway.providers.fleet import Fleet
from gateway.readiness import Readiness
from gateway.refresh import Refresher
from gateway.reload import Reloader
from gateway.replies import Replies
from gateway.services import Services
from gateway.settings import OpenAISettings, Settings
from gateway.shipper import Shipper
from gateway.state.build import build_state
from gateway.store.engine import Store
from gateway.store.migrations import migrate
from gateway.store.spend import spent
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.workers import Workers

if TYPE_CHECKING:
    from gateway.telemetry.measures import MeasureExport
    from gateway.telemetry.spans import SpanExport


@asynccontextmanager
async def running(
    settings: Settings, shared: Path | None = None, source: Source | None = None
) -> AsyncIterator[Services]:
    """Services for the length of the context, started in order and stopped in the opposite one. `shared` is the folder
    of the processes that serve together, where there are several; `source` is where the settings came from, to be
    loaded again."""
    store = open_store(settings)
    fleet = Fleet(Builder(PriceTable.load()))
    fleet.configure(settings)
    hasher = KeyHasher(pepper(settings))
    refresher = Refresher(store, hasher, fleet.upstreams, fleet.pools)
    reloader = Reloader(source, settings, fleet, refresher)
    journal = Journal(settings.data / "journal", settings.journal.segment, refuses=settings.journal.full == "refuse")
    spans = span_export(lambda: reloader.settings)
    measures = measure_export(settings)
    exports = [export for export in (spans, measures) if export is not None]
    shipper = Shipper(journal, settings.data / "journal", store, [export.offer for export in exports])
    retention = Retention(store, settings.retention.ages())
    metrics = Metrics()
    workers = Workers(metrics, shared) if shared is not None else None
    conversations = Conversations(store)
    state = build_state(settings.state, shared)
    limits = Limits(state, recorded(shipper, store), settings.state.away)
    replies = Replies(state, refuses=settings.state.away == "refuse")
    said = Journal(settings.data / "contents", lazy=True)
    contents = Contents(settings.content, said)
    content_shipper = ContentShipper(said, settings.data / "contents", store)
    told = {"configuration": reloader.stale, "limits": lambda: limits.fault}
    readiness = Readiness(store, shipper, journal, refresher.snapshots, told)
    pipeline = Pipeline(refresher.snapshots, journal, metrics, conversations, limits, replies, contents)
    parts = (refresher, shipper, reloader, limits, replies, contents, content_shipper, retention)
    for watched in (journal, shipper, reloader, limits, replies, contents, retention, *exports):
        metrics.watch(watched.gauges)
    loops = [asyncio.create_task(part.run()) for part in parts]
    if workers is not None:
        loops.append(asyncio.create_task(workers.run()))
    try:
        yield Services(
            reloader, store, hasher, refresher, journal, shipper, metrics, conversations, readiness, pipeline, workers
        )
    finally:
        await conversations.close()
        await replies.close()
        await contents.close()
        for loop in loops:
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop
        await limits.close()
        await fleet.close()
        await asyncio.gather(shipper.drain(), content_shipper.drain())
        await asyncio.gather(*(asyncio.to_thread(export.close) for export in exports))
        if workers is not None:
            with suppress(OSError):
                workers.write()
        await state.close()
        store.close()


def create(settings: Settings | None = None, shared: Path | None = None, source: Source | None = None) -> AsgiFront:
    """The ASGI application; what `sluice serve` and any ASGI server run. Without settings, `Source.of()` finds them;
    for the rest see `running`. Under uvicorn with `front.hot.HotProtocol` the hot paths do not pass through ASGI."""
    if settings is None:
        source = source or Source.of()
    chosen = settings or cast(Source, source).load()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[Served]:
        async with running(chosen, shared, source) as services:
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


def recorded(shipper: Shipper, store: Store) -> Spent:
    """What the records say was spent, with those that still wait on this machine, also of a process that was killed."""
    shipped = spent(store)

    def find(scope: str, since: float, until: float) -> int:
        shipper.ship()
        return shipped(scope, since, until)

    return find


def span_export(settings: Callable[[], Settings]) -> SpanExport | None:
    """What sends spans to the collector, where one is configured. Raises `Unavailable` without OpenTelemetry."""
    endpoint = settings().telemetry.otlp_endpoint
    if endpoint is None:
        return None
    try:
        from gateway.telemetry.spans import Address, SpanExport
    except ImportError as error:
        message = "`telemetry.otlp_endpoint` needs OpenTelemetry: pip install 'sluicegate[otel]'"
        raise Unequipped(message, code="package_missing") from error

    def addresses() -> dict[str, Address]:
        found = {}
        for name, upstream in settings().upstreams.items():
            if isinstance(upstream, OpenAISettings):
                url = urlsplit(upstream.base_url)
                found[name] = Address(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
        return found

    return SpanExport(endpoint, addresses)


def measure_export(settings: Settings) -> MeasureExport | None:
    """What sends metrics to the collector, where one is configured. Raises `Unavailable` without OpenTelemetry."""
    endpoint = settings.telemetry.otlp_metrics_endpoint
    if endpoint is None:
        return None
    try:
        from gateway.telemetry.measures import MeasureExport
    except ImportError as error:
        message = "`telemetry.otlp_metrics_endpoint` needs OpenTelemetry: pip install 'sluicegate[otel]'"
        raise Unequipped(message, code="package_missing") from error
    return MeasureExport(endpoint)
