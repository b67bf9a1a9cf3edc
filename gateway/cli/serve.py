"""`sluice serve`: run the gateway."""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import uvicorn
from rich.console import Console
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from gateway import __version__
from gateway.app import create
from gateway.cli.options import Config
from gateway.configuration import Source
from gateway.data_folder import open_store, pepper
from gateway.errors import Unavailable
from gateway.exposure import refuse_known_secrets
from gateway.front.asgi import AsgiFront
from gateway.front.hot import HotProtocol
from gateway.seed import First, first_start
from gateway.settings import Settings

PROMPT = '{"question": "What is the capital of France?"}'


def serve(
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default=False)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes.", show_default=False)] = None,
) -> None:
    """Run the gateway. A first start makes the database and an admin key, and prints both the key and a curl."""
    console = Console(stderr=True, highlight=False)
    given = {"SLUICE_HOST": host, "SLUICE_PORT": port, "SLUICE_WORKERS": workers}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it means to load the configuration again, which is just being done
    source = Source.of(config, given={name: str(value) for name, value in given.items() if value is not None})
    chosen = source.load()
    console.print(f"sluicegate {__version__}  data in [bold]{chosen.data}[/]  upstreams: {', '.join(chosen.upstreams)}")
    refuse_known_secrets(chosen)
    listening = _listen(chosen)
    store = open_store(chosen)
    first = first_start(store, pepper(chosen), chosen)
    store.close()
    shown, bound = listening.getsockname()[:2]
    console.print(f"listening on [bold]http://{shown}:{bound}[/]  (Ctrl+C stops)")
    _introduce(console, first, f"http://{shown}:{bound}")
    if chosen.server.workers == 1:
        _serve_alone(source, chosen, listening)
    else:
        _serve_together(source, chosen, listening)


def _serve_alone(source: Source, chosen: Settings, listening: socket.socket) -> None:
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: sys.exit(0))  # uvicorn stops cleanly, then raises the signal once more
    uvicorn.Server(_configured(source, chosen, None)).run(sockets=[listening])


class _Supervisor(Multiprocess):
    """Hands SIGHUP on, where uvicorn would replace every process. One that is not ready yet has just read the file, and
    looks at it again within a second."""

    def handle_hup(self) -> None:
        for process in self.processes:
            if process.pid is not None and process.is_ready():
                os.kill(process.pid, signal.SIGHUP)


def _serve_together(source: Source, chosen: Settings, listening: socket.socket) -> None:
    """Several processes on one socket. One that dies is replaced; one that cannot start ends them all."""
    with TemporaryDirectory(prefix="sluicegate-") as shared:
        supervisor = _Supervisor(_configured(source, chosen, Path(shared)), sockets=[listening])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(STARTUP_FAILURE)


def _configured(source: Source, chosen: Settings, shared: Path | None) -> uvicorn.Config:
    return uvicorn.Config(
        partial(_application, source, chosen, shared),
        factory=True,
        workers=chosen.server.workers,
        http=HotProtocol,
        loop="uvloop",
        lifespan="on",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=30,
    )


def _application(source: Source, chosen: Settings, shared: Path | None) -> AsgiFront:
    """What a serving process runs. What is made by now lives as long as the process and is left out of every garbage
    collection, and collections are rarer: a call makes hundreds of objects and leaves no cycle behind, and looking for
    one costs a tenth of the call."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it is listened to; a new process of several has no handler yet
    application = create(source.renewed(chosen), shared, source)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    return application


def _listen(chosen: Settings) -> socket.socket:
    """The listening socket, bound before anything else is done: a port in use costs the user one second, not ten."""
    host, port = chosen.server.host, chosen.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        message = f"Cannot listen on {host}:{port}: {error.strerror}. {_mend(error)}"
        raise Unavailable(message, code="cannot_listen") from error
    listening.set_inheritable(True)
    return listening


def _mend(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "Stop what listens there, or take a free port: sluice serve --port 0"
    if error.errno == errno.EACCES:
        return "Ports below 1024 are for root; choose another: sluice serve --port 8080"
    return "Listen on an address of this machine: sluice serve --host 127.0.0.1"


def _introduce(console: Console, first: First, url: str) -> None:
    if first.key is None:
        return
    console.print("\nThis is your admin key. It is shown once; keep it:\n")
    print(f"  {first.key}", flush=True)  # noqa: T201 - on stdout, for scripts
    if first.seeded:
        console.print("\nTry it:\n")
        command = (
            f"  curl {url}/v1/chat/completions \\\n"
            f'    -H "Authorization: Bearer {first.key}" -H "Content-Type: application/json" \\\n'
            f'    -d \'{{"model": "assistant", "prompt": {{"variables": {PROMPT}}}}}\'\n'
        )
        print(command, flush=True)  # noqa: T201
