"""`sluice serve --workers 2`: several processes on one socket; and how one, or all of them, stop."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.running import SLUICE, Gateway, running_gateway
from tests.waiting import wait_until

UPSTREAMS = {
    "demo": {
        "provider": "scripted",
        "rules": [{"when": "long", "say": "word " * 20, "pause": 0.05}, {"say": "Paris."}],
    }
}
ENOUGH = 400
"""New connections within which every process must have been met."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a gateway of two processes lives, and makes its temporary files."""
    made = tmp_path_factory.mktemp("workers")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TMPDIR", str(made))
        yield made


@pytest.fixture
def pair(folder: Path, tmp_path: Path) -> Iterator[Gateway]:
    with running_gateway(tmp_path, UPSTREAMS, server={"port": 0, "workers": 2}) as started:
        wait_until(lambda: len(pids(folder)) == 2)
        yield started


def pids(folder: Path) -> set[int]:
    """The processes that share their counts with each other, by the files they leave."""
    return {pid for path in folder.glob("sluicegate-*/[0-9]*-[0-9]*") if alive(pid := int(path.name.split("-")[0]))}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def asked(gateway: Gateway, key: str, words: str = "the capital?", stream: bool = False) -> Iterator[HTTPResponse]:
    """One question on a connection of its own; the reply is not read yet."""
    body = json.dumps({"model": "demo", "messages": [{"role": "user", "content": words}], "stream": stream})
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    connection = HTTPConnection(httpx.URL(gateway.url).host, httpx.URL(gateway.url).port, timeout=30)
    with closing(connection):
        connection.request("POST", "/v1/chat/completions", body, headers)
        with connection.getresponse() as reply:
            yield reply


def ask_until(gateway: Gateway, key: str, met: Callable[[set[str]], bool], status: int = 200) -> list[str]:
    """Ask on new connections until `met` holds of the processes that answered; gives the ids of the requests."""
    ids: list[str] = []
    processes: set[str] = set()
    while not met(processes):
        assert len(ids) < ENOUGH, f"only {processes} answered"
        with asked(gateway, key) as reply:
            assert reply.status == status, reply.read()
            reply.read()
        request_id = reply.headers["x-request-id"]
        ids.append(request_id)
        processes.add(process_of(request_id))
    return ids


def process_of(request_id: str) -> str:
    """Ids begin with a mark of the process and end with eight digits that count."""
    return request_id[:-8]


def both(processes: set[str]) -> bool:
    return len(processes) == 2


def recorded(folder: Path, ids: list[str]) -> int:
    with closing(sqlite3.connect(next(folder.glob("data/sluice.db")))) as database:
        marks = ",".join("?" * len(ids))
        count: int = database.execute(f"SELECT count(*) FROM calls WHERE id IN ({marks})", ids).fetchone()[0]
        return count


def metric(gateway: Gateway, name: str) -> float:
    text = httpx.get(f"{gateway.url}/metrics", headers=gateway.headers).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name)


def test_every_process_answers_and_their_records_and_counts_come_together(pair: Gateway, tmp_path: Path) -> None:
    ids = ask_until(pair, pair.key, both)
    assert len(set(ids)) == len(ids)
    wait_until(lambda: recorded(tmp_path, ids) == len(ids))
    wait_until(lambda: metric(pair, "sluice_calls_total") == len(ids))
    assert metric(pair, "sluice_workers") == 2
    wait_until(lambda: metric(pair, "sluice_shipped_records") == len(ids))


def test_a_key_revoked_in_one_process_is_refused_by_all(pair: Gateway) -> None:
    new = {"name": "short-lived", "upstreams": ["demo"]}
    minted = httpx.post(f"{pair.url}/admin/keys", headers=pair.headers, json=new).json()
    time.sleep(1.5)  # running gateways notice within a second
    ask_until(pair, minted["key"], both)
    assert httpx.delete(f"{pair.url}/admin/keys/{minted['id']}", headers=pair.headers).status_code == 200
    time.sleep(1.5)
    ask_until(pair, minted["key"], both, status=401)


def test_a_killed_process_is_replaced_and_loses_no_record(pair: Gateway, folder: Path, tmp_path: Path) -> None:
    ids = ask_until(pair, pair.key, both)
    known = {process_of(request_id) for request_id in ids}
    before = pids(folder)
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: len(pids(folder)) == 2 and pids(folder) != before)
    ids += ask_until(pair, pair.key, lambda processes: bool(processes - known))
    wait_until(lambda: recorded(tmp_path, ids) == len(ids))
    wait_until(lambda: metric(pair, "sluice_workers") == 2)


def test_a_signal_stops_them_all_with_every_record_in_the_database(pair: Gateway, folder: Path, tmp_path: Path) -> None:
    ids = ask_until(pair, pair.key, both)
    children = pids(folder)
    pair.process.send_signal(signal.SIGTERM)
    assert pair.process.wait(20) == 0
    assert not any(alive(pid) for pid in children)
    assert recorded(tmp_path, ids) == len(ids)
    assert not list(folder.glob("sluicegate-*")), "what they shared is gone"
    with pytest.raises(ConnectionRefusedError), asked(pair, pair.key):
        pass


def test_a_process_that_cannot_start_ends_them_all(tmp_path: Path) -> None:
    missing = {"provider": "openai", "model": "m", "api_key": "env:SLUICEGATE_NO_SUCH_VARIABLE"}
    config = tmp_path / "sluicegate.yaml"
    config.write_text(json.dumps({"data": str(tmp_path / "data"), "upstreams": {"m": missing}}))
    command = [SLUICE, "serve", "--config", str(config), "--port", "0", "--workers", "2"]
    ended = subprocess.run(command, text=True, capture_output=True, timeout=50)
    assert ended.returncode != 0
    assert "SLUICEGATE_NO_SUCH_VARIABLE" in ended.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_under_load_lets_streams_finish(tmp_path: Path, workers: int) -> None:
    with running_gateway(tmp_path, UPSTREAMS, server={"port": 0, "workers": workers}) as gateway:
        begun = threading.Barrier(5)
        replies: list[str] = []

        def watch() -> None:
            with asked(gateway, gateway.key, "long", stream=True) as reply:
                first = reply.read1(64)
                begun.wait()
                replies.append((first + reply.read()).decode())

        watchers = [threading.Thread(target=watch) for _ in range(4)]
        for watcher in watchers:
            watcher.start()
        begun.wait()
        gateway.process.send_signal(signal.SIGTERM)
        for watcher in watchers:
            watcher.join()
        assert len(replies) == 4
        assert all(reply.endswith("data: [DONE]\n\n") for reply in replies)
        assert all(reply.count('"word ') == 20 for reply in replies)
        assert gateway.process.wait(20) == 0
