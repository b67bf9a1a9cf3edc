"""Every route of the data plane, with its access rule: the table the fronts serve from and the access test reads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from gateway.access import Access, admit, no_such_model
from gateway.conversations import Conversations
from gateway.errors import GatewayError, Internal, Unavailable, UnsupportedParam, error_body
from gateway.feedback import Intake
from gateway.front.asgi import Params, Route
from gateway.front.exchange import Exchange, Refusal, read_json
from gateway.library import Library
from gateway.pipeline import Pipeline
from gateway.readiness import Readiness
from gateway.snapshot import Snapshot, Snapshots
from gateway.types import Json, Principal
from gateway.wire.chat import Chat
from gateway.wire.completions import Completions
from gateway.wire.embeddings import Embeddings
from gateway.wire.headers import lines, refusal_headers
from gateway.wire.messages import Messages
from gateway.wire.paging import Page
from gateway.wire.responses import Responses
from gateway.wire.surface import Surface

log = logging.getLogger(__name__)

HOT: dict[str, Surface] = {
    "/v1/chat/completions": Chat(),
    "/v1/completions": Completions(),
    "/v1/embeddings": Embeddings(),
    "/v1/messages": Messages(),
    "/v1/responses": Responses(),
}
"""The surfaces by path. The pipeline authenticates these itself, so that a refusal leaves a record too."""

Answer = Callable[[Principal, Params], Awaitable[Json]]
Exposition = Callable[[], tuple[bytes, bytes]]
"""Content type and text of `/metrics`."""


def hot_routes(pipeline: Pipeline) -> dict[bytes, Callable[[Exchange], Coroutine[Any, Any, None]]]:
    """What the hot front serves, by path."""
    return {path.encode(): partial(pipeline.serve, surface) for path, surface in HOT.items()}


def unproven(snapshots: Snapshots) -> Refusal:
    """Refuses what shows no key that is known."""

    def refusal(headers: Mapping[bytes, bytes]) -> GatewayError | None:
        try:
            snapshots.current.keys.authenticate(headers.get(b"authorization"), headers.get(b"x-api-key"))
        except GatewayError as error:
            return error
        return None

    return refusal


class DataRoutes:
    """The routes that are not hot: models, stored responses, prompts, feedback, health and metrics."""

    def __init__(
        self,
        pipeline: Pipeline,
        snapshots: Snapshots,
        conversations: Conversations,
        intake: Intake,
        library: Library,
        readiness: Readiness,
        exposition: Exposition,
    ) -> None:
        self._pipeline = pipeline
        self._snapshots = snapshots
        self._conversations = conversations
        self._intake = intake
        self._library = library
        self._readiness = readiness
        self._metrics = exposition

    def table(self) -> Sequence[Route]:
        responses = self._conversations
        return [
            *(Route("POST", path, Access.KEY, self._hot(surface)) for path, surface in HOT.items()),
            self._json("GET", "/v1/models", self._models),
            self._json("GET", "/v1/models/{model}", self._model),
            self._json("POST", "/v1/responses/{id}/cancel", lambda who, at: responses.cancel(at["id"], who)),
            self._json("GET", "/v1/responses/{id}/input_items", self._input_items),
            self._json("GET", "/v1/responses/{id}", self._response),
            self._json("DELETE", "/v1/responses/{id}", lambda who, at: responses.delete(at["id"], who)),
            self._json("GET", "/v1/prompts/{name}", self._prompt),
            Route("POST", "/v1/feedback", Access.KEY, self._feedback),
            Route("GET", "/healthz", Access.PUBLIC, self._healthz),
            Route("GET", "/readyz", Access.PUBLIC, self._readyz),
            Route("GET", "/metrics", Access.VIEWER, self._exposition),
        ]

    def _hot(self, surface: Surface) -> Callable[[Exchange, Params], Awaitable[None]]:
        async def serve(exchange: Exchange, params: Params) -> None:
            await self._pipeline.serve(surface, exchange)

        return serve

    def _json(self, method: str, path: str, answer: Answer, access: Access = Access.KEY) -> Route:
        async def serve(exchange: Exchange, params: Params) -> None:
            await guarded(exchange, self._answer(exchange, access, answer, params))

        return Route(method, path, access, serve)

    async def _answer(self, exchange: Exchange, access: Access, answer: Answer, params: Params) -> None:
        principal = self._admit(exchange, access)
        exchange.reply(200, b"", orjson.dumps(await answer(principal, params)))

    def _admit(self, exchange: Exchange, access: Access) -> Principal:
        keys = self._snapshots.current.keys
        principal = keys.authenticate(exchange.headers.get(b"authorization"), exchange.headers.get(b"x-api-key"))
        admit(access, principal)
        return principal

    async def _models(self, principal: Principal, params: Params) -> Json:
        return {"object": "list", "data": _list_models(self._snapshots.current, principal)}

    async def _model(self, principal: Principal, params: Params) -> Json:
        for model in _list_models(self._snapshots.current, principal):
            if model["id"] == params["model"]:
                return model
        raise no_such_model(params["model"])

    async def _response(self, principal: Principal, params: Params) -> Json:
        _refuse_query(params, "include", "include[]", "starting_after", "stream")
        return await self._conversations.get(params["id"], principal)

    async def _input_items(self, principal: Principal, params: Params) -> Json:
        _refuse_query(params, "include", "include[]")
        return await self._conversations.items(params["id"], principal, Page.read(params))

    async def _prompt(self, principal: Principal, params: Params) -> Json:
        return await self._library.get(params["name"], params.get("version"), params.get("label"), principal)

    async def _feedback(self, exchange: Exchange, params: Params) -> None:
        async def answer() -> None:
            principal = self._admit(exchange, Access.KEY)
            exchange.reply(200, b"", orjson.dumps(await self._intake.take(principal, read_json(exchange))))

        await guarded(exchange, answer())

    async def _healthz(self, exchange: Exchange, params: Params) -> None:
        exchange.reply(200, b"", b'{"status":"ok"}')

    async def _readyz(self, exchange: Exchange, params: Params) -> None:
        async def answer() -> None:
            state = await self._readiness.check()
            status = 200 if state.ready else Unavailable.status
            exchange.reply(status, b"", orjson.dumps(state.as_json()))

        await guarded(exchange, answer())

    async def _exposition(self, exchange: Exchange, params: Params) -> None:
        async def answer() -> None:
            self._admit(exchange, Access.VIEWER)
            kind, text = self._metrics()
            exchange.reply(200, b"", text, kind)

        await guarded(exchange, answer())


async def guarded(exchange: Exchange, answer: Awaitable[None]) -> None:
    """Run an answer; what it raises becomes an error reply."""
    try:
        await answer
    except GatewayError as error:
        exchange.reply(error.status, lines(refusal_headers(error)), error_body(error))
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("defect while serving")
        exchange.reply(500, b"", error_body(Internal("An internal error occurred. The server's log has it.")))


def _refuse_query(params: Params, *names: str) -> None:
    """Raises `UnsupportedParam` for a field of the query that means something at OpenAI, and nothing here."""
    for name in names:
        if params.get(name, "false") != "false":
            message = f"A stored response is given whole, as it was made: leave out {name!r}."
            raise UnsupportedParam(message, param=name.removesuffix("[]"))


def _list_models(snapshot: Snapshot, principal: Principal) -> list[dict[str, Any]]:
    """Upstreams and adapters, whose age is not known, are as old as the installation: the same in every process."""
    endpoints, pools = snapshot.visible(principal)
    models = []
    for endpoint in endpoints:
        if endpoint.live is None:
            continue
        pool = snapshot.pools[endpoint.live.release.upstream]
        models.append(_model_object(endpoint.name, "endpoint", endpoint.created, pool.shutdown_date))
    for pool in pools:
        upstream = snapshot.upstreams.get(pool.name)
        owner = upstream.kind if upstream is not None else "pool"
        models.append(_model_object(pool.name, owner, snapshot.began, pool.shutdown_date))
        adapters = upstream.adapters if upstream is not None else ()
        models += [_model_object(f"{pool.name}:{name}", "adapter", snapshot.began) for name in adapters]
    return models


def _model_object(name: str, owner: str, created: int, retires: str | None = None) -> dict[str, Any]:
    model: dict[str, Any] = {"id": name, "object": "model", "created": created, "owned_by": owner}
    if retires is not None:
        model["shutdown_date"] = retires
    return model
