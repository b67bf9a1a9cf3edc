"""The walk of a request, asked without a server: what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.http.base import Reply
from gateway.wire.body import JSON
from gateway.wire.chat import Chat
from tests.inside import inside

pytestmark = pytest.mark.anyio

GOOD = b'{"model":"demo","messages":[{"role":"user","content":"x"}]}'


class Taken:
    """An `Exchange` that keeps the status it was answered with."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers = {name.encode(): value.encode() for name, value in headers.items()}
        self.body = body
        self.refusal: GatewayError | None = None
        self.started = time.perf_counter_ns()
        self.status = 0

    def reply(self, status: int, fields: bytes, body: bytes, kind: bytes = JSON) -> None:
        self.status = status

    def begin(self, fields: bytes, events: bytes) -> None: ...

    def write(self, events: bytes) -> None: ...

    def end(self, events: bytes) -> None:
        self.status = 200

    def flow(self, upstream: Reply) -> None: ...


@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        (True, GOOD, 200),
        (True, GOOD.replace(b"{", b'{"stream":true,', 1), 200),
        (False, GOOD, 401),
        (True, b"[]", 400),
        (True, GOOD.replace(b"demo", b"ghost"), 404),
        (True, GOOD.replace(b"demo", b"broken"), 502),
        (True, GOOD.replace(b"demo", b"raced"), 200),
        (True, GOOD.replace(b"demo", b"raced").replace(b"{", b'{"stream":true,', 1), 200),
        (True, GOOD.replace(b"demo", b"lost"), 502),
        (True, GOOD.replace(b"demo", b"lost").replace(b"{", b'{"stream":true,', 1), 502),
    ],
)
async def test_nothing_of_a_call_waits_for_the_garbage_collector(
    tmp_path: Path, key: bool, body: bytes, status: int
) -> None:
    """A cycle would keep a body of up to 32 MB, from a client without a key too."""
    upstreams = {
        "demo": {"provider": "scripted", "model": "m"},
        "broken": {"provider": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"},
        "slow": {"provider": "scripted", "model": "m", "rules": [{"pause": 0.05}]},
        "slow-broken": {"provider": "scripted", "model": "m", "rules": [{"pause": 0.05, "cut": 0}]},
    }
    pools = {
        "raced": {"members": {"slow": 1}, "fallbacks": ["demo"], "hedge_after": 0.001},
        "lost": {"members": {"slow-broken": 1}, "fallbacks": ["broken"], "hedge_after": 0.001, "retries": 0},
    }
    async with inside(tmp_path, upstreams=upstreams, pools=pools) as whole:
        exchange = Taken(await whole.key() if key else {}, body)
        gone = weakref.ref(exchange)
        gc.disable()
        try:
            await whole.services.pipeline.serve(Chat(), exchange)
            assert exchange.status == status
            del exchange
            await asyncio.sleep(0)  # the loop lets go of the step that ended
            assert gone() is None
        finally:
            gc.enable()
