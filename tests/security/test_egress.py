"""Egress: a gateway that may reach nothing but this machine starts, serves, and does not even try: no price map, no
telemetry, no look-up at a hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALONE = ["unshare", "--map-root-user", "--net"]


def alone() -> bool:
    """Whether this machine gives a process a network of its own."""
    try:
        return subprocess.run([*ALONE, "true"], capture_output=True, timeout=20).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.timeout(240)
def test_egress(tmp_path: Path) -> None:
    unset = ("SLUICE_", "HF_", "LITELLM_", "TRANSFORMERS_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    command = [sys.executable, "-m", "tests.security.offline", str(tmp_path)]
    if alone():
        command, env = [*ALONE, *command], {**env, "ALONE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=230)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["statuses"] == {"scripted": 200, "llamacpp": 200, "litellm": 200, "minilm": 200, "ready": 200}
    assert found["tried"] == []
    assert found["unroutable"] == 0


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.getaddrinfo('example.invalid', 80)",
        "socket.create_connection(('192.0.2.1', 80), 1)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "urllib.request.urlopen('http://example.invalid')",
    ],
)
def test_an_attempt_would_be_noticed(tmp_path: Path, attempt: str) -> None:
    tried = tmp_path / "tried"
    script = f"import socket, urllib.request\nfrom tests.security.offline import deny\ndeny({str(tried)!r})\n{attempt}"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert "no way to" in done.stderr
    assert tried.read_text().count("\n") == 1
