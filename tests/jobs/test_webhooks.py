"""The job: nothing that happened is missed, a message is sent until it arrives, and a receiver that is slow, wrong or
dead harms nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks.webhooks import Webhook as Standard

from gateway.audit import Act, Auditor
from gateway.errors import BadRequest
from gateway.jobs import webhooks as job
from gateway.jobs.webhooks import LASTING, PAUSES, Dispatcher
from gateway.sealing import Sealer
from gateway.signing import Signer
from gateway.store import audit, webhooks
from gateway.store.engine import Store
from gateway.store.tables import evidence as tables
from gateway.store.webhooks import Delivery, Webhook
from gateway.webhooks import new_secret
from tests.answering import Told, answering
from tests.waiting import until

pytestmark = pytest.mark.anyio

SEALER = Sealer.of(b"secret")
AUDITOR = Auditor(Signer.of(b"secret"))
SECRET = new_secret()


@pytest.fixture
def told() -> Iterator[Told]:
    with answering() as server:
        server.answer(204, b"")
        yield server


def dispatcher(store: Store, *, private: bool = True) -> Dispatcher:
    return Dispatcher(store, AUDITOR, SEALER, private=private)


@asynccontextmanager
async def at_work(store: Store, *, private: bool = True) -> AsyncIterator[Dispatcher]:
    made = dispatcher(store, private=private)
    try:
        yield made
    finally:
        await made.close()


def subscribe(store: Store, url: str, *events: str, name: str = "wh_1") -> Webhook:
    with store.begin() as connection:
        head = audit.last(connection)
        heard = head.seq if head is not None else 0
        sealed = SEALER.seal(SECRET, name)
        made = Webhook(name, url, sealed, list(events or ("prompt.",)), time.time(), "ada", heard)
        webhooks.add(connection, made)
        return made


def act(store: Store, action: str, of: str = "prompt:greet") -> None:
    with store.begin() as connection:
        AUDITOR.append(connection, "ada", None, Act(action, of, "why", {"version": 2}))


def found(store: Store, name: str = "wh_1") -> list[Delivery]:
    """Oldest first."""
    with store.begin() as connection:
        return webhooks.list_deliveries(connection, name, None, None, 1000)[::-1]


def row(store: Store, name: str = "wh_1") -> Webhook:
    with store.begin() as connection:
        known = webhooks.find(connection, name)
    assert known is not None
    return known


def rewrite(store: Store, table: Any, **values: Any) -> None:
    with store.begin() as connection:
        connection.execute(update(table).values(**values))


async def ticks(made: Dispatcher) -> None:
    """One, and what it began comes to its end."""
    await made.tick()
    await settled(made)


async def settled(made: Dispatcher) -> None:
    await until(lambda: not made.on_their_way)


async def test_what_happens_is_told_signed_and_once(store: Store, told: Told) -> None:
    act(store, "keys.create", "key:before")
    subscribe(store, told.url, "prompt.")
    act(store, "prompt.label.moved")
    act(store, "keys.create", "key:other")
    act(store, "prompt.version.created")
    async with at_work(store) as made:
        await ticks(made)
        await ticks(made)
        assert made.gauges()["webhooks_delivered"][1] == 2
    assert sorted(one.body["type"] for one in told.asked) == ["prompt.label.moved", "prompt.version.created"]
    for one in told.asked:
        assert one.method == "POST"
        assert one.headers["content-type"] == "application/json"
        assert Standard(SECRET).verify(one.raw.decode(), one.headers) == one.body
        assert one.body["data"]["actor"] == "ada"
        assert one.body["data"]["detail"] == {"version": 2}
    assert [(one.state, one.tries, one.last) for one in found(store)] == [("delivered", 1, "HTTP 204")] * 2


async def test_nobody_else_is_told_and_nothing_is_written(store: Store) -> None:
    act(store, "prompt.label.moved")
    async with at_work(store) as made:
        await ticks(made)
    assert found(store) == []


@pytest.mark.parametrize("answer", [500, 404, 301, 429])
async def test_it_is_sent_again_until_it_arrives_under_the_same_id(store: Store, told: Told, answer: int) -> None:
    told.answers.clear()
    told.answer(answer, b"", location="http://127.0.0.1:9/elsewhere")
    told.answer(answer, b"")
    told.answer(200, b"")
    subscribe(store, told.url)
    act(store, "prompt.label.moved")
    async with at_work(store) as made:
        for tries in (1, 2):
            await ticks(made)
            [waits] = found(store)
            assert (waits.state, waits.tries, waits.last) == ("waiting", tries, f"HTTP {answer}")
            pause = PAUSES[tries - 1]
            assert pause - 5 < waits.due - time.time() <= 1.1 * pause
            await ticks(made)
            assert len(told.asked) == tries, "not before its time"
            assert row(store).failing is not None
            rewrite(store, tables.deliveries, due=time.time())
        await ticks(made)
        assert made.gauges()["webhook_failures"][1] == 2
    [arrived] = found(store)
    assert (arrived.state, arrived.tries) == ("delivered", 3)
    assert row(store).failing is None
    assert len({one.headers["webhook-id"] for one in told.asked}) == 1


async def test_nobody_listens(store: Store, told: Told) -> None:
    subscribe(store, "http://127.0.0.1:1/")
    act(store, "prompt.label.moved")
    async with at_work(store) as made:
        await ticks(made)
    [waits] = found(store)
    assert waits.state == "waiting"
    assert waits.last is not None
    assert "cannot be reached" in waits.last, waits.last


async def test_who_hangs_holds_up_nobody_else(store: Store, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "TIMEOUT", 0.5)
    came: asyncio.Queue[None] = asyncio.Queue()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.put_nowait(None)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server, at_work(store) as made:
        port = server.sockets[0].getsockname()[1]
        subscribe(store, f"http://127.0.0.1:{port}/", name="wh_hangs")
        subscribe(store, told.url)
        for number in range(job.AT_ONCE + 3):
            act(store, "prompt.label.moved", f"prompt:{number}")
        while len(told.asked) < job.AT_ONCE + 3:
            await made.tick()
            await asyncio.sleep(0.01)
            assert list(made.on_their_way.values()).count("wh_hangs") <= job.AT_ONCE
        await settled(made)
        assert came.qsize() >= job.AT_ONCE
    hung = [one for one in found(store, "wh_hangs") if one.tries]
    assert {one.last for one in hung} == {"no answer in 0.5 s"}


async def test_a_receiver_that_talks_for_ever_is_not_listened_to(store: Store) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server, at_work(store) as made:
        port = server.sockets[0].getsockname()[1]
        subscribe(store, f"http://127.0.0.1:{port}/")
        act(store, "prompt.label.moved")
        await ticks(made)
        assert [one.state for one in found(store)] == ["delivered"]


async def test_two_processes_share_the_work(store: Store, told: Told) -> None:
    subscribe(store, told.url)
    for number in range(20):
        act(store, "prompt.label.moved", f"prompt:{number}")
    async with at_work(store) as one, at_work(store) as other:
        while len([delivery for delivery in found(store) if delivery.state == "delivered"]) < 20:
            await asyncio.gather(ticks(one), ticks(other))
    ids = [asked.headers["webhook-id"] for asked in told.asked]
    assert len(ids) == len(set(ids)) == 20


async def test_what_a_dead_process_was_sending_is_sent(store: Store, told: Told) -> None:
    subscribe(store, told.url)
    act(store, "prompt.label.moved")
    async with at_work(store) as dead:
        claimed = await asyncio.to_thread(dead._claim, [])
        assert len(claimed) == 1
    async with at_work(store) as other:
        await ticks(other)
        assert told.asked == [], "it may still be on its way"
        [waits] = found(store)
        assert waits.due > time.time() + job.CLAIMED - 10
        rewrite(store, tables.deliveries, due=time.time())
        await ticks(other)
    assert [one.state for one in found(store)] == ["delivered"]


async def test_it_ends_while_messages_are_on_their_way(store: Store) -> None:
    came = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        subscribe(store, f"http://127.0.0.1:{port}/")
        act(store, "prompt.label.moved")
        async with at_work(store) as made:
            await made.tick()
            await came.wait()
    assert [(one.state, one.tries) for one in found(store)] == [("waiting", 0)]


async def test_it_is_given_up_and_the_webhook_disabled(store: Store, told: Told) -> None:
    told.answers.clear()
    told.answer(503, b"")
    subscribe(store, told.url)
    act(store, "prompt.label.moved")
    long_ago = time.time() - LASTING - 1
    async with at_work(store) as made:
        await ticks(made)
        assert row(store).disabled is None
        rewrite(store, tables.deliveries, created=long_ago, due=time.time())
        rewrite(store, tables.webhooks, failing=long_ago)
        await ticks(made)
        assert [one.state for one in found(store)] == ["given_up"]
        ended = row(store)
        assert ended.disabled is not None
        assert ended.why == "nothing arrived for 3 days: HTTP 503"
        act(store, "prompt.version.created")
        await ticks(made)
        assert len(told.asked) == 2
    with store.begin() as connection:
        [said] = audit.find(connection, action="webhooks.disabled")
    assert (said["actor"], said["object"]) == ("sluicegate", "webhook:wh_1")


async def test_what_happened_while_it_was_disabled_is_told_when_it_begins_again(store: Store, told: Told) -> None:
    subscribe(store, told.url)
    rewrite(store, tables.webhooks, disabled=time.time(), why="by hand")
    act(store, "prompt.label.moved")
    async with at_work(store) as made:
        await ticks(made)
        assert told.asked == []
        rewrite(store, tables.webhooks, disabled=None, why=None)
        await ticks(made)
    assert [one.body["type"] for one in told.asked] == ["prompt.label.moved"]


async def test_a_receiver_that_is_gone_is_told_nothing_more(store: Store, told: Told) -> None:
    told.answers.clear()
    told.answer(410, b"")
    subscribe(store, told.url)
    act(store, "prompt.label.moved")
    async with at_work(store) as made:
        await ticks(made)
    assert row(store).why == "the receiver says it is gone"


async def test_one_that_was_deleted_meanwhile(store: Store, told: Told) -> None:
    told.answers.clear()
    told.answer(500, b"")
    gone = subscribe(store, told.url)
    act(store, "prompt.label.moved")
    async with at_work(store) as made:
        claimed = await asyncio.to_thread(made._claim, [])
        with store.begin() as connection:
            webhooks.remove(connection, gone.id)
        await made._deliver(*claimed[0])
        await ticks(made)
    with store.begin() as connection:
        assert webhooks.list_all(connection) == []


async def test_a_secret_of_another_installation_is_told_not_raised(store: Store, told: Told) -> None:
    made = subscribe(store, told.url)
    rewrite(store, tables.webhooks, secret=Sealer.of(b"another").seal(SECRET, made.id))
    act(store, "prompt.label.moved")
    async with at_work(store) as sender:
        await ticks(sender)
    [waits] = found(store)
    assert waits.last is not None
    assert "sealed under another secret" in waits.last
    assert told.asked == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/"])
async def test_nothing_is_sent_to_this_machine_unless_it_is_allowed(store: Store, told: Told, address: str) -> None:
    address = address.format(port=told.url.rpartition(":")[2])
    subscribe(store, address)
    act(store, "prompt.label.moved")
    async with at_work(store, private=False) as made:
        with pytest.raises(BadRequest, match=r"not public.*webhooks\.private") as raised:
            await made.check(address)
        assert raised.value.param == "url"
        await ticks(made)
    [waits] = found(store)
    assert waits.last is not None
    assert "not public" in waits.last
    assert told.asked == []


@pytest.mark.parametrize("address", ["http://169.254.169.254/latest/meta-data", "http://[fd00:ec2::254]/"])
async def test_nothing_is_ever_sent_to_where_clouds_keep_secrets(store: Store, address: str) -> None:
    async with at_work(store, private=True) as made:
        with pytest.raises(BadRequest):
            await made.check(address)


@pytest.mark.parametrize(
    "address", ["ftp://example.com", "example.com/hook", "https://", "https://ada:word@example.com/"]
)
async def test_what_is_no_address(store: Store, address: str) -> None:
    async with at_work(store) as made:
        with pytest.raises(BadRequest) as raised:
            await made.check(address)
        assert raised.value.param == "url"


async def test_a_name_that_stands_for_nothing_yet_is_taken(store: Store) -> None:
    async with at_work(store) as made:
        await made.check("https://not-there-yet.invalid/hook")


async def test_the_loop_outlives_a_dead_database(
    store: Store, told: Told, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "EVERY", 0.01)
    away = tmp_path_factory.mktemp("away") / "mounted"
    with closing(Store(f"sqlite:///{away / 'sluice.db'}")) as dead:
        made = dispatcher(dead)
        loop = asyncio.create_task(made.run())
        await asyncio.sleep(0.1)
        assert not loop.done()
        made._store = store
        subscribe(store, told.url)
        act(store, "prompt.label.moved")
        await until(lambda: bool(told.asked))
        loop.cancel()
        await asyncio.wait([loop])
        await made.close()


async def test_a_long_log_is_told_in_pieces_without_a_gap(store: Store, told: Told) -> None:
    start = subscribe(store, told.url)
    with store.begin() as connection:
        for number in range(1200):
            AUDITOR.append(connection, "ada", None, Act("prompt.commented", f"prompt:{number}"))
    for _ in range(2):
        now = row(store)
        with store.begin() as connection:
            webhooks.hear(connection, now, time.time())
            webhooks.hear(connection, replace(start), time.time())
    assert len(found(store)) == 1000
    with store.begin() as connection:
        everything = webhooks.list_deliveries(connection, start.id, None, None, 2000)
    assert len({one.message for one in everything}) == len(everything) == 1200
