"""A client's TCP connection to the gateway, with our own hands on the bytes."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from tests.running import Gateway

CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Answer:
    """One reply. Header names in lower case; a chunked body is put together."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def said(self) -> str:
        """The text of a chat completion."""
        text: str = self.json["choices"][0]["message"]["content"]
        return text

    @property
    def refusal(self) -> dict[str, Any]:
        """The error object, which always has OpenAI's four keys."""
        error: dict[str, Any] = self.json["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        return error


class Connection:
    """Sends what it is given, reads one reply at a time."""

    def __init__(self, gateway: Gateway) -> None:
        parts = urlsplit(gateway.url)
        self.key = gateway.key
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = self.socket.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._replies.close()
        self.socket.close()

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def reply(self) -> Answer:
        """The next reply, once it is whole."""
        status, headers = self.head()
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join(iter(self.chunk, b""))
        else:
            body = self._replies.read(int(headers["content-length"]))
        return Answer(status, headers, body)

    def head(self) -> tuple[int, dict[str, str]]:
        """Status and header fields of the next reply, its body still to be read."""
        first = self._replies.readline().split()
        assert first[0] == b"HTTP/1.1"
        headers = {}
        while line := self._replies.readline().strip().decode("latin-1"):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(first[1]), headers

    def chunk(self) -> bytes:
        """The next piece of a chunked body; empty at its end."""
        piece = self._replies.read(int(self._replies.readline(), 16))
        assert self._replies.readline() == b"\r\n"
        return piece

    def ended(self) -> bool:
        """The gateway has closed the connection, and sent nothing more before."""
        try:
            return self._replies.read(1) == b""
        except ConnectionResetError:
            return True


def question(words: str, **more: Any) -> bytes:
    return json.dumps({"model": "demo", "messages": [{"role": "user", "content": words}], **more}).encode()


def request(key: str, body: bytes, *fields: str, line: str = f"POST {CHAT} HTTP/1.1") -> bytes:
    """A request with its length; further header fields come before it."""
    head = [line, "host: gateway", f"authorization: Bearer {key}", *fields, f"content-length: {len(body)}"]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def head(key: str, *fields: str, line: str = f"POST {CHAT} HTTP/1.1") -> bytes:
    """A request's head without a length."""
    return "\r\n".join([line, "host: gateway", f"authorization: Bearer {key}", *fields]).encode("latin-1") + b"\r\n\r\n"


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


class Memory:
    """The most memory the gateway held at once since this was made, above what it held then; in MiB."""

    def __init__(self, gateway: Gateway) -> None:
        self._process = Path(f"/proc/{gateway.process.pid}")
        (self._process / "clear_refs").write_text("5")
        self._before = self._peak()

    @property
    def grown(self) -> float:
        return self._peak() - self._before

    def _peak(self) -> float:
        status = (self._process / "status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
