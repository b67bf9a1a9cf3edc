"""Canary secrets: a gateway is given secrets that appear nowhere else, lives through good and bad calls and is killed;
then everything it wrote, said, sent or kept is searched for them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.upstream import Answer, ScriptedUpstream, scripted_upstream
from tests.running import SLUICE, Gateway, running_gateway
from tests.security.test_parser_differential import completion
from tests.telemetry.listening import Listening, listening

pytestmark = pytest.mark.timeout(240)
CANARIES = {
    "an upstream's key, by env": "sk-canaryEnv0000000000000001",
    "an upstream's key, by file": "canary0file0000000000000002",
    "a key in a header of its own": "canary0azure000000000000003",
    "litellm's key": "canary0litellm0000000000004",
    "the pepper": "canary0pepper00000000000005",
    "Redis' password": "canary0redis000000000000006",
}
SENT = {
    "env": "an upstream's key, by env",
    "file": "an upstream's key, by file",
    "azure": "a key in a header of its own",
    "litellm": "litellm's key",
    "dead": "an upstream's key, by env",
}
"""Which of them an upstream is sent, and may quote."""
ERRORS = [400, 401, 404, 413, 429, 500]


class Life:
    """What a gateway said while it lived, and the folder it left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: dict[str, str] = {}
        self.key = ""

    def keep(self, what: str, reply: httpx.Response) -> httpx.Response:
        self.said[what] = f"{reply.status_code} {reply.headers} {reply.text}"
        return reply

    def files(self) -> dict[str, bytes]:
        """Everything on disk but the files the secrets were given in."""
        whole = {str(path.relative_to(self.folder)): path for path in self.folder.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in whole.items() if not name.startswith("given/")}


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    lived = Life(tmp_path_factory.mktemp("life"))
    given = lived.folder / "given"
    given.mkdir()
    for name, canary in CANARIES.items():
        (given / name).write_text(canary)
    redis = "redis://:" + CANARIES["Redis' password"] + "@127.0.0.1:9/0"
    with (
        pytest.MonkeyPatch.context() as patch,
        scripted_upstream() as upstream,
        listening() as collector,
    ):
        patch.setenv("CANARY_KEY", CANARIES["an upstream's key, by env"])
        patch.setenv("CANARY_REDIS", redis)
        with running_gateway(lived.folder, upstreams(upstream, given), **more(given, collector)) as gateway:
            lived.key = gateway.key
            live(lived, gateway, upstream)
            look(lived, gateway)
            time.sleep(1.5)
            gateway.process.send_signal(signal.SIGKILL)
            gateway.process.wait()
        while not collector.posts.empty():
            headers, sent = collector.post()
            lived.said[f"span {len(lived.said)}"] = f"{headers} {sent!r}"
    return lived


def upstreams(upstream: ScriptedUpstream, given: Path) -> dict[str, Any]:
    here: dict[str, Any] = {"provider": "openai", "model": "m", "base_url": upstream.url}
    return {
        "env": {**here, "api_key": "env:CANARY_KEY"},
        "file": {**here, "api_key": "file:" + str(given / "an upstream's key, by file")},
        "azure": {
            **here,
            "api_key": "file:" + str(given / "a key in a header of its own"),
            "api_key_header": "api-key",
        },
        "litellm": {
            "provider": "litellm",
            "model": "anthropic/m",
            "arguments": {"api_base": upstream.url.removesuffix("/v1")},
            "credentials": {"api_key": "file:" + str(given / "litellm's key")},
        },
        "dead": {**here, "base_url": "http://127.0.0.1:9/v1", "api_key": "env:CANARY_KEY"},
    }


def more(given: Path, collector: Listening) -> dict[str, Any]:
    return {
        "secret": "file:" + str(given / "the pepper"),
        "state": {"url": "env:CANARY_REDIS", "away": "serve"},
        "telemetry": {"otlp_endpoint": f"{collector.url}/v1/traces"},
    }


def live(life: Life, gateway: Gateway, upstream: ScriptedUpstream) -> None:
    """Calls that go well, and calls that go wrong in every way an upstream can quote what it was sent."""
    for model, given in SENT.items():
        for stream in (False, True):
            for number, answer in enumerate(answers(CANARIES[given])):
                upstream.says({})
                upstream.answer = answer
                body = {"model": model, "messages": [{"role": "user", "content": "x"}], "stream": stream}
                reply = httpx.post(f"{gateway.api}/chat/completions", json=body, headers=gateway.headers, timeout=20)
                life.keep(f"{model} {stream} {number}", reply)


def answers(key: str) -> Iterator[Answer]:
    """Each quotes the key it was sent in its headers; errors and garbage in their bodies too."""
    quoted = f"({key}) Bearer {key}"
    headers = {"content-type": "application/json", "www-authenticate": quoted, "x-ratelimit-limit-requests": "7"}
    headers["x-echo"] = quoted
    yield Answer((_json(completion()),), 200, headers)
    for status in ERRORS:
        yield Answer((_json({"error": {"message": f"Incorrect key: {quoted}", "code": quoted}}),), status, headers)
    yield Answer((f"<html>{quoted}</html>".encode(),), 400, {**headers, "content-type": "text/html"})
    yield Answer((f"garbage {quoted}".encode(),), 200, headers)
    yield Answer((_json({"unexpected": quoted}),), 200, headers)
    yield Answer((f"data: garbage {quoted}\n\n".encode(),), 200, {**headers, "content-type": "text/event-stream"})
    yield Answer((b"data: {",), 200, {**headers, "content-type": "text/event-stream"})


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def look(life: Life, gateway: Gateway) -> None:
    """Everything an operator can read."""
    description = httpx.get(f"{gateway.url}/admin/openapi.json", headers=gateway.headers).json()
    for path, operations in description["paths"].items():
        if "get" in operations and "{" not in path:
            life.keep(path, httpx.get(f"{gateway.url}{path}", headers=gateway.headers, timeout=30))
    for path in ("/metrics", "/readyz", "/healthz", "/v1/models"):
        life.keep(path, httpx.get(f"{gateway.url}{path}", headers=gateway.headers, timeout=30))
    for command in (["doctor"], ["keys", "list"], ["calls"], ["config", "show"]):
        done = subprocess.run([SLUICE, *command, "--config", str(gateway.config)], capture_output=True, text=True)
        life.said[" ".join(command)] = done.stdout + done.stderr
    process = Path(f"/proc/{gateway.process.pid}")
    life.said["the process's arguments"] = (process / "cmdline").read_text()
    life.said["its title"] = (process / "comm").read_text()


@pytest.mark.parametrize("name", CANARIES)
def test_secrets_leaked(life: Life, name: str) -> None:
    canary = CANARIES[name]
    found = [what for what, text in life.said.items() if canary in text]
    found += [what for what, content in life.files().items() if canary.encode() in content]
    assert found == []


def test_the_client_s_key_is_kept_nowhere(life: Life) -> None:
    """It is said once, on standard output, when it is made."""
    assert [what for what, text in life.said.items() if life.key in text] == []
    assert [what for what, content in life.files().items() if life.key.encode() in content] == []


def test_there_was_something_to_search(life: Life) -> None:
    """Replies, refusals, spans, records and logs are there, and a secret that is one would have been found."""
    assert len(life.said) > 100
    assert any(what.startswith("span") for what in life.said)
    assert "sluice_" in life.said["/metrics"]
    assert {text.split()[0] for text in life.said.values()} >= {"200", "400", "502"}
    files = life.files()
    assert any("journal" in name for name in files)
    with closing(sqlite3.connect(life.folder / "data" / "sluice.db")) as database:
        (calls,) = database.execute("SELECT count(*) FROM calls WHERE error IS NOT NULL").fetchone()
    assert calls > 20


# The database's password ---------------------------------------------------------------------------------------------

PASSWORD = "canary0database00000000007"
URLS = [
    f"postgresql+psycopg://sluice:{PASSWORD}@127.0.0.1:9/sluice?connect_timeout=1",
    f"postgresql+psycopg://sluice:{PASSWORD}@no-such-host.invalid/sluice?connect_timeout=1",
    f"postgresql+nothing://sluice:{PASSWORD}@127.0.0.1/sluice",
    f"mysql://sluice:{PASSWORD}@127.0.0.1/sluice",
    f"postgresql+psycopg://sluice:{PASSWORD}@127.0.0.1:port/sluice",
    f"://{PASSWORD}",
]


@pytest.mark.parametrize("url", URLS, ids=range(len(URLS)))
def test_the_database_s_password_is_not_said(tmp_path: Path, url: str) -> None:
    config = tmp_path / "sluicegate.yaml"
    config.write_text(f"upstreams: {{demo: {{provider: scripted}}}}\ndata: {tmp_path / 'data'}\n")
    env = {**os.environ, "SLUICE_DATABASE": url}
    for command in (["serve", "--port", "0"], ["doctor"]):
        run = [SLUICE, *command, "--config", str(config)]
        done = subprocess.run(run, env=env, capture_output=True, text=True, timeout=30)
        assert done.returncode != 0
        assert PASSWORD not in done.stdout + done.stderr
        assert done.stdout + done.stderr != ""
