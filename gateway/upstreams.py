"""An upstream: a reachable model, ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.errors import BadRequest, UnsupportedParam
from gateway.health import Health
from gateway.http.base import Timeouts
from gateway.pricing import Price
from gateway.providers.base import Ask, Provider
from gateway.types import Json, Operation
from gateway.wire.surface import Call


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Upstream:
    """Provider, model, prices and limits under one name. `drops` are the fields the provider cannot honour and the
    configuration allows to leave out; any other such field refuses the request. `adapters` are names under which
    fine-tuned weights of this upstream can be asked for."""

    name: str
    kind: str
    model: str
    provider: Provider
    price: Price | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    drops: frozenset[str] = frozenset()
    adapters: tuple[str, ...] = ()
    shutdown_date: str | None = None
    max_output: int = 16_384
    """Tokens an answer is taken to have at most where its call names no maximum."""
    digest: str = ""
    """Names its settings and its price."""
    identity: str = ""
    """Names what answers: the settings that decide which model says what, and not how it is reached or paid."""
    health: Health = field(default_factory=Health, compare=False)

    def ask(self, call: Call, operation: Operation, trace: bytes, adapter: str | None = None) -> Ask:
        """The call as this upstream is asked. The call stays as it was: another may be asked next. Raises what this one
        cannot do. Usage is always asked for, to meter it."""
        if operation not in self.provider.operations:
            raise BadRequest(f"{self.name!r} does not serve {operation}.", param="model", code="unsupported_operation")
        body = call.body.copy()
        call.dropped.clear()
        if operation == "chat" and not body["messages"]:
            raise BadRequest("'messages' is empty: there is nothing to answer.", param="messages", code="invalid_value")
        if not self.provider.refuses.isdisjoint(body):
            self._drop_or_refuse(call, body)
        if call.stream:
            body["stream"] = True
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        return Ask(operation, body, call.stream, self.timeouts, trace, adapter)

    def _drop_or_refuse(self, call: Call, body: Json) -> None:
        for name in sorted(self.provider.refuses & body.keys()):
            if body[name] is None or name in self.drops:
                del body[name]
                call.dropped.append(name)
            else:
                message = f"The upstream {self.name!r} cannot honour {name!r}. Leave it out, or list it under `drop`."
                raise UnsupportedParam(message, param=name)
