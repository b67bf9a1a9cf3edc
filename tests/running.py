"""A running gateway, as its user starts it: `sluice serve` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.waiting import wait_until

SLUICE = str(Path(sys.executable).parent / "sluice")
RULES = [
    {"when": "capital", "say": "The capital of France is Paris."},
    {"when": "weather", "call": {"name": "get_weather", "arguments": {"city": "Paris"}}},
    {"when": "busy", "status": 429, "say": "Slow down.", "retry_after": 2},
    {"when": "wrong key", "status": 401, "say": "Incorrect API key provided: sk-secret."},
    {"when": "broken", "status": 500, "say": "Oops."},
    {"when": "cut", "say": "one two three four five", "cut": 3},
    {"when": "slow", "say": "word " * 200, "pause": 0.05},
]
MANIFEST = """
prompts:
  greeter:
    variables: {name: string, tone: {type: string, default: warm}}
    messages:
      - {role: system, content: "Be {{ tone }}."}
      - {role: user, content: "Greet {{ name }}."}
endpoints:
  support-bot: {upstream: demo, parameters: {temperature: 0.1}}
  greeter: {prompt: greeter, upstream: demo}
"""


@dataclass(frozen=True)
class Gateway:
    """Where it listens, its admin key, and the file it was configured with."""

    url: str
    key: str
    config: Path
    process: subprocess.Popen[str]

    @property
    def api(self) -> str:
        return f"{self.url}/v1"

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def sluice(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [SLUICE, *arguments, "--config", str(self.config)]
        return subprocess.run(command, text=True, capture_output=True, check=check, timeout=60)

    def models(self) -> set[str]:
        """What can be asked for in `model`."""
        listed = httpx.get(f"{self.api}/models", headers=self.headers).json()["data"]
        return {model["id"] for model in listed}

    def record(self, request_id: str) -> dict[str, Any]:
        """The record of a call, once it has come through the journal."""
        for _ in range(100):
            reply = httpx.get(f"{self.url}/admin/calls/{request_id}", headers=self.headers)
            if reply.status_code == 200:
                found: dict[str, Any] = reply.json()
                return found
            time.sleep(0.1)
        raise AssertionError(f"no record of {request_id}")


@contextmanager
def running_gateway(
    folder: Path, upstreams: dict[str, Any], manifest: str | None = None, **settings: Any
) -> Iterator[Gateway]:
    config = folder / "sluicegate.yaml"
    whole = {"server": {"port": 0}, "data": str(folder / "data"), "upstreams": upstreams, **settings}
    whole.setdefault("webhooks", {"private": True})
    config.write_text(yaml.safe_dump(whole))
    log = folder / "serve.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    with log.open("w") as sink:
        process = subprocess.Popen(
            [SLUICE, "serve", "--config", str(config)], stdout=subprocess.PIPE, stderr=sink, text=True, env=env
        )
    try:
        url = wait_for(log, "listening on ")
        assert process.stdout is not None
        key = next(line.strip() for line in process.stdout if line.strip().startswith("sk-"))
        wait_until_healthy(url, process)
        gateway = Gateway(url, key, config, process)
        if manifest is not None:
            (folder / "manifest.yaml").write_text(manifest)
            gateway.sluice("apply", "-f", str(folder / "manifest.yaml"))
            declared = set(yaml.safe_load(manifest).get("endpoints", ()))
            wait_until(lambda: declared <= gateway.models())
        yield gateway
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def serving(config: Path, log: Path) -> Iterator[str]:
    """The URL of a gateway with this configuration, for as long as the context lasts."""
    with log.open("w") as sink:
        process = subprocess.Popen([SLUICE, "serve", "--config", str(config)], stdout=sink, stderr=sink, text=True)
    try:
        url = wait_for(log, "listening on ")
        wait_until_healthy(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def wait_for(log: Path, words: str) -> str:
    """The URL that follows `words` in the log."""
    for _ in range(300):
        for line in log.read_text().splitlines():
            if words in line:
                return line.split(words)[1].split()[0]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def wait_until_healthy(url: str, process: subprocess.Popen[str]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the gateway ended"
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the gateway did not become healthy")
