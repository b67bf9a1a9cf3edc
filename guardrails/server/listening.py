"""The server's process: a socket, uvicorn, and an orderly end."""

from __future__ import annotations

import errno
import signal
import socket
import sys

import uvicorn
from starlette.applications import Starlette

from guardrails.errors import BadInput

GRACE = 30
"""Seconds that requests have to end, once the process is told to."""
KEEP_ALIVE = 75
LOCAL = ("127.0.0.1", "::1", "localhost")


def listen(host: str, port: int) -> socket.socket:
    """Bound before anything is loaded. Raises `BadInput` with the next step."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise BadInput(f"{host} is no address of this machine: {error.strerror}. Listen on 127.0.0.1.") from error
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        mend = "Take another port" if error.errno == errno.EADDRINUSE else "Listen on an address of this machine"
        raise BadInput(f"cannot listen on {host}:{port}: {error.strerror}. {mend}: --host, --port.") from error
    return listening


def run(application: Starlette, listening: socket.socket) -> None:
    """Until SIGTERM or SIGINT: then nobody is let in, and who is inside is answered."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: sys.exit(0))  # uvicorn stops cleanly, then raises the signal once more
    uvicorn.Server(configured(application)).run(sockets=[listening])


def configured(application: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        lifespan="on",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )
