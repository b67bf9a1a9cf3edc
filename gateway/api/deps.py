"""What every admin route needs: the running services, and a caller whose role was checked."""

from __future__ import annotations

import math
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


Place = tuple["Place", str] | None
"""Of a value in a body: where what it is in is, and its name there."""


async def numbers_storable(request: Request) -> None:
    """Raises `BadRequest` for a JSON body with a number in it that is none of JSON's, or that no database and no reply
    could hold: beyond 64 bits."""
    if getattr(request.scope.get("route"), "body_field", None) is None:
        return  # read by the route itself, as what it is
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return  # refused as no JSON, by whoever reads it
    waiting: list[tuple[Place, Any]] = [(None, body)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((place, name), below) for name, below in value.items()]
        elif isinstance(value, list):
            waiting += [((place, str(index)), below) for index, below in enumerate(value)]
        elif isinstance(value, float) and not math.isfinite(value):
            raise _no_number(place, "a number is finite")
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise _no_number(place, "a whole number has at most 64 bits")


def _no_number(place: Place, said: str) -> BadRequest:
    steps: list[str] = []
    while place is not None:
        place, name = place
        steps.insert(0, name[:80])
    where = ".".join(steps[:20]) or None
    return BadRequest(f"{where or 'The request'}: {said}.", param=where, code="invalid_value")


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
