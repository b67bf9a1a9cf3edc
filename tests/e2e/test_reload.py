"""Another configuration under a gateway that serves: by SIGHUP, the API, the file; and calls that began before."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.upstream import ScriptedUpstream, scripted_upstream
from tests.running import Gateway, running_gateway
from tests.waiting import wait_until

SCRIPTED: dict[str, Any] = {"provider": "scripted"}
CANARY = "sk-canary-77c1"


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as started:
        yield started


@pytest.fixture
def gateway(tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[Gateway]:
    (tmp_path / "key").write_text("sk-first-key")
    cloud = {"provider": "openai", "model": "m", "base_url": upstream.url, "api_key": f"file:{tmp_path / 'key'}"}
    with running_gateway(tmp_path, {"old": SCRIPTED, "cloud": cloud}) as started:
        yield started


def rewrite(gateway: Gateway, **changes: Any) -> None:
    """Upstreams that are None go."""
    whole = yaml.safe_load(gateway.config.read_text())
    for name, spec in changes.pop("upstreams", {}).items():
        whole["upstreams"][name] = spec
        if spec is None:
            del whole["upstreams"][name]
    scratch = gateway.config.with_name("scratch.yaml")
    scratch.write_text(yaml.safe_dump({**whole, **changes}))
    scratch.replace(gateway.config)


def models(gateway: Gateway) -> set[str]:
    reply = httpx.get(f"{gateway.api}/models", headers=gateway.headers)
    return {model["id"] for model in reply.json()["data"]}


def in_force(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{gateway.url}/admin/config", headers=gateway.headers).json()
    return found


def ask(gateway: Gateway, model: str) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return httpx.post(f"{gateway.api}/chat/completions", headers=gateway.headers, json=body)


def chunk(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(body)}\n\n".encode()


@pytest.mark.parametrize("workers", [1, 2])
def test_sighup_reaches_every_process(tmp_path: Path, workers: int) -> None:
    with running_gateway(tmp_path, {"old": SCRIPTED}, server={"port": 0, "workers": workers}) as gateway:
        rewrite(gateway, upstreams={"old": None, "new": SCRIPTED})
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: all(models(gateway) == {"new"} for _ in range(20)))
        assert ask(gateway, "new").status_code == 200
        assert ask(gateway, "old").status_code == 404
        assert gateway.process.poll() is None


def test_the_api_loads_it_and_says_what_changed(gateway: Gateway) -> None:
    before = in_force(gateway)
    rewrite(gateway, upstreams={"old": None, "new": SCRIPTED}, server={"port": 0, "host": "0.0.0.0"})
    reply = httpx.post(f"{gateway.url}/admin/config/reload", headers=gateway.headers)
    assert reply.status_code == 200
    after = reply.json()
    assert (after["added"], after["changed"], after["removed"]) == (["new"], [], ["old"])
    assert after["needs_restart"] == ["server.host"]
    assert after["digest"] != before["digest"]
    assert after["since"] > before["since"]
    assert models(gateway) == {"new", "cloud"}
    assert gateway.record(ask(gateway, "new").headers["x-request-id"])["snapshot"] == after["digest"]


def test_a_changed_file_is_found(gateway: Gateway) -> None:
    rewrite(gateway, upstreams={"new": SCRIPTED})
    wait_until(lambda: models(gateway) == {"old", "cloud", "new"})


def test_a_bad_file_changes_nothing_and_says_why(gateway: Gateway, tmp_path: Path) -> None:
    before = in_force(gateway)
    rewrite(gateway, upstreams={"old": {**SCRIPTED, "dwn": True}, "cloud": {"provider": "openai", "api_key": CANARY}})
    wait_until(lambda: in_force(gateway)["fault"] is not None)
    found = in_force(gateway)
    assert "old.dwn: unknown key; did you mean `down`?" in found["fault"]
    assert "cloud.api_key: write a reference" in found["fault"]
    assert (found["digest"], found["settings"]) == (before["digest"], before["settings"])
    assert ask(gateway, "old").status_code == 200
    refused = httpx.post(f"{gateway.url}/admin/config/reload", headers=gateway.headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "bad_settings")
    wait_until(lambda: "configuration" in httpx.get(f"{gateway.url}/readyz").json()["faults"])
    ready = httpx.get(f"{gateway.url}/readyz")
    metrics = httpx.get(f"{gateway.url}/metrics", headers=gateway.headers).text
    assert ready.status_code == 200
    assert "\nsluice_config_stale 1.0\n" in metrics
    log = (tmp_path / "serve.log").read_text()
    assert log.count("the configuration stays as it was") == 1
    assert CANARY not in json.dumps(found) + refused.text + ready.text + metrics + log
    rewrite(gateway, upstreams={"old": SCRIPTED, "cloud": None})
    wait_until(lambda: in_force(gateway)["fault"] is None and models(gateway) == {"old"})


def test_a_stream_survives_the_removal_of_its_upstream(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    upstream.streams(chunk("one"), None, chunk("two"), b"data: [DONE]\n\n")
    body = {"model": "cloud", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    with httpx.stream("POST", f"{gateway.api}/chat/completions", headers=gateway.headers, json=body) as reply:
        pieces = reply.iter_text()
        said = next(pieces)
        rewrite(gateway, upstreams={"cloud": None})
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: models(gateway) == {"old"})
        assert ask(gateway, "cloud").status_code == 404
        upstream.going.set()
        said += "".join(pieces)
    assert ("one" in said, "two" in said) == (True, True)
    assert said.endswith("data: [DONE]\n\n")
    assert gateway.record(reply.headers["x-request-id"])["status"] == 200


def test_a_rotated_secret_is_sent_from_then_on(gateway: Gateway, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.says({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []})
    ask(gateway, "cloud")
    assert upstream.heard().headers["authorization"] == "Bearer sk-first-key"
    (tmp_path / "key").write_text("sk-second-key")
    assert httpx.post(f"{gateway.url}/admin/config/reload", headers=gateway.headers).json()["changed"] == ["cloud"]
    ask(gateway, "cloud")
    assert upstream.heard().headers["authorization"] == "Bearer sk-second-key"
    told = json.dumps(in_force(gateway)) + (tmp_path / "serve.log").read_text()
    assert "sk-first" not in told
    assert "sk-second" not in told


def test_calls_never_notice_reloads(gateway: Gateway) -> None:
    """Every call of a steady load ends well while the upstreams are exchanged under it."""
    stop, statuses = threading.Event(), set[int]()

    def load() -> None:
        while not stop.is_set():
            statuses.add(ask(gateway, "old").status_code)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(10):
            rewrite(gateway, upstreams={"old": {**SCRIPTED, "model": f"m{number}"}})
            assert httpx.post(f"{gateway.url}/admin/config/reload", headers=gateway.headers).status_code == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert statuses == {200}
    assert in_force(gateway)["settings"]["upstreams"]["old"]["model"] == "m9"


def test_a_process_that_replaces_a_dead_one_needs_no_good_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts with what the gateway was started with: a file broken meanwhile ends nothing."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running_gateway(tmp_path, {"old": SCRIPTED}, server={"port": 0, "workers": 2}) as gateway:
        wait_until(lambda: len(processes(tmp_path)) == 2)
        gateway.config.write_text("upstreams: 5")
        first = processes(tmp_path)
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(processes(tmp_path) - first) == 2)
        assert models(gateway) == {"old"}
        assert gateway.process.poll() is None


def processes(folder: Path) -> set[int]:
    """Those that have served, by the files in which they leave their counts."""
    return {int(path.name.split("-")[0]) for path in folder.glob("sluicegate-*/[0-9]*-[0-9]*")}
