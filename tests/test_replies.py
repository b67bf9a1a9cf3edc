"""Kept replies: who gets which again, what is never kept, and what happens without the state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway import replies as module
from gateway.errors import (
    BadRequest,
    ClientGone,
    GatewayError,
    InProgress,
    RateLimited,
    Unavailable,
    Unprocessable,
    UpstreamFailed,
)
from gateway.front.transcript import MOST_BYTES, Transcript
from gateway.providers.scripted import ScriptedConfig, ScriptedProvider
from gateway.releases.resolve import LiveRelease
from gateway.replies import Replies
from gateway.routing import Pool
from gateway.snapshot import Route
from gateway.state.memory import MemoryState
from gateway.types import Principal, Release
from gateway.upstreams import Upstream
from gateway.wire.chat import Chat
from gateway.wire.responses import Responses
from gateway.wire.surface import Surface
from tests.exchanges import Taken

pytestmark = pytest.mark.anyio

ADA = Principal("key_ada", "ada")
EVE = Principal("key_eve", "eve")
CHAT = Chat()


def route(digest: str = "d1", ttl: float | None = 60.0, model: str = "m") -> Route:
    upstream = Upstream("demo", "scripted", model, ScriptedProvider(ScriptedConfig()))
    live = LiveRelease.of(Release(digest, None, "demo"), None)
    return Route(Pool.lone(upstream), "bot", "bot", live, cache_ttl=ttl)


def hello(**more: Any) -> dict[str, Any]:
    return {"model": "bot", "messages": [{"role": "user", "content": "hello"}], **more}


class Away(MemoryState):
    """The state, which `away` makes unreachable."""

    away = False

    async def get(self, name: str) -> bytes | None:
        self._reach()
        return await super().get(name)

    async def put(self, name: str, value: bytes, ttl: float) -> None:
        self._reach()
        await super().put(name, value, ttl)

    async def claim(self, name: str, ttl: float, holder: str) -> bool:
        self._reach()
        return await super().claim(name, ttl, holder)

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("The state does not answer.")


class Process:
    """A gateway's process, as far as replies go. `asked` counts the upstream's calls."""

    def __init__(self, replies: Replies) -> None:
        self.replies = replies
        self.loop = asyncio.create_task(replies.run())
        self.asked = 0
        self.says: Callable[[Taken | Transcript], GatewayError | None] = self.fine
        self.began, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    def fine(self, exchange: Taken | Transcript) -> GatewayError | None:
        exchange.reply(200, b"", b'{"answer":%d}' % self.asked)
        return None

    async def ask(
        self,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        who: Principal = ADA,
        to: Route | None = None,
        surface: Surface = CHAT,
    ) -> Taken:
        """One request's walk, as the pipeline takes it."""
        client = Taken(headers or {}, orjson.dumps(body or hello()))
        call = surface.read(orjson.loads(client.body))
        error: GatewayError | None = None
        plan = self.replies.plan(surface, who, to or route(), call, client)
        if plan is None:
            self.asked += 1
            self.says(client)
            return client
        transcript = Transcript(client)
        try:
            found = await self.replies.find(plan)
            if found is not None:
                found.send(transcript, plan.fields)
            else:
                error = await self._upstream(transcript)
        except GatewayError as raised:
            error = raised
            transcript.reply(raised.status, plan.fields, (raised.code or "").encode())
        except asyncio.CancelledError:
            self.replies.keep(plan, transcript, ClientGone("left"))
            raise
        self.replies.keep(plan, transcript, error)
        return client

    async def _upstream(self, transcript: Transcript) -> GatewayError | None:
        self.asked += 1
        self.began.set()
        await self.gate.wait()
        return self.says(transcript)


@asynccontextmanager
async def process(state: MemoryState, refuses: bool = False) -> AsyncIterator[Process]:
    started = Process(Replies(state, refuses))
    yield started
    await started.replies.close()
    started.loop.cancel()
    with suppress(asyncio.CancelledError):
        await started.loop


@pytest.fixture
def state() -> Away:
    return Away()


@pytest.fixture
async def one(state: Away) -> AsyncIterator[Process]:
    async with process(state) as started:
        yield started


async def written(process: Process) -> None:
    """What is kept so far lies in the state."""
    await process.replies.close()


def failing(error: GatewayError) -> Callable[[Taken | Transcript], GatewayError | None]:
    def says(exchange: Taken | Transcript) -> GatewayError:
        exchange.reply(error.status, b"", b'{"error":1}')
        return error

    return says


# The cache -----------------------------------------------------------------------------------------------------------

ON = {"x-sluice-cache": "on"}


async def test_an_equal_request_gets_the_first_reply(one: Process) -> None:
    first = await one.ask(headers=ON)
    await written(one)
    body = {"messages": hello()["messages"], "model": "bot"}  # in another order
    second = await one.ask(body, ON)
    assert one.asked == 1
    assert (second.status, second.sent) == (200, first.sent)
    assert second.fields.startswith(b"x-sluice-cache: hit\r\nage: ")
    assert (one.replies.hits, one.replies.misses) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"who": EVE},
        {"to": route("d2")},
        {"to": route(model="another")},
        {"body": hello(temperature=0.5)},
        {"body": hello(stream=True)},
        {"headers": {}},
        {"headers": {"x-sluice-cache": "off"}},
        {"headers": {"x-sluice-cache": "refresh"}},
        {"to": route(ttl=None)},
    ],
    ids=["tenant", "release", "upstream", "body", "stream", "not asked for", "off", "refresh", "not allowed"],
)
async def test_any_other_request_is_asked_anew(one: Process, other: dict[str, Any]) -> None:
    await one.ask(headers=ON)
    await written(one)
    await one.ask(**{"headers": ON, **other})
    assert one.asked == 2
    assert one.replies.hits == 0


async def test_keys_of_one_project_share_and_no_project_is_a_keys_name(one: Process) -> None:
    await one.ask(headers=ON, who=replace(ADA, project="web"))
    await written(one)
    await one.ask(headers=ON, who=replace(EVE, project="web"))
    assert one.asked == 1
    await one.ask(headers=ON, who=Principal("web", "x"))
    assert one.asked == 2


async def test_refresh_keeps_what_it_got(one: Process) -> None:
    await one.ask(headers=ON)
    await written(one)
    fresh = await one.ask(headers={"x-sluice-cache": "refresh"})
    await written(one)
    again = await one.ask(headers=ON)
    assert fresh.sent == again.sent == b'{"answer":2}'
    assert one.asked == 2


async def test_a_stream_is_given_again_as_its_events(one: Process) -> None:
    def says(exchange: Taken | Transcript) -> None:
        exchange.begin(b"", b"data: 1\n\n")
        exchange.write(b"data: 2\n\n")
        exchange.end(b"data: [DONE]\n\n")

    one.says = says
    await one.ask(hello(stream=True), ON)
    await written(one)
    again = await one.ask(hello(stream=True), ON)
    assert (one.asked, again.sent, again.ended) == (1, b"data: 1\n\ndata: 2\n\ndata: [DONE]\n\n", True)


def broken(exchange: Taken | Transcript) -> GatewayError:
    exchange.begin(b"", b"data: 1\n\n")
    exchange.end(b"data: error\n\n")
    return UpstreamFailed("cut")


@pytest.mark.parametrize("says", [failing(BadRequest("no")), failing(UpstreamFailed("no")), broken])
async def test_what_went_wrong_is_not_cached(one: Process, says: Callable[[Any], GatewayError]) -> None:
    one.says = says
    await one.ask(headers=ON)
    await written(one)
    one.says = one.fine
    assert (await one.ask(headers=ON)).status == 200
    assert one.asked == 2


@pytest.mark.parametrize("more", [{}, {"background": True}])
async def test_a_stored_response_is_not_cached(one: Process, more: dict[str, Any]) -> None:
    """Its id would be another client's."""
    body = {"model": "bot", "input": "hello", **more}
    for _ in range(2):
        await one.ask(body, ON, surface=Responses())
        await written(one)
    assert one.asked == 2
    for _ in range(2):
        await one.ask({**body, "store": False, "background": False}, ON, surface=Responses())
        await written(one)
    assert one.asked == 3


async def test_a_large_reply_is_not_kept_and_counted(one: Process) -> None:
    one.says = lambda exchange: exchange.reply(200, b"", b"x" * (MOST_BYTES + 1))
    for number in (1, 2):
        await one.ask(headers=ON)
        await written(one)
        assert one.replies.dropped == number
    assert one.asked == 2


async def test_a_kept_reply_ends() -> None:
    now = 1000.0
    async with process(MemoryState(lambda: now)) as one:
        await one.ask(headers=ON)
        await written(one)
        now += 61
        await one.ask(headers=ON)
        assert one.asked == 2


async def test_without_the_state_the_cache_misses(one: Process, state: Away) -> None:
    state.away = True
    assert (await one.ask(headers=ON)).status == 200
    await written(one)
    assert (one.replies.misses, one.replies.dropped) == (1, 1)
    state.away = False
    await one.ask(headers=ON)
    await written(one)
    await one.ask(headers=ON)
    assert one.asked == 2


@pytest.mark.parametrize(
    "headers",
    [{"x-sluice-cache": "yes"}, {"idempotency-key": ""}, {"idempotency-key": "x" * 256}, {"idempotency-key": "ü"}],
)
async def test_a_header_that_makes_no_sense_is_refused(one: Process, headers: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as caught:
        await one.ask(headers=headers)
    assert caught.value.param == next(iter(headers))


async def test_what_does_not_fit_in_memory_is_dropped_and_counted(
    one: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 10)
    await one.ask(headers=ON)
    assert one.replies.dropped == 1


# Idempotency keys ----------------------------------------------------------------------------------------------------

KEY = {"idempotency-key": "order 17"}


async def test_the_second_request_gets_the_first_reply(one: Process) -> None:
    first = await one.ask(headers=KEY)
    second = await one.ask(headers=KEY)
    assert one.asked == 1
    assert (second.status, second.sent, second.fields) == (200, first.sent, b"x-sluice-replayed: true\r\n")
    assert one.replies.replayed == 1


async def test_another_key_or_another_client_is_another_request(one: Process) -> None:
    await one.ask(headers=KEY)
    await one.ask(headers={"idempotency-key": "order 18"})
    await one.ask(headers=KEY, who=EVE)
    assert one.asked == 3


@pytest.mark.parametrize("done", [True, False])
async def test_a_key_that_came_with_another_body_is_refused_at_once(one: Process, done: bool) -> None:
    if not done:
        one.gate.clear()
    first = asyncio.create_task(one.ask(headers=KEY))
    await one.began.wait()
    if done:
        await first
    other = await one.ask(hello(temperature=1), KEY)
    assert (other.status, other.sent) == (422, b"idempotency_key_reused")
    assert Unprocessable.retryable is False
    one.gate.set()
    assert (await first).status == 200
    assert (await one.ask(headers=KEY)).status == 200
    assert one.asked == 1


async def test_the_clients_fault_is_kept(one: Process) -> None:
    one.says = failing(BadRequest("no"))
    first = await one.ask(headers=KEY)
    one.says = one.fine
    again = await one.ask(headers=KEY)
    assert (again.status, again.sent) == (400, first.sent)
    assert again.fields == b"x-sluice-replayed: true\r\nx-should-retry: false\r\n"
    assert one.asked == 1


@pytest.mark.parametrize("says", [failing(UpstreamFailed("no")), failing(RateLimited("no")), broken])
async def test_what_sending_again_may_mend_is_not_kept(one: Process, says: Callable[[Any], GatewayError]) -> None:
    one.says = says
    await one.ask(headers=KEY)
    one.says = one.fine
    assert (await one.ask(headers=KEY)).sent == b'{"answer":2}'


async def test_one_that_comes_meanwhile_waits_for_the_first_in_any_process(one: Process, state: Away) -> None:
    async with process(state) as other:
        one.gate.clear()
        first = asyncio.create_task(one.ask(headers=KEY))
        await one.began.wait()
        others = [asyncio.create_task(where.ask(headers=KEY)) for where in (one, other, other)]
        await asyncio.sleep(0.1)
        one.gate.set()
        replies = await asyncio.gather(first, *others)
        assert (one.asked, other.asked) == (1, 0)
    assert {reply.sent for reply in replies} == {b'{"answer":1}'}


async def test_one_that_waits_too_long_is_told_to_come_back(one: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    one.gate.clear()
    first = asyncio.create_task(one.ask(headers=KEY))
    await one.began.wait()
    second = await one.ask(headers=KEY)
    assert (second.status, second.sent) == (409, b"idempotency_in_progress")
    assert InProgress.retryable is True
    one.gate.set()
    assert (await first).status == 200
    assert one.asked == 1


async def test_a_client_that_leaves_frees_its_key(one: Process) -> None:
    one.gate.clear()
    first = asyncio.create_task(one.ask(headers=KEY))
    await one.began.wait()
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    one.gate.set()
    assert (await one.ask(headers=KEY)).status == 200
    assert one.asked == 2


async def test_a_key_is_held_while_its_process_lives_and_no_longer(
    state: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE", 0.06)
    monkeypatch.setattr(module, "LAST_WRITES", 0.0)
    async with process(state) as one, process(state) as other:
        one.gate.clear()
        first = asyncio.create_task(one.ask(headers=KEY))
        await one.began.wait()
        second = asyncio.create_task(other.ask(headers=KEY))
        await asyncio.sleep(0.3)
        assert other.asked == 0
        one.loop.cancel()  # it says so no more, as if it had died
        await second
        assert other.asked == 1
        one.gate.set()
        await first


@pytest.mark.parametrize("refuses", [True, False])
async def test_without_the_state_a_key_protects_nothing_or_refuses(state: Away, refuses: bool) -> None:
    state.away = True
    async with process(state, refuses) as one:
        replies = [await one.ask(headers=KEY) for _ in range(2)]
        assert [reply.status for reply in replies] == ([503, 503] if refuses else [200, 200])
        assert one.replies.unprotected == (0 if refuses else 2)
        assert one.asked == (0 if refuses else 2)


async def test_a_reply_from_the_cache_is_kept_for_its_idempotency_key(one: Process) -> None:
    await one.ask(headers=ON)
    await written(one)
    hit = await one.ask(headers=ON | KEY)
    await written(one)
    again = await one.ask(headers=KEY)
    assert hit.sent == again.sent == b'{"answer":1}'
    assert again.fields == b"x-sluice-replayed: true\r\n"
    assert one.asked == 1


async def test_a_request_that_asks_for_nothing_costs_nothing(one: Process, state: Away) -> None:
    state.away = True
    assert (await one.ask()).status == 200
    assert one.replies.gauges().keys() >= {"cache_hits", "kept_replies_dropped"}
    assert {value for _, value in one.replies.gauges().values()} == {0}
