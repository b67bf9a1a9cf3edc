"""The composition root: settings in, a running gateway out. Read `running` to know what the process is made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from gateway.access import KeyHasher
from gateway.audit import Auditor
from gateway.configuration import Source
from gateway.contents import Contents, ContentShipper
from gateway.conversations import Conversations
from gateway.data_folder import open_store, pepper
from gateway.evals.asking import Asker
from gateway.evals.desk import Desk
from gateway.feedback import Intake
from gateway.front.asgi import App, AsgiFront, Served
from gateway.front.evals import EvalRoutes
from gateway.front.moderations import ModerationRoutes
from gateway.front.routes import DataRoutes, hot_routes, unproven
from gateway.guarding.moderating import Moderator
from gateway.jobs.evals import EvalRuns
from gateway.jobs.retention import Retention
from gateway.jobs.rollouts import Controller
from gateway.jobs.webhooks import Dispatcher
from gateway.journal import Journal
from gateway.library import Library
from gateway.limits import Limits, Spent
from gateway.pipeline import Keeping, Pipeline
from gateway.pricing import PriceTable
from gateway.providers.build import Builder
from gateway.providers.fleet import Fleet
from gateway.readiness import Readiness
from gateway.refresh import Refresher
from gateway.releases.golive import Installation
from gateway.reload import Reloader
from gateway.replies import Replies
from gateway.sealing import Sealer
from gateway.services import Services
from gateway.settings import GuardSettings, Settings
from gateway.shadow import Shadows
from gateway.shipper import Observer, Shipper
from gateway.signing import Signer
from gateway.state.build import build_state
from gateway.store.engine import Store
from gateway.store.spend import spent
from gateway.telemetry.build import build_exports
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.workers import Workers
from guardrails.models.lent import Lent, lent


@asynccontextmanager
async def running(
    settings: Settings, shared: Path | None = None, source: Source | None = None
) -> AsyncIterator[Services]:
    """Services for the length of the context. What each needs is made before it and ends after it, also where the start
    fails half-way. `shared` is the folder of the processes that serve together, where there are several; `source` is
    where the settings came from, to be loaded again."""
    async with AsyncExitStack() as ending:
        store = ending.enter_context(closing(open_store(settings)))
        state = build_state(settings.state, shared)
        ending.push_async_callback(state.close)
        metrics = Metrics()
        workers = Workers(metrics, shared) if shared is not None else None
        if workers is not None:
            ending.callback(workers.close)
        fleet = Fleet(Builder(PriceTable.load()))
        ending.push_async_callback(fleet.close)
        fleet.configure(settings)
        secret = pepper(settings)
        hasher, signer, sealer = KeyHasher(secret), Signer.of(secret), Sealer.of(secret)
        auditor = Auditor(signer)
        lending = await ending.enter_async_context(_lent(settings.guards))
        metrics.watch(lending.models.gauges)
        refresher = Refresher(store, hasher, signer, fleet.upstreams, fleet.pools, lending.models)
        reloader = Reloader(source, settings, fleet, refresher)
        exports = build_exports(lambda: reloader.settings)
        ending.push_async_callback(_together, *(partial(asyncio.to_thread, export.close) for export in exports))
        keeping = _recording(settings, store, [export.offer for export in exports])
        journal, shipper = keeping.journal, keeping.shipper
        ending.push_async_callback(_together, shipper.drain, keeping.content_shipper.drain)
        retention = Retention(store, settings.retention.ages())
        limits = Limits(state, recorded(shipper, store), settings.state.away)
        ending.push_async_callback(limits.close)
        replies, contents = (
            Replies(state, refuses=settings.state.away == "refuse"),
            Contents(settings.content, keeping.said),
        )
        conversations, intake = Conversations(store), Intake(store)
        controller = Controller(store, auditor, lambda: Installation.of(signer, refresher.snapshots.current.pools))
        dispatcher = Dispatcher(store, auditor, sealer, private=settings.webhooks.private)
        ending.push_async_callback(dispatcher.close)
        told = _told(reloader, limits, keeping.content_shipper, controller) | {"guards": lending.fault}
        readiness = Readiness(store, shipper, journal, refresher.snapshots, told)
        shadows = Shadows(journal, limits)
        kept = Keeping(conversations, replies, contents)
        pipeline = Pipeline(refresher.snapshots, journal, metrics, limits, shadows, kept)
        asker = Asker(pipeline, refresher.snapshots)
        eval_runs = EvalRuns(store, asker.ask)
        loops = (shipper, reloader, limits, replies, contents, retention, intake, controller, dispatcher, eval_runs)
        for gauges in (*(part.gauges for part in (*loops, journal, shadows)), *(export.gauges for export in exports)):
            metrics.watch(gauges)
        runs = [loop.run for loop in (*loops, refresher, keeping.content_shipper, workers) if loop is not None]
        ending.push_async_callback(_stopped, [asyncio.create_task(run()) for run in runs])
        for end in (contents.close, replies.close, conversations.close, shadows.close, eval_runs.close):
            ending.push_async_callback(end)
        yield Services(
            reloader, store, hasher, signer, auditor, sealer, dispatcher, refresher, journal, shipper,
            metrics, limits, conversations, intake, readiness, pipeline, Moderator(lending.models), Desk(store, asker),
            workers,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Recording:
    """How records, and what was said, come to disk and on to the database."""

    journal: Journal
    shipper: Shipper
    said: Journal
    content_shipper: ContentShipper


def _recording(settings: Settings, store: Store, observers: Sequence[Observer]) -> _Recording:
    refuses = settings.journal.full == "refuse"
    journal = Journal(settings.data / "journal", settings.journal.segment, refuses=refuses)
    said = Journal(settings.data / "contents", lazy=True)
    shipper = Shipper(journal, settings.data / "journal", store, observers)
    return _Recording(journal, shipper, said, ContentShipper(said, settings.data / "contents", store))


def _lent(guards: GuardSettings) -> AbstractAsyncContextManager[Lent]:
    return lent(guards.server, guards.read_token(), guards.timeout, guards.models)


def _told(
    reloader: Reloader, limits: Limits, content_shipper: ContentShipper, controller: Controller
) -> dict[str, Callable[[], str | None]]:
    """What readiness tells of, beside what it knows itself."""
    return {
        "configuration": reloader.stale,
        "limits": lambda: limits.fault,
        "contents": lambda: content_shipper.fault,
        "rollouts": lambda: controller.fault,
    }


async def _together(*endings: Callable[[], Awaitable[None]]) -> None:
    await asyncio.gather(*(end() for end in endings))


async def _stopped(loops: Sequence[asyncio.Task[None]]) -> None:
    for loop in loops:
        loop.cancel()
    await asyncio.wait(loops)


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
                services.intake,
                Library(services.store, services.refresher.snapshots),
                services.readiness,
                (services.workers or services.metrics).exposition,
            )
            refusal = unproven(services.refresher.snapshots)
            state: dict[str, Any] = {"hot_routes": hot_routes(services.pipeline), "unproven": refusal}
            evals = EvalRoutes(services.refresher.snapshots, services.desk)
            moderations = ModerationRoutes(
                services.refresher.snapshots, services.moderator, services.limits, services.journal, services.metrics
            )
            table = (*routes.table(), *moderations.table(), *evals.table())
            yield Served(table, cast(App, admin_app(services)), refusal, state)

    return AsgiFront(lifespan)


def recorded(shipper: Shipper, store: Store) -> Spent:
    """What the records say was spent, with those that still wait on this machine, also of a process that was killed."""
    shipped = spent(store)

    def find(scope: str, since: float, until: float) -> int:
        shipper.ship()
        return shipped(scope, since, until)

    return find
