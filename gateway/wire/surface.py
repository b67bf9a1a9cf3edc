"""A surface: one of the APIs a client may speak (chat, completions, responses, messages, embeddings).

A surface turns the client's body into a `Call` in an upstream operation's shape, and gives a `Translator` that turns
what the upstream answers back. Everything here is synchronous and knows neither sockets nor configuration.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from gateway.errors import GatewayError
from gateway.types import Json, Operation, PromptRef
from gateway.wire.chunks import Meter


class Call(msgspec.Struct):
    """One request, parsed. `body` is in the upstream operation's shape and belongs to this call alone.

    `model` is what the client asked for. `asked` is the client's own body, for surfaces that echo it.
    """

    model: str
    body: Json
    stream: bool
    asked: Json
    prompt: PromptRef | None = None
    previous: str | None = None
    """The stored response whose conversation this call goes on with."""
    turn: list[Json] = []
    """The conversation without instructions, as chat messages with reasoning items (no `role`) between them: what a
    stored response is continued from."""
    response_id: str = ""
    """Of the responses API: the id its response will have, whoever makes it."""
    created: int = 0
    """Unix time at which that response began."""
    store: bool = False
    background: bool = False
    fixed: list[str] = []
    """Request fields that gave way to the release's own."""
    dropped: list[str] = []
    """Request fields the upstream cannot honour and was configured to go without."""


class Translator(Protocol):
    """Turns one reply of the upstream into the client's wire: `whole`, or `feed`* and then `finish` or `fail`."""

    meter: Meter

    def whole(self, body: bytes) -> bytes:
        """A whole reply. Raises `UpstreamFailed` for garbage."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Bytes of the upstream's stream, cut anywhere; gives whole events for the client, perhaps none (b"")."""
        ...

    def finish(self) -> bytes:
        """The upstream's stream ended: the last events for the client. Raises `UpstreamFailed` if it was cut short."""
        ...

    def fail(self, error: GatewayError) -> bytes:
        """The stream broke: the event that tells the client, after which nothing follows."""
        ...


@runtime_checkable
class StoringTranslator(Translator, Protocol):
    """A translator whose result can be stored under an id that is known from the start."""

    response_id: str
    result: Json | None
    """The finished response, once there is one."""

    def pending(self) -> Json:
        """The response as it stands before anything was made: status `in_progress`."""
        ...


class Surface(Protocol):
    name: str
    operation: Operation

    def read(self, body: Json) -> Call:
        """Check and take apart the client's body. Raises `BadRequest` naming the field."""
        ...

    def translator(self, call: Call) -> Translator: ...

    def error(self, error: GatewayError) -> bytes:
        """An error reply's body in this API's shape."""
        ...
