"""The scoring server's routes: `Models` over HTTP, and what operators ask. See `guardrails.models.wire`.

Nothing waits without a bound. A request too many is turned away before its body is read, a window too many before it is
queued; who leaves takes along what still waits. Whatever a model does, there is an answer that says so.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Protocol, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from guardrails.errors import Cause, NotRun, Overloaded
from guardrails.guard import Models
from guardrails.models.batcher import Load
from guardrails.models.cached import CachedModels
from guardrails.models.wire import MOST_BYTES, Asking, Embedded, Embedding, Fault, Refused, Scored, Scoring
from guardrails.server.measures import Measures

log = logging.getLogger(__name__)

INSIDE = 512
"""Requests that are dealt with at once."""
PATIENCE = 10.0
"""Seconds for the body of a request to come."""
RETRY = {"retry-after": "1"}

Asked = TypeVar("Asked", bound=Asking)


class Served(Models, Protocol):
    """What is served: models, and what they are."""

    embeds: str

    def digest(self, model: str) -> str:
        """The SHA-256 of its manifest, in hex; loads it where need be. Raises `NotRun` where it cannot be had."""

    @property
    def loads(self) -> Mapping[tuple[str, str], Load]: ...


class Refusal(Exception):
    """What a client is told in place of an answer."""

    def __init__(self, status: int, code: str, message: str, cause: Cause = "failed") -> None:
        super().__init__(message)
        self.status, self.code = status, code
        self.fault = Fault(code, message, cause)

    def response(self) -> Response:
        return _json(Refused(self.fault), self.status, RETRY if self.status in (429, 503) else {})


class Box:
    """One server: the models that are served by `names`, each with its digest once it is loaded, or why it cannot be.
    `token` is the bearer that is asked for; None lets anybody in."""

    def __init__(self, served: Served, names: Sequence[str], token: str | None = None) -> None:
        self._served, self._names, self._token = served, names, token
        self._models = CachedModels(served)
        self._measures = Measures(lambda: served.loads, self._models.gauges)
        self._digests: dict[str, str | NotRun] = {}
        self._inside = 0

    def application(self) -> Starlette:
        """The ASGI application. It listens at once, and is ready when all models are loaded."""
        return Starlette(
            routes=[
                Route("/score", self._score, methods=["POST"]),
                Route("/embed", self._embed, methods=["POST"]),
                Route("/models", self._told, methods=["GET"]),
                Route("/metrics", self._metrics, methods=["GET"]),
                Route("/health", _health, methods=["GET"]),
                Route("/ready", self._ready, methods=["GET"]),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, application: Starlette) -> AsyncIterator[None]:
        loading = asyncio.create_task(self._load())
        yield
        loading.cancel()

    async def _load(self) -> None:
        for name in self._names:
            try:
                self._digests[name] = await asyncio.to_thread(self._served.digest, name)
            except NotRun as error:
                log.error("the model %s cannot be served: %s", name, error.message)
                self._digests[name] = error

    # what gateways ask ------------------------------------------------------------------------------------------------

    async def _score(self, request: Request) -> Response:
        async def scored(asked: Scoring, digest: str) -> Scored:
            found = await self._models.score(asked.model, [tuple(row) for row in asked.rows])
            self._measures.texts.labels(asked.model).inc(len(found))
            return Scored(digest, [[(one.start, one.end, one.scores) for one in windows] for windows in found])

        return await self._answered(request, Scoring, scored)

    async def _embed(self, request: Request) -> Response:
        async def embedded(asked: Embedding, digest: str) -> Embedded:
            if asked.model != self._served.embeds:
                raise Refusal(404, "unknown_model", f"embeddings are those of {self._served.embeds}", "missing")
            found = await self._models.embed(asked.texts)
            self._measures.texts.labels(asked.model).inc(len(found))
            return Embedded(digest, found.tolist())

        return await self._answered(request, Embedding, embedded)

    async def _answered(
        self, request: Request, kind: type[Asked], work: Callable[[Asked, str], Awaitable[Scored | Embedded]]
    ) -> Response:
        """One walk for both: let in, read, held against what is served, judged, and counted."""
        began, model = time.perf_counter(), ""
        self._inside += 1
        try:
            self._admit(request)
            asked = await _read(request, kind)
            digest = self._digest(asked)
            model = asked.model
            response = _json(await _unless_left(request, work(asked, digest)))
        except Refusal as refusal:
            response = self._refused(refusal, model)
        except Overloaded as error:
            response = self._refused(Refusal(429, "overloaded", error.message), model)
        except NotRun as error:
            response = self._refused(Refusal(503, "not_run", error.message, error.cause), model)
        except MemoryError:
            response = self._refused(Refusal(503, "not_run", "there was not enough memory"), model)
        except ClientDisconnect:
            response = Response(status_code=499)
        finally:
            self._inside -= 1
        self._measures.requests.labels(model, str(response.status_code)).inc()
        self._measures.seconds.labels(model).observe(time.perf_counter() - began)
        return response

    def _admit(self, request: Request) -> None:
        self._authorise(request)
        if self._inside > INSIDE:
            raise Refusal(429, "overloaded", f"{INSIDE} requests are being dealt with already")

    def _authorise(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        if self._token is not None and not compare_digest(given, f"Bearer {self._token}".encode()):
            raise Refusal(401, "unauthorized", "the token is missing, or not the server's", "missing")

    def _digest(self, asked: Asking) -> str:
        if asked.model not in self._names:
            raise Refusal(404, "unknown_model", f"the model {asked.model[:80]} is not served here", "missing")
        found = self._digests.get(asked.model)
        if found is None:
            raise Refusal(503, "loading", f"the model {asked.model} is being loaded")
        if isinstance(found, NotRun):
            raise Refusal(503, "not_run", found.message, found.cause)
        if not found.startswith(asked.digest):
            told = f"the model {asked.model} that is served here is another: {found[:12]}"
            raise Refusal(409, "other_model", told, "missing")
        return found

    def _refused(self, refusal: Refusal, model: str) -> Response:
        self._measures.refused.labels(refusal.code).inc()
        if refusal.code == "not_run":
            self._measures.failures.labels(model).inc()
        return refusal.response()

    # what operators ask -----------------------------------------------------------------------------------------------

    async def _told(self, request: Request) -> Response:
        try:
            self._authorise(request)
        except Refusal as refusal:
            return refusal.response()
        return _json({"models": [self._model(name) for name in self._names]})

    def _model(self, name: str) -> dict[str, str | bool | None]:
        found = self._digests.get(name)
        fault = found.message if isinstance(found, NotRun) else "it is being loaded" if found is None else None
        return {
            "name": name,
            "digest": found if isinstance(found, str) else None,
            "embeds": name == self._served.embeds,
            "fault": fault,
        }

    async def _metrics(self, request: Request) -> Response:
        try:
            self._authorise(request)
        except Refusal as refusal:
            return refusal.response()
        kind, text = self._measures.exposition()
        return Response(text, media_type=kind)

    async def _ready(self, request: Request) -> Response:
        faults = {name: fault for name in self._names if (fault := self._model(name)["fault"]) is not None}
        return _json({"ready": not faults, "faults": faults}, 503 if faults else 200)


async def _health(request: Request) -> Response:
    return _json({"ok": True})


async def _read(request: Request, kind: type[Asked]) -> Asked:
    """Raises `Refusal` for a body that is too large, too slow or not what is expected."""
    found = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                found += part
                if len(found) > MOST_BYTES:
                    raise Refusal(413, "too_large", f"a request has {MOST_BYTES} bytes at most")
    except TimeoutError as error:
        raise Refusal(408, "too_slow", f"the body did not come in {PATIENCE:g} s") from error
    try:
        return msgspec.json.decode(found, type=kind)
    except msgspec.ValidationError as error:
        raise Refusal(400, "bad_request", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, "bad_request", "the body is no JSON") from error


async def _unless_left(request: Request, work: Awaitable[Scored | Embedded]) -> Scored | Embedded:
    """What comes of the work, which ends with whoever asked for it. Raises `ClientDisconnect` then."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(request.receive())  # the body is through: what comes next is that they left
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()


def _json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, "application/json")
