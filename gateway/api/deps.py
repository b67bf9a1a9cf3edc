"""What every admin route needs: the running services, and a caller whose role was checked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from gateway.access import Access, admit
from gateway.errors import BadRequest
from gateway.types import Principal

if TYPE_CHECKING:
    from gateway.services import Services


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def parameters_once(request: Request) -> None:
    """Raises `BadRequest` for a query that gives a parameter twice: nobody can tell which of the two is meant."""
    counted = Counter(name for name, _ in request.query_params.multi_items())
    for name, times in counted.items():
        if times > 1:
            message = f"The parameter {name[:80]!r} is given {times} times; give it once."
            raise BadRequest(message, param=name[:80], code="duplicate_key")


class Requires:
    """A dependency that holds a route's access rule; the access test reads `access` from it."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def __call__(self, request: Request) -> Principal:
        keys = services_of(request).refresher.snapshots.current.keys
        shown = (request.headers.get(name) for name in ("authorization", "x-api-key"))
        principal = keys.authenticate(*(value.encode("latin-1") if value is not None else None for value in shown))
        admit(self.access, principal)
        return principal


Viewer = Annotated[Principal, Depends(Requires(Access.VIEWER))]
Evaluator = Annotated[Principal, Depends(Requires(Access.EVALUATOR))]
Editor = Annotated[Principal, Depends(Requires(Access.EDITOR))]
Approver = Annotated[Principal, Depends(Requires(Access.APPROVER))]
Handler = Annotated[Principal, Depends(Requires(Access.HANDLER))]
"""Whoever may undo: editor or approver."""
Admin = Annotated[Principal, Depends(Requires(Access.ADMIN))]
MOST = 2**53
"""Numbers in JSON are exact up to here, and every database holds them."""
Running = Annotated[Any, Depends(services_of)]
