"""A gateway whose guards ask a scoring server: judged while it is there, said to be not run when it is gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.guardrails.server.test_process import COMMANDS, Server, started
from tests.running import RULES, Gateway, running_gateway

pytest.importorskip("onnxruntime")

MANIFEST = """
policies:
  flags: {input: [{guard: moderation, action: flag}]}
  blocks: {input: [{guard: moderation, action: block, threshold: 1}]}
endpoints:
  flagged: {upstream: demo, policy: flags}
  blocked: {upstream: demo, policy: blocks}
"""


def ask(gateway: Gateway, model: str, text: str) -> tuple[int, dict[str, Any]]:
    """The status, and what the record says of the guard."""
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    reply = httpx.post(f"{gateway.api}/chat/completions", json=body, headers=gateway.headers, timeout=60)
    (told,) = json.loads(gateway.record(reply.headers["x-request-id"])["guards"])
    return reply.status_code, told


def texts(server: Server) -> float:
    """How many the server was asked about."""
    told = httpx.get(f"{server.url}/metrics", headers={"authorization": "Bearer right"}).text
    return sum(float(line.split()[1]) for line in told.splitlines() if line.startswith("sluice_guard_server_texts_t"))


def test_guards_run_on_the_server_and_say_so_when_it_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_TOKEN", "right")
    upstreams: dict[str, Any] = {"demo": {"provider": "scripted", "rules": RULES}}
    with started(COMMANDS[0], tmp_path, "right") as server:
        guards = {"server": server.url, "token": "env:GUARD_TOKEN"}
        with running_gateway(tmp_path, upstreams, MANIFEST, guards=guards) as gateway:
            counts = [texts(server)]
            for _ in range(2):
                status, told = ask(gateway, "flagged", "What is the capital of France?")
                assert status == 200
                assert told["score"] < 1
                counts.append(texts(server))
            assert counts[0] < counts[1] == counts[2]  # the second time it was known
            assert ask(gateway, "blocked", "What is the capital of Peru?")[0] == 200
            server.process.kill()
            server.process.wait(20)
            status, told = ask(gateway, "flagged", "What is the capital of Spain?")
            assert (status, told["action"]) == (200, "allow")
            assert "the guard server" in told["not_run"]
            status, told = ask(gateway, "blocked", "What is the capital of Chile?")
            assert (status, told["action"]) == (503, "block")
            for _ in range(4):
                ask(gateway, "flagged", "What is the capital of Italy?")
            ready = httpx.get(f"{gateway.url}/readyz")
            assert ready.status_code == 200
            assert "guards that ask its models do not run" in ready.text
