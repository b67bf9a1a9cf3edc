"""The routes of OpenAI's evals API and of its graders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import orjson

from gateway.access import Access
from gateway.evals.desk import Desk
from gateway.front.asgi import Params, Route
from gateway.front.exchange import Exchange, read_json
from gateway.front.routes import guarded
from gateway.snapshot import Snapshots
from gateway.types import Json, Principal

RUNS = "/v1/evals/{id}/runs"
ITEMS = RUNS + "/{run}/output_items"
GRADERS = "/v1/fine_tuning/alpha/graders"

Answer = Callable[[Principal, Params], Awaitable[Json]]
Change = Callable[[Principal, Params, Json], Awaitable[Json]]


class EvalRoutes:
    def __init__(self, snapshots: Snapshots, desk: Desk) -> None:
        self._snapshots = snapshots
        self._desk = desk

    def table(self) -> Sequence[Route]:
        """The longest first: a name in a path may be anything."""
        desk = self._desk
        return [
            self._asks("GET", ITEMS + "/{item}", desk.get_item),
            self._asks("GET", ITEMS, desk.list_items),
            self._tells(RUNS + "/{run}/cancel", desk.cancel_run),
            self._tells(RUNS + "/{run}", desk.cancel_run),
            self._asks("GET", RUNS + "/{run}", desk.get_run),
            self._asks("DELETE", RUNS + "/{run}", desk.delete_run),
            self._tells(RUNS, desk.create_run, 201),
            self._asks("GET", RUNS, desk.list_runs),
            self._tells("/v1/evals/{id}", desk.update),
            self._asks("GET", "/v1/evals/{id}", desk.get),
            self._asks("DELETE", "/v1/evals/{id}", desk.delete),
            self._tells("/v1/evals", desk.create, 201),
            self._asks("GET", "/v1/evals", desk.list),
            self._tells(GRADERS + "/run", desk.run_grader),
            self._tells(GRADERS + "/validate", desk.validate_grader),
        ]

    def _asks(self, method: str, path: str, answer: Answer) -> Route:
        async def serve(exchange: Exchange, params: Params) -> None:
            async def whole() -> None:
                exchange.reply(200, b"", orjson.dumps(await answer(self._caller(exchange), params)))

            await guarded(exchange, whole())

        return Route(method, path, Access.KEY, serve)

    def _tells(self, path: str, change: Change, status: int = 200) -> Route:
        """With a body; what may go without one may have an empty one."""

        async def serve(exchange: Exchange, params: Params) -> None:
            async def whole() -> None:
                who = self._caller(exchange)
                body = read_json(exchange) if exchange.body or exchange.refusal is not None else {}
                exchange.reply(status, b"", orjson.dumps(await change(who, params, body)))

            await guarded(exchange, whole())

        return Route("POST", path, Access.KEY, serve)

    def _caller(self, exchange: Exchange) -> Principal:
        headers = exchange.headers
        return self._snapshots.current.keys.authenticate(headers.get(b"authorization"), headers.get(b"x-api-key"))
