"""Serves and asks a gateway that may reach nothing but this machine, and tells what it tried. Run by `test_egress`:

    python -m tests.security.offline FOLDER

Every look-up and connection that Python makes in the gateway is audited and refused. Where the process was given a
network of its own (`unshare -n`), the kernel counts too what goes round Python.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

import httpx

LOCAL = ("127.", "::1", "localhost", "/")
GATEWAY = """#!{python}
import sys
sys.path.insert(0, {root!r})
from tests.security.offline import deny
deny({tried!r})
from gateway.cli.main import app
app()
"""


def deny(tried: str) -> None:
    """From here on refuse, and note in the file `tried`, whatever leads away from this machine."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.getaddrinfo", "socket.gethostbyname"):
            host = arguments[0]
        elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            host = arguments[1][0] if isinstance(arguments[1], tuple) else arguments[1]
        else:
            return
        host = host.decode() if isinstance(host, bytes) else host
        if host and not str(host).startswith(LOCAL):
            with Path(tried).open("a") as file:
                file.write(f"{event} {host}\n")
            raise OSError(f"no way to {host}")

    sys.addaudithook(hook)


def loopback_up() -> None:
    """In a network of its own a process finds the loopback interface down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def unroutable() -> int:
    """How often the kernel had no way to send something."""
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:")]
    return int(lines[1][lines[0].index("OutNoRoutes")])


def asked(url: str, headers: dict[str, str]) -> dict[str, int]:
    user = [{"role": "user", "content": "hello"}]
    statuses = {}
    for model in ("scripted", "llamacpp", "litellm"):
        body = {"model": model, "messages": user, "max_tokens": 4}
        statuses[model] = httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=100).status_code
    file = {
        "type": "file",
        "file": {"file_id": "file-1", "format": "application/pdf"},
    }  # for which it needs more headers
    for model in ("claude", "gemini"):  # their answers are not this upstream's; what matters is whom they ask
        body = {"model": model, "messages": [{"role": "user", "content": [file]}], "max_tokens": 4}
        httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=100)
    body = {"model": "minilm", "input": "hello"}
    statuses["minilm"] = httpx.post(f"{url}/v1/embeddings", json=body, headers=headers, timeout=100).status_code
    statuses["ready"] = httpx.get(f"{url}/readyz", timeout=100).status_code
    return statuses


def through_litellm(model: str, url: str, key: Path) -> dict[str, Any]:
    return {
        "provider": "litellm",
        "model": model,
        "arguments": {"api_base": url},
        "credentials": {"api_key": f"file:{key}"},
    }


def main() -> None:
    from tests import running
    from tests.e2e.upstream import scripted_upstream
    from tests.security.test_parser_differential import completion

    folder = Path(sys.argv[1])
    if os.environ.get("ALONE"):
        loopback_up()
    tried = folder / "tried"
    tried.touch()
    command = folder / "sluice"
    root = str(Path(__file__).parents[2])
    command.write_text(GATEWAY.format(python=sys.executable, root=root, tried=str(tried)))
    command.chmod(0o755)
    running.SLUICE = str(command)
    with scripted_upstream() as upstream:
        upstream.says(completion())
        upstreams = {
            "scripted": {"provider": "scripted"},
            "llamacpp": {"provider": "llamacpp"},
            "minilm": {"provider": "sentence-transformers"},
            "litellm": through_litellm("mistral/m", upstream.url, folder / "key"),
            "claude": through_litellm("anthropic/m", upstream.url.removesuffix("/v1"), folder / "key"),
            "gemini": through_litellm("gemini/m", upstream.url, folder / "key"),
        }
        (folder / "key").write_text("k")
        with running.running_gateway(folder, upstreams) as gateway:
            found = {"statuses": asked(gateway.url, gateway.headers), "tried": tried.read_text().splitlines()}
    found["unroutable"] = unroutable() if os.environ.get("ALONE") else 0
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
