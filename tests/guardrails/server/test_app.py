"""The scoring server, asked over HTTP: what it answers, what it refuses and how, and what it tells of itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import NotRun, Overloaded
from guardrails.models.local import LocalModels
from guardrails.models.wire import MOST_BYTES, MOST_ROWS
from guardrails.server import app
from guardrails.server.app import Box
from guardrails.server.measures import BATCHES, buckets
from tests.guardrails.models import box, made
from tests.waiting import wait_until

pytestmark = pytest.mark.anyio

ASKED = {"model": "m", "rows": [["one"], ["fifteen letters"]]}


@pytest.fixture
def served() -> box.Ruled:
    return box.Ruled()


@pytest.fixture
def url(served: box.Ruled) -> Iterator[str]:
    with box.serving(Box(served, ["m"])) as found:
        yield found


def code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


def test_a_model_is_asked(url: str) -> None:
    reply = httpx.post(f"{url}/score", json=ASKED)
    assert reply.json() == {"digest": box.DIGEST, "rows": [[[0, 3, [0.3]]], [[0, 15, [0.5]]]]}
    reply = httpx.post(f"{url}/embed", json={"model": "m", "texts": ["one"], "digest": "ddd"})
    assert reply.json() == {"digest": box.DIGEST, "vectors": [[1.0, 0.0]]}


@pytest.mark.parametrize(
    ("path", "asked", "status", "said"),
    [
        ("/score", {"model": "other", "rows": [["x"]]}, 404, "unknown_model"),
        ("/score", {"model": "m", "rows": [["x"]], "digest": "e"}, 409, "other_model"),
        ("/score", {"model": "m", "rows": []}, 400, "bad_request"),
        ("/score", {"model": "m", "rows": [["x"]] * (MOST_ROWS + 1)}, 400, "bad_request"),
        ("/score", {"model": "m", "rows": [["x", "y", "z"]]}, 400, "bad_request"),
        ("/score", {"model": "m", "rows": [[1]]}, 400, "bad_request"),
        ("/score", {"model": "m", "rows": [["x"]], "threshold": 1}, 400, "bad_request"),
        ("/score", ["m"], 400, "bad_request"),
        ("/embed", {"model": "m", "texts": []}, 400, "bad_request"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_a_code(url: str, path: str, asked: Any, status: int, said: str) -> None:
    assert code(httpx.post(f"{url}{path}", json=asked)) == (status, said)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"model": "\\ud800", "rows": [["x"]]}'])
def test_what_is_no_json_is_refused(url: str, body: bytes) -> None:
    assert code(httpx.post(f"{url}/score", content=body)) == (400, "bad_request")


def test_a_body_is_bounded_whether_it_says_its_length_or_not(url: str) -> None:
    large = b'{"model": "m", "rows": [["' + b"x" * MOST_BYTES + b'"]]}'
    assert code(httpx.post(f"{url}/score", content=large)) == (413, "too_large")
    assert code(httpx.post(f"{url}/score", content=iter([large]))) == (413, "too_large")


def test_embeddings_are_those_of_one_model(served: box.Ruled) -> None:
    with box.serving(Box(served, ["m", "n"])) as url:
        assert code(httpx.post(f"{url}/embed", json={"model": "n", "texts": ["x"]})) == (404, "unknown_model")


def test_a_token_is_asked_for_by_all_that_tells_something(served: box.Ruled) -> None:
    with box.serving(Box(served, ["m"], "right")) as url:
        for path in ("/models", "/metrics"):
            assert code(httpx.get(f"{url}{path}")) == (401, "unauthorized")
        wrong = {"authorization": "Bearer wrong"}
        assert code(httpx.post(f"{url}/score", json=ASKED, headers=wrong)) == (401, "unauthorized")
        assert httpx.get(f"{url}/health").json() == {"ok": True}
        right = {"authorization": "Bearer right"}
        assert httpx.post(f"{url}/score", json=ASKED, headers=right).status_code == 200
        told = {"name": "m", "digest": box.DIGEST, "embeds": True, "fault": None}
        assert httpx.get(f"{url}/models", headers=right).json() == {"models": [told]}


def test_back_pressure_says_when_to_come_again(served: box.Ruled, url: str) -> None:
    served.fails = Overloaded("4096 windows wait for the model m already")
    reply = httpx.post(f"{url}/score", json=ASKED)
    assert code(reply) == (429, "overloaded")
    assert reply.headers["retry-after"] == "1"
    assert reply.json()["error"]["message"] == "4096 windows wait for the model m already"


def test_a_model_that_fails_is_told(served: box.Ruled, url: str) -> None:
    served.fails = NotRun("there was not enough memory for the model m")
    assert code(httpx.post(f"{url}/score", json=ASKED)) == (503, "not_run")
    served.fails = MemoryError()
    assert code(httpx.post(f"{url}/score", json=ASKED)) == (503, "not_run")
    served.fails = None
    assert httpx.post(f"{url}/score", json=ASKED).status_code == 200


async def test_requests_that_are_too_many_are_turned_away_unread(
    served: box.Ruled, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "INSIDE", 2)
    served.gate.clear()
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        waiting = [
            asyncio.create_task(client.post("/score", json={"model": "m", "rows": [[f"{at}"]]})) for at in range(2)
        ]
        await asyncio.to_thread(wait_until, lambda: served.begun == 2)
        assert code(await client.post("/score", json=ASKED)) == (429, "overloaded")
        served.gate.set()
        assert [reply.status_code for reply in await asyncio.gather(*waiting)] == [200, 200]


def test_who_leaves_takes_along_what_waits(served: box.Ruled, url: str) -> None:
    served.gate.clear()
    told = 'sluice_guard_server_requests_total{model="m",status="499"} 1.0'
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/score", json=ASKED, timeout=0.3)
    wait_until(lambda: told in httpx.get(f"{url}/metrics").text)
    assert served.left == 1


def test_a_body_that_does_not_come_is_not_waited_for(
    served: box.Ruled, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "PATIENCE", 0.1)
    host, _, port = url.removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)))) as slow:
        slow.sendall(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
        slow.settimeout(20)
        assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_metrics_tell_what_was_done(served: box.Ruled, url: str) -> None:
    httpx.post(f"{url}/score", json=ASKED)
    httpx.post(f"{url}/score", json=ASKED)
    httpx.post(f"{url}/score", json={"model": "someone's secret", "rows": [["x"]]})
    served.fails = NotRun("it failed")
    httpx.post(f"{url}/score", json={"model": "m", "rows": [["new"]]})
    told = httpx.get(f"{url}/metrics").text.splitlines()
    for line in (
        'sluice_guard_server_requests_total{model="m",status="200"} 2.0',
        'sluice_guard_server_requests_total{model="",status="404"} 1.0',
        'sluice_guard_server_requests_total{model="m",status="503"} 1.0',
        'sluice_guard_server_texts_total{model="m"} 4.0',
        'sluice_guard_server_seconds_count{model="m"} 3.0',
        'sluice_guard_server_refused_total{code="unknown_model"} 1.0',
        'sluice_guard_server_failures_total{model="m"} 1.0',
        'sluice_guard_server_queue_windows{asked="scores",model="m"} 3.0',
        'sluice_guard_server_busy_seconds_total{asked="scores",model="m"} 0.5',
        'sluice_guard_server_batch_windows_count{asked="scores",model="m"} 3.0',
        'sluice_guard_server_batch_windows_sum{asked="scores",model="m"} 42.0',
        'sluice_guard_server_batch_windows_bucket{asked="scores",le="32",model="m"} 2.0',
        "sluice_guard_cache_hits 2.0",
    ):
        assert line in told
    assert "secret" not in "".join(told)


@given(st.dictionaries(st.integers(1, 256), st.integers(0, 1000)))
def test_buckets_are_cumulative_and_the_last_is_all(batches: dict[int, int]) -> None:
    found = buckets(batches)
    counts = [count for _, count in found]
    assert counts == sorted(counts)
    assert counts[-1] == sum(batches.values())
    assert len(found) == len(BATCHES) + 1


def test_a_model_that_cannot_be_loaded_makes_it_unready(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    bad, good = made.own(tmp_path), made.own(tmp_path, licence="other")
    (tmp_path / bad / "model.onnx").write_bytes((tmp_path / bad / "model.onnx").read_bytes()[:-10])
    with closing(LocalModels(tmp_path, embeds=good)) as local, box.starting(Box(local, [bad, good])) as url:
        wait_until(
            lambda: "is corrupt" in httpx.get(f"{url}/ready").text and good not in httpx.get(f"{url}/ready").text
        )
        ready = httpx.get(f"{url}/ready")
        assert (ready.status_code, list(ready.json()["faults"])) == (503, [bad])
        assert code(httpx.post(f"{url}/score", json={"model": bad, "rows": [["x"]]})) == (503, "not_run")
        assert httpx.post(f"{url}/score", json={"model": good, "rows": [["attack"]]}).status_code == 200
