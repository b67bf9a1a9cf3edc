"""Days on which nothing goes right at the start: ports, files, models, disks. Each says what is wrong and what next."""

from __future__ import annotations

import os
import resource
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.journal import Journal, segments
from gateway.record import CallRecord
from tests.running import SLUICE, Gateway, running_gateway

DEMO = "upstreams: {demo: {provider: scripted}}\n"


def sluice(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run to its end, in `folder`, knowing nothing of this machine's settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    command = [SLUICE, *arguments]
    return subprocess.run(command, cwd=folder, env={**env, **environment}, text=True, capture_output=True, timeout=50)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that could not do its work said: never a traceback."""
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return " ".join(done.stderr.split())


def ask(gateway: Gateway, model: str, words: str = "hello", **more: Any) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": words}], **more}
    return httpx.post(f"{gateway.api}/chat/completions", json=body, headers=gateway.headers, timeout=50)


def refusal(reply: httpx.Response) -> dict[str, Any]:
    """The error object, which always has OpenAI's four keys."""
    error: dict[str, Any] = reply.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return error


# Where to listen, where to write -------------------------------------------------------------------------------------


def test_a_port_in_use(tmp_path: Path) -> None:
    (tmp_path / "sluicegate.yaml").write_text(DEMO)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(sluice(tmp_path, "serve", "--port", str(port)))
    assert f"127.0.0.1:{port}" in said
    assert "in use" in said
    assert "sluice serve --port 0" in said
    assert not (tmp_path / "sluice-data").exists()  # nothing was begun, no key was made


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours(tmp_path: Path, host: str) -> None:
    (tmp_path / "sluicegate.yaml").write_text(DEMO)
    said = refused(sluice(tmp_path, "serve", "--port", "0", "--host", host))
    assert host in said
    assert "--host 127.0.0.1" in said


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    (tmp_path / "sluicegate.yaml").write_text(DEMO + "data: taken")
    said = refused(sluice(tmp_path, "serve", "--port", "0"))
    assert "taken" in said
    assert "`data:`" in said


def test_a_database_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sluice.db").write_bytes(b"not a database at all" * 500)
    (tmp_path / "sluicegate.yaml").write_text(DEMO + "data: data")
    said = refused(sluice(tmp_path, "serve", "--port", "0"))
    assert "sluice.db is corrupt" in said
    assert "Restore it, or move the file away" in said


def test_a_database_that_is_damaged_while_the_gateway_serves(tmp_path: Path) -> None:
    """What is in force stays in force; readiness says what is wrong."""
    with running_gateway(tmp_path, {"demo": {"provider": "scripted"}}) as gateway:
        database = tmp_path / "data" / "sluice.db"
        with closing(sqlite3.connect(database)) as writer:
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = database.stat().st_size
        database.write_bytes(b"\xff" * size)
        assert ask(gateway, "demo").status_code == 200
        state = httpx.get(f"{gateway.url}/readyz")
        assert state.status_code == 503
        assert "database" in state.json()["faults"]


def test_a_journal_damaged_by_a_loss_of_power(tmp_path: Path) -> None:
    """What lies before the damage is shipped; what lies behind it is set aside, and that is counted."""
    journal = Journal(tmp_path / "data" / "journal", 4096)
    for name in ("before", "spoiled", "behind"):
        journal.append(CallRecord(id=f"req_{name}", started=1, surface="chat", status=200))
    journal.close()
    (segment,) = segments(tmp_path / "data" / "journal")
    segment.write_bytes(segment.read_bytes().replace(b"req_spoiled", b"req_\0\0\0\0\0\0\0"))
    with running_gateway(tmp_path, {"demo": {"provider": "scripted"}}) as gateway:
        assert gateway.record("req_before")["status"] == 200
        reply = ask(gateway, "demo")
        assert gateway.record(reply.headers["x-request-id"])["status"] == 200
        assert metric(gateway, "sluice_journal_damaged_segments") == 1
        ids = [one["id"] for one in httpx.get(f"{gateway.url}/admin/calls", headers=gateway.headers).json()["data"]]
    assert sorted(ids) == sorted(["req_before", reply.headers["x-request-id"]])
    assert segment.with_name(f"{segment.name}.damaged").exists()


# Configuration and manifests -----------------------------------------------------------------------------------------

BAD_SETTINGS = {
    "no YAML": (b"server: {port: [", "not valid YAML"),
    "no text": (b"data: \xff\xfe\n", "not UTF-8 text"),
    "nested without end": (b"[" * 5000, "nested too deeply"),
    "an unknown key": (b"server: {prot: 8080}\n", "server.prot"),
    "a secret in the open": (b"upstreams: {a: {provider: openai, model: m, api_key: sk-open}}\n", "env:NAME"),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_a_configuration_that_cannot_be_used(tmp_path: Path, case: str) -> None:
    text, named = BAD_SETTINGS[case]
    (tmp_path / "bad.yaml").write_bytes(text)
    said = refused(sluice(tmp_path, "serve", "--config", "bad.yaml"))
    assert "bad.yaml" in said
    assert named in said
    assert "sk-open" not in said


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    assert "nowhere.yaml cannot be read" in refused(sluice(tmp_path, "serve", "--config", "nowhere.yaml"))


def test_an_environment_that_does_not_fit(tmp_path: Path) -> None:
    assert "server.port" in refused(sluice(tmp_path, "releases", SLUICE_PORT="eighty"))


def test_a_secret_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "sluicegate.yaml").write_text(
        "upstreams: {a: {provider: openai, model: m, api_key: 'env:SLUICEGATE_TEST_UNSET'}}\nserver: {port: 0}\n"
    )
    done = sluice(tmp_path, "serve")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "SLUICEGATE_TEST_UNSET is not set" in done.stderr


BAD_MANIFESTS = {
    "no YAML": (b"prompts: [", "not valid YAML"),
    "no text": (b"\xff\xfe", "UTF-8"),
    "nested without end": (b"[" * 5000, "nested too deeply"),
    "a key given twice": (b"endpoints: {a: {upstream: demo}, a: {upstream: demo}}\n", "'a' is given twice"),
    "an unknown key": (b"endpoints: {a: {upstream: demo, colour: red}}\n", "endpoints.a.colour"),
    "an upstream nobody configured": (b"endpoints: {a: {upstream: gpt}}\n", "there are: demo"),
}


@pytest.mark.parametrize("case", BAD_MANIFESTS)
def test_a_manifest_that_cannot_be_applied(tmp_path: Path, case: str) -> None:
    text, named = BAD_MANIFESTS[case]
    (tmp_path / "sluicegate.yaml").write_text(DEMO)
    (tmp_path / "bad.yaml").write_bytes(text)
    assert named in refused(sluice(tmp_path, "apply", "-f", "bad.yaml"))


def test_a_manifest_half_of_which_is_bad_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "sluicegate.yaml").write_text(DEMO)
    (tmp_path / "half.yaml").write_text("endpoints: {a: {upstream: demo}, b: {upstream: nobody}}\n")
    assert "endpoints.b.upstream" in refused(sluice(tmp_path, "apply", "-f", "half.yaml"))
    assert sluice(tmp_path, "releases", "--json").stdout.strip() == "[]"


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    assert "nowhere.yaml cannot be read" in refused(sluice(tmp_path, "apply", "-f", "nowhere.yaml"))


# Models --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def modelless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway none of whose embedded models can be loaded, on a machine without a network."""
    folder = tmp_path_factory.mktemp("modelless")
    files = {"empty": b"", "noise": os.urandom(5000), "cut": b"GGUF", "spoiled": b"GGUF" + os.urandom(5000)}
    for name, content in files.items():
        (folder / f"{name}.gguf").write_bytes(content)
    upstreams: dict[str, Any] = {name: {"provider": "llamacpp", "path": str(folder / f"{name}.gguf")} for name in files}
    upstreams["gone"] = {"provider": "llamacpp", "path": str(folder / "gone.gguf")}
    upstreams["unknown"] = {"provider": "llamacpp", "model": "nobody"}
    upstreams["distant"] = {"provider": "llamacpp", "model": "org/repository/file.gguf"}
    upstreams["demo"] = {"provider": "scripted"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HOME", str(folder / "hub"))
        with running_gateway(folder, upstreams) as started:
            yield started


@pytest.mark.parametrize("model", ["gone", "unknown", "distant"])
def test_a_model_that_is_missing(modelless: Gateway, model: str) -> None:
    reply = ask(modelless, model)
    assert reply.status_code == 503
    assert refusal(reply)["code"] == "model_missing"
    assert "`path:`" in refusal(reply)["message"]


@pytest.mark.parametrize("model", ["empty", "noise", "cut", "spoiled"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_is_corrupt(modelless: Gateway, model: str, stream: bool) -> None:
    reply = ask(modelless, model, stream=stream)
    assert reply.status_code == 503
    assert refusal(reply)["code"] == "model_corrupt"
    assert f"{model}.gguf" in refusal(reply)["message"]
    assert "`path:`" in refusal(reply)["message"]
    assert ask(modelless, "demo").status_code == 200


def test_a_model_that_was_mended_serves_without_a_restart(modelless: Gateway) -> None:
    """A load that failed is tried again by the next call."""
    path = modelless.config.parent / "gone.gguf"
    assert refusal(ask(modelless, "gone"))["code"] == "model_missing"
    path.write_bytes(b"GGUF")
    assert refusal(ask(modelless, "gone"))["code"] == "model_corrupt"
    path.unlink()


def test_readiness_and_doctor_name_the_models_that_fail(modelless: Gateway) -> None:
    state = httpx.get(f"{modelless.url}/readyz", timeout=30)
    assert state.status_code == 200  # one upstream serves
    assert "gone.gguf" in state.json()["faults"]["upstream gone"]
    found = modelless.sluice("doctor", check=False)
    assert found.returncode == 1
    assert "MISS upstream spoiled" in found.stdout
    assert "ok   upstream demo" in found.stdout


# A disk that is full -------------------------------------------------------------------------------------------------


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process, or of one it starts, may grow beyond `size`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_calls_go_on_when_there_is_no_room_for_their_records(tmp_path: Path) -> None:
    """Lost records are counted, readiness says so, and recording goes on when there is room."""
    journal = {"full": "serve", "segment": 16 * 2**20}
    with largest_file(8 * 2**20):  # room for a database, none for a segment
        starting = running_gateway(tmp_path, {"demo": {"provider": "scripted"}}, journal=journal)
        gateway = starting.__enter__()
    try:
        for _ in range(5):
            assert ask(gateway, "demo").status_code == 200
        assert metric(gateway, "sluice_journal_dropped_records") == 5
        state = httpx.get(f"{gateway.url}/readyz")
        assert state.status_code == 503
        assert "disk full" in state.json()["faults"]["journal"]
        hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        time.sleep(1.1)  # the journal tries again once a second
        reply = ask(gateway, "demo")
        assert gateway.record(reply.headers["x-request-id"])["status"] == 200
        assert metric(gateway, "sluice_journal_dropped_records") == 5
    finally:
        starting.__exit__(None, None, None)


def metric(gateway: Gateway, name: str) -> float:
    text = httpx.get(f"{gateway.url}/metrics", headers=gateway.headers).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name:
                return float(sample.value)
    raise AssertionError(f"no metric {name}")


# No network ----------------------------------------------------------------------------------------------------------


def test_a_gateway_without_a_network_starts_and_answers_from_its_own_model(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
            patch.setenv(name, nowhere)
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("HF_HOME", str(tmp_path / "hub"))
        with running_gateway(tmp_path, {"smollm2": {"provider": "llamacpp"}}) as gateway:
            reply = ask(gateway, "smollm2", "What is the capital of France?", max_tokens=8, temperature=0)
            assert reply.status_code == 200
            assert reply.json()["usage"]["completion_tokens"] > 0
