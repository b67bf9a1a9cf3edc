"""The admin API under `/admin`: FastAPI, because nothing here is hot. Errors have OpenAI's shape here too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import Match

from gateway import __version__
from gateway.api.audit import router as audit
from gateway.api.calls import router as calls
from gateway.api.config import router as config
from gateway.api.contents import router as contents
from gateway.api.deps import Viewer, numbers_storable, parameters_once
from gateway.api.endpoints import router as endpoints
from gateway.api.evidence import router as evidence
from gateway.api.feedback import router as feedback
from gateway.api.keys import router as keys
from gateway.api.limits import router as limits
from gateway.api.policies import router as policies
from gateway.api.prompt_labels import router as prompt_labels
from gateway.api.prompts import router as prompts
from gateway.api.releases import router as releases
from gateway.api.retention import router as retention
from gateway.api.retrace import router as retrace
from gateway.api.reviews import router as reviews
from gateway.api.rollouts import router as rollouts
from gateway.api.teams import router as teams
from gateway.api.upstreams import router as upstreams
from gateway.api.value import router as value
from gateway.api.webhooks import router as webhooks
from gateway.errors import BadRequest, GatewayError, Internal, MethodNotAllowed, NotFound, error_body
from gateway.wire.headers import refusal_headers

if TYPE_CHECKING:
    from gateway.services import Services

ROUTERS = (
    keys,
    teams,
    limits,
    prompt_labels,
    prompts,
    releases,
    policies,
    endpoints,
    rollouts,
    evidence,
    calls,
    contents,
    retrace,
    feedback,
    reviews,
    value,
    retention,
    upstreams,
    config,
    audit,
    webhooks,
)
"""In the order in which they are documented, and their paths compared."""


def admin_app(services: Services) -> FastAPI:
    """The application for one running gateway."""
    app = FastAPI(
        title="Sluicegate admin API",
        version=__version__,
        openapi_url=None,  # FastAPI's own route would be open to everybody
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(parameters_once), Depends(numbers_storable)],
    )
    app.state.services = services
    app.get("/admin/openapi.json", include_in_schema=False)(_description)
    for router in ROUTERS:
        app.include_router(router, prefix="/admin")
    app.add_exception_handler(GatewayError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _defect)
    return app


async def _description(request: Request, who: Viewer) -> dict[str, Any]:
    app: FastAPI = request.app
    return app.openapi()


def _reply(error: GatewayError) -> Response:
    headers = {name.decode(): value.decode() for name, value in refusal_headers(error)}
    return Response(error_body(error), error.status, headers, "application/json")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)
    return _reply(error)


async def _invalid(request: Request, error: Exception) -> Response:
    """FastAPI's 422 as OpenAI's 400: the first fault, with its place."""
    assert isinstance(error, RequestValidationError)
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        return _reply(BadRequest(f"The request body is not valid JSON: {fault['ctx']['error']}.", code="invalid_json"))
    where = ".".join(str(step) for step in fault["loc"][1:])
    said = fault["msg"].removeprefix("Value error, ").removesuffix(".")
    return _reply(BadRequest(f"{where or 'The request'}: {said}.", param=where or None, code="invalid_value"))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.scope["path"][:200]  # not `request.url`, in which a forged host may stand
    if error.status_code == 405:
        message = f"{path} does not take {request.method}."
        return _reply(MethodNotAllowed(message, _methods(request)))
    if error.status_code == 404:
        return _reply(NotFound(f"Unknown request URL: {request.method} {path}.", code="unknown_url"))
    return _reply(BadRequest("The request body is not valid JSON.", code="invalid_json"))  # not even text


def _methods(request: Request) -> list[str]:
    """Those of every route of this path: a route knows only its own."""
    routes = iter_route_contexts(request.app.routes)
    fitting = [route.methods or () for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for methods in fitting for method in methods})


async def _defect(request: Request, error: Exception) -> Response:
    return _reply(Internal("An internal error occurred. The server's log has it."))
